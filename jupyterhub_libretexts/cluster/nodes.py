"""How many of an extended resource the cluster's nodes have, counted as nodes come and go.

A node counts while it is ready and takes new pods: what a broken or cordoned node has, nobody can get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jupyterhub_libretexts.cluster.objects import at_least, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NodeIndex"]

Node = dict[str, Any]


class _Kept(NamedTuple):
    version: str
    labels: frozenset[tuple[str, str]]
    devices: dict[str, int]
    """Extended resources that pods may be given."""


class NodeIndex:
    """Nodes by name, reduced to what is counted."""

    def __init__(self) -> None:
        self._nodes: dict[str, _Kept] = {}
        self._sums: dict[tuple[str, frozenset[tuple[str, str]]], int] = {}

    def capacity(self, resource: str, labels: Mapping[str, str]) -> int:
        """How many of a resource the nodes with all of these labels have together."""
        key = (resource, frozenset(labels.items()))
        if key not in self._sums:
            self._sums[key] = sum(
                node.devices.get(resource, 0) for node in self._nodes.values() if key[1] <= node.labels
            )
        return self._sums[key]

    def put(self, node: Node, *, listed: bool = False) -> str:  # noqa: ARG002 - a node's order does not matter
        """Take in a node unless something newer is known; return its name."""
        name: str = node["metadata"]["name"]
        known = self._nodes.get(name)
        if known is None or at_least(version_of(node), known.version):
            self._nodes[name] = _kept(node)
            self._sums.clear()
        return name

    def drop(self, node: Node) -> None:
        """A node is gone."""
        self._nodes.pop(node["metadata"]["name"], None)
        self._sums.clear()

    def settle(self, namespace: str | None, version: str, seen: set[str]) -> None:  # noqa: ARG002
        """A complete list was read: forget what it did not hold."""
        for name in self._nodes.keys() - seen:
            del self._nodes[name]
        self._sums.clear()


def _kept(node: Node) -> _Kept:
    status = node.get("status") or {}
    ready = any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )
    takes_pods = ready and not (node.get("spec") or {}).get("unschedulable")
    allocatable = (status.get("allocatable") or {}) if takes_pods else {}
    return _Kept(
        version_of(node),
        frozenset((node["metadata"].get("labels") or {}).items()),
        {name: int(amount) for name, amount in allocatable.items() if "/" in name and amount.isdecimal()},
    )
