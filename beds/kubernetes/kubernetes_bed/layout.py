"""Names, addresses and folders of a cluster: all that follows from its name and its shape.

Every cluster has a network of its own, so all use the same addresses and two never meet. What
clusters share is the machine's file system, its process table and its cgroups; folders and cgroups
therefore carry the cluster's name.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import BedError

STATE = Path("/var/tmp/jupyterhub-libretexts/clusters")
SWITCH_ADDRESS = "10.77.0.254"
PODS = "10.244.0.0/16"
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
API_PORT = 6443

REGISTRIES = {"registry.test": 5000, "private.registry.test": 5001, "slow.registry.test": 5002}
"""Image host and the port on the first node that answers for it."""
REGISTRY_USER = ("teacher", "chalk")
"""Name and password that ``private.registry.test`` asks for."""

STORAGE_CLASS = "shared"
STORAGE_PROVISIONER = "libretexts.org/bed"
"""The default class of claims and who makes their volumes; ``manifests/storage.yaml`` says the same."""

SHAPES = {
    1: (("core", "student", "gpu"),),
    2: (("core",), ("student", "gpu")),
    3: (("core",), ("student",), ("gpu",)),
    4: (("core",), ("student",), ("student",), ("gpu",)),
}
"""Roles of each node by their number. A node that is for GPUs alone refuses other pods by a taint."""

PURPOSES = {"core": "core", "student": "user", "gpu": "gpu"}
"""Role and the value of ``hub.jupyter.org/node-purpose``, the label that z2jh's charts use."""

GPUS = {"nvidia.com/gpu": 2, "nvidia.com/mig-1g.10gb": 9}
"""What a GPU node advertises: whole cards, and slices of another."""
GPU_LABELS = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB", "nvidia.com/mig.capable": "true"}
GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}

NAME = re.compile(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Node:
    """One node: its place in the cluster gives it its addresses."""

    number: int
    """1 for the first, which also runs the control plane."""
    roles: tuple[str, ...]
    cluster: str

    @property
    def name(self) -> str:
        """What Kubernetes calls it."""
        return f"node{self.number}"

    @property
    def address(self) -> str:
        """On the switch."""
        return f"10.77.0.{self.number}"

    @property
    def tunnel_address(self) -> str:
        """Of its end of the VXLAN tunnel: the first of its block."""
        return str(self.block.network_address)

    @property
    def block(self) -> ipaddress.IPv4Network:
        """Its first 64 pod addresses."""
        blocks = ipaddress.IPv4Network(PODS).subnets(new_prefix=26)
        return next(itertools.islice(blocks, self.number, None))

    @property
    def folder(self) -> Path:
        """Its files: ``lib`` is its /var/lib, ``log`` its /var/log."""
        return STATE / self.cluster / self.name

    @property
    def cgroup(self) -> str:
        """Below which the kubelet puts every pod."""
        return f"/{cgroup_of(self.cluster)}/{self.name}"

    @property
    def labels(self) -> dict[str, str]:
        """Labels that say what it is for."""
        purposes = {f"libretexts.org/{role}": "true" for role in self.roles}
        gpu = GPU_LABELS if "gpu" in self.roles else {}
        return {"hub.jupyter.org/node-purpose": PURPOSES[self.roles[0]], **purposes, **gpu}

    @property
    def taints(self) -> list[dict[str, str]]:
        """A node with nothing but GPUs is kept for those who ask for one."""
        return [GPU_TAINT] if self.roles == ("gpu",) else []


@dataclass(frozen=True, slots=True)
class Shape:
    """A cluster as it is asked for."""

    name: str
    nodes: tuple[Node, ...]

    @property
    def folder(self) -> Path:
        """Everything that belongs to it."""
        return STATE / self.name

    @property
    def switch(self) -> Path:
        """The switch's part of it."""
        return self.folder / "switch"

    @property
    def kubeconfig(self) -> Path:
        """An administrator's."""
        return self.folder / "kubeconfig"

    @property
    def first(self) -> Node:
        """The node with the control plane, the registry, and the hub of a test."""
        return self.nodes[0]


def cgroup_of(cluster: str) -> str:
    """The name of a cluster's own group in every cgroup hierarchy."""
    return f"libretexts-{cluster}"


def shape(name: str, count: int) -> Shape:
    """The shape of a cluster of so many nodes.

    Raises:
        BedError: when the name cannot be part of a host name or the count has no shape.
    """
    if not NAME.fullmatch(name):
        raise BedError(f"--name {name!r}: use up to 32 of a-z, 0-9 and '-', a letter first")
    if count not in SHAPES:
        raise BedError(f"--nodes {count}: allowed are {', '.join(map(str, SHAPES))}")
    nodes = tuple(Node(number, roles, name) for number, roles in enumerate(SHAPES[count], 1))
    return Shape(name, nodes)
