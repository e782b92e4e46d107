"""The objects that a new cluster has: its nodes, first namespaces, a storage class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .admission import DEFAULT_CLASS
from .discovery import VERSION
from .registry import Registry, now
from .resources import NAMESPACES, NODES, STORAGE_CLASSES

if TYPE_CHECKING:
    from .configuration import NodeSpec

Document = dict[str, Any]

FIRST_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
STORAGE_CLASS = "standard"


def node_document(spec: NodeSpec, address: str, limits: str) -> Document:
    """A Node as its kubelet registers it."""
    capacity = {"cpu": spec.cpu, "memory": spec.memory, "pods": str(spec.pods), **spec.resources}
    moment = now()
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": moment,
        "lastTransitionTime": moment,
    }
    labels = {
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "libretexts.org/embedded": spec.kind,
        **spec.labels,
    }
    annotations = {
        "libretexts.org/warning": "for trying out and for tests: nothing is isolated here",
        "libretexts.org/memory-limits": limits,
    }
    info = {"kubeletVersion": VERSION["gitVersion"], "operatingSystem": "linux", "architecture": "amd64"}
    unknown = ("bootID", "machineID", "systemUUID", "kernelVersion", "kubeProxyVersion", "osImage")
    return {
        "metadata": {"name": spec.name, "labels": labels, "annotations": annotations},
        "spec": {"taints": [dict(each) for each in spec.taints]} if spec.taints else {},
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": [ready],
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": spec.name},
            ],
            "nodeInfo": {
                **info,
                "containerRuntimeVersion": "embedded://1",
                **dict.fromkeys(unknown, ""),
            },
        },
    }


def furnish(registry: Registry, namespaces: tuple[str, ...]) -> None:
    """Make what every cluster has."""
    for name in (*FIRST_NAMESPACES, *namespaces):
        registry.create(NAMESPACES, "", {"metadata": {"name": name}})
    metadata = {"name": STORAGE_CLASS, "annotations": {DEFAULT_CLASS: "true"}}
    registry.create(
        STORAGE_CLASSES,
        "",
        {
            "metadata": metadata,
            "provisioner": "libretexts.org/embedded",
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
        },
    )


def register(registry: Registry, spec: NodeSpec, address: str, limits: str) -> None:
    """Make a node known, with its status."""
    document = node_document(spec, address, limits)
    made = registry.create(NODES, "", {key: document[key] for key in ("metadata", "spec")})
    registry.set_status(NODES, made, **document["status"])
