"""Objects of the cluster for one organisation: its namespace, rights, quota and bounds.

What its servers may reach is decided in ``policies``; who writes these objects to a cluster, elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.core.subjects import PREFIX

if TYPE_CHECKING:
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["MANAGED", "HubPlace", "Manifest", "cluster_objects", "organization_objects", "thing"]

Manifest = dict[str, Any]

MANAGED = {"app.kubernetes.io/managed-by": "jupyterhub-libretexts"}
"""The label by which all objects of ours are found."""


@dataclass(frozen=True, slots=True)
class HubPlace:
    """Where the hub runs, for the policies and rights that name it."""

    namespace: str = "jupyterhub"
    service_account: str = "hub"
    hub_labels: tuple[tuple[str, str], ...] = (("app", "jupyterhub"), ("component", "hub"))
    """Labels of the hub's pod; z2jh's by default."""
    proxy_labels: tuple[tuple[str, str], ...] = (("app", "jupyterhub"), ("component", "proxy"))
    """Labels of the proxy's pod; z2jh's by default."""


def thing(version: str, kind: str, name: str, namespace: str | None = None, **rest: Any) -> Manifest:
    """An object of the cluster with the label by which all of ours are found."""
    metadata: dict[str, Any] = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    metadata["labels"] = dict(MANAGED)
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def organization_objects(settings: Settings, name: str, hub: HubPlace) -> tuple[Manifest, ...]:
    """Namespace, rights, quota and bounds of one organisation, in the order in which they are made."""
    namespace = namespace_of(settings, name)
    mine = {f"{PREFIX}organization": names.label_value(name)}
    objects = [
        _service_account(settings, name, namespace),
        _role(settings, namespace),
        _role_binding(namespace, hub),
    ]
    if namespace != hub.namespace:
        # Beside the hub, a quota and bounds would hold for the hub and its proxy too.
        objects = [
            _namespace(settings, name, namespace),
            *objects,
            *_quota(settings, name, namespace),
            _bounds(namespace),
        ]
    for item in objects:
        item["metadata"]["labels"] |= mine
    return tuple(objects)


def _namespace(settings: Settings, name: str, namespace: str) -> Manifest:
    made = thing("v1", "Namespace", namespace)
    network = settings.organizations[name].network
    made["metadata"]["labels"] |= {
        # Baseline forbids what a student's server never needs; restricted is said and not enforced,
        # because images that people bring along often run as root in their own files.
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/warn": "restricted",
        **({f"{PREFIX}network": names.label_value(network)} if network is not None else {}),
    }
    annotations = _pool(settings, name)
    if annotations:
        made["metadata"]["annotations"] = annotations
    return made


def _pool(settings: Settings, organization: str) -> dict[str, str]:
    """What has a namespace's pods take their addresses from the pool of its network.

    https://docs.tigera.io/calico/latest/reference/configure-cni-plugins, "Using annotations"
    """
    network = settings.organizations[organization].network
    if network is None or settings.cluster.calico is None:
        return {}
    pool = settings.networks[network].addresses
    if pool is None:
        return {}
    return {f"cni.projectcalico.org/ipv{pool.version}pools": json.dumps([str(pool)])}


def _service_account(settings: Settings, name: str, namespace: str) -> Manifest:
    """An account of the same name everywhere, for a hub that is told to give its servers one.

    It has no rights, its token is mounted nowhere, and it fetches images with the organisation's
    secrets. The namespace's own account ``default`` cannot be rendered: a controller makes it in the
    same instant, and whichever comes second fails.
    """
    secrets = [{"name": secret} for secret in settings.organizations[name].pull_secrets]
    return thing(
        "v1",
        "ServiceAccount",
        "libretexts-servers",
        namespace,
        automountServiceAccountToken=False,
        **({"imagePullSecrets": secrets} if secrets else {}),
    )


def _role(settings: Settings, namespace: str) -> Manifest:
    """Each right that the hub needs in the namespaces of its servers, and no other."""
    rules = [
        ([""], ["pods"], ["get", "list", "watch", "create", "delete"]),
        ([""], ["events"], ["list", "watch"]),
        ([""], ["persistentvolumeclaims"], ["get", "create", "delete"]),
    ]
    if any(gpu.queue is not None for gpu in settings.gpus.values()):
        # The place in Kueue's line, to be shown.
        rules.append((["visibility.kueue.x-k8s.io"], ["localqueues/pendingworkloads"], ["get"]))
    return thing(
        "rbac.authorization.k8s.io/v1",
        "Role",
        "libretexts-hub",
        namespace,
        rules=[{"apiGroups": groups, "resources": kinds, "verbs": verbs} for groups, kinds, verbs in rules],
    )


def _role_binding(namespace: str, hub: HubPlace) -> Manifest:
    return thing(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "libretexts-hub",
        namespace,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "libretexts-hub"},
        subjects=[{"kind": "ServiceAccount", "name": hub.service_account, "namespace": hub.namespace}],
    )


def _quota(settings: Settings, name: str, namespace: str) -> tuple[Manifest, ...]:
    """The second wall behind the spawner's own limits."""
    organization = settings.organizations[name]
    limits = organization.limits
    hard: dict[str, str] = {}
    if limits.servers is not None:
        hard["pods"] = str(limits.servers)
    if limits.memory is not None:
        hard["requests.memory"] = str(limits.memory)
    if limits.cpu is not None:
        hard["requests.cpu"] = str(limits.cpu)
    # Two flavours may be one resource on different nodes; the quota knows only the resource.
    devices: Counter[str] = Counter({gpu.resource: 0 for gpu in settings.gpus.values()})
    for flavour, share in organization.gpus.items():
        devices[settings.gpus[flavour].resource] += share.total
    for flavour in organization.gpus:
        if settings.gpus[flavour].queue is not None:
            # A pod that waits in Kueue's line is there already, and counts in a quota.
            devices.pop(settings.gpus[flavour].resource, None)
    # Extended resources are limited by their requests only; a flavour without a share is closed.
    hard.update({f"requests.{resource}": str(total) for resource, total in sorted(devices.items())})
    if (
        organization.homes is not None
        and organization.homes.total is not None
        and settings.homes.kind == "claim"
    ):
        hard["requests.storage"] = str(organization.homes.total)
    if not hard:
        return ()
    return (thing("v1", "ResourceQuota", "libretexts", namespace, spec={"hard": hard}),)


def _bounds(namespace: str) -> Manifest:
    """A pod that says nothing about its needs still gets bounds, so that it counts in the quota."""
    return thing(
        "v1",
        "LimitRange",
        "libretexts",
        namespace,
        spec={
            "limits": [
                {
                    "type": "Container",
                    "default": {"cpu": "1", "memory": "1Gi"},
                    "defaultRequest": {"cpu": "100m", "memory": "256Mi"},
                }
            ]
        },
    )


def cluster_objects(hub: HubPlace) -> tuple[Manifest, ...]:
    """The hub's rights over all namespaces: to read pods and their events, and how many GPUs nodes have.

    They are for speed and for the display of what is free. Without them the hub watches each
    namespace by itself, and says "not known" where nobody tells it a total.
    """
    role = thing(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        f"{hub.namespace}-libretexts-hub",
        rules=[
            {"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["list", "watch"]},
            {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
        ],
    )
    binding = thing(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        f"{hub.namespace}-libretexts-hub",
        roleRef={
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": f"{hub.namespace}-libretexts-hub",
        },
        subjects=[{"kind": "ServiceAccount", "name": hub.service_account, "namespace": hub.namespace}],
    )
    return (role, binding)
