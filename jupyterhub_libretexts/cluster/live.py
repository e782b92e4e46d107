"""Objects of ours as they stand in a cluster, found by the label that all of them carry."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from jupyterhub_libretexts.cluster.connection import ApiFailure, Connection
from jupyterhub_libretexts.core.objects import MANAGED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyterhub_libretexts.core.objects import Manifest

__all__ = ["KINDS", "compared", "ours", "path_of"]

KINDS: Final = {
    ("v1", "Namespace"): "namespaces",
    ("v1", "ServiceAccount"): "serviceaccounts",
    ("v1", "ResourceQuota"): "resourcequotas",
    ("v1", "LimitRange"): "limitranges",
    ("rbac.authorization.k8s.io/v1", "Role"): "roles",
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): "rolebindings",
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): "clusterroles",
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): "clusterrolebindings",
    ("networking.k8s.io/v1", "NetworkPolicy"): "networkpolicies",
    ("projectcalico.org/v3", "IPPool"): "ippools",
    ("projectcalico.org/v3", "GlobalNetworkPolicy"): "globalnetworkpolicies",
    ("crd.projectcalico.org/v1", "IPPool"): "ippools",
    ("crd.projectcalico.org/v1", "GlobalNetworkPolicy"): "globalnetworkpolicies",
    ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"): "clusternetworkpolicies",
}
"""Every kind that is rendered, with its name in paths and in rights."""
_BUILT_IN = ("v1", "rbac.authorization.k8s.io/v1", "networking.k8s.io/v1")
_MISSING = 404


def path_of(version: str, plural: str, namespace: str = "") -> str:
    """The path of a collection."""
    root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


async def ours(rendered: Iterable[Manifest], connection: Connection | None = None) -> list[Manifest]:
    """All objects of ours, of the kinds that every cluster has and of those that are rendered.

    Args:
        rendered: What should be; a kind of Calico is looked for only where it is among it.
        connection: The way to the cluster; the one that kubectl would use where not given.

    Raises:
        ClusterUnavailable: No answer.
        ApiFailure: A list is refused.
    """
    versions = {item["apiVersion"] for item in rendered}
    if connection is None:
        async with Connection() as fresh:
            return await _read(fresh, versions)
    return await _read(connection, versions)


def compared(rendered: Iterable[Manifest]) -> list[tuple[str, str]]:
    """Group and plural of every kind that ``ours`` lists for these objects: what it needs to read."""
    return [
        (version.rpartition("/")[0], KINDS[version, kind])
        for version, kind in _wanted({item["apiVersion"] for item in rendered})
    ]


def _wanted(versions: set[str]) -> list[tuple[str, str]]:
    return [kind for kind in KINDS if kind[0] in _BUILT_IN or kind[0] in versions]


async def _read(connection: Connection, versions: set[str]) -> list[Manifest]:
    wanted = _wanted(versions)
    lists = await asyncio.gather(*(_listed(connection, version, kind) for version, kind in wanted))
    return [item for found in lists for item in found]


async def _listed(connection: Connection, version: str, kind: str) -> list[dict[str, Any]]:
    selector = ",".join(f"{key}={value}" for key, value in MANAGED.items())
    try:
        answer = await connection.get(path_of(version, KINDS[version, kind]), {"labelSelector": selector})
    except ApiFailure as failure:
        if failure.status == _MISSING:  # The cluster does not know this kind.
            return []
        raise
    # Items of a list do not repeat what the list says of them.
    return [{"apiVersion": version, "kind": kind, **item} for item in answer.get("items") or []]
