"""What lies beyond NetworkPolicy: pools of addresses, and the wall that no organisation can override.

The wall closes for all organisations at once what must stay closed whatever a policy in one of their
namespaces opens: metadata services, storage servers, nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.core.objects import thing
from jupyterhub_libretexts.core.subjects import PREFIX, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyterhub_libretexts.core.objects import HubPlace, Manifest
    from jupyterhub_libretexts.settings.models import Calico, Network, Settings

__all__ = ["METADATA", "address_pools", "wall"]

METADATA = ("169.254.169.254/32", "fd00:ec2::254/128")
"""Where clouds answer with credentials, over IPv4 and IPv6."""

_SELECTOR_OF_NAMESPACES = (3, 31)
"""First Calico whose pools select namespaces."""
_ORDER = 10
"""Calico evaluates a cluster's NetworkPolicies at 1000; what is lower comes before them."""
_MOST = 25
"""Peers that one rule of a ClusterNetworkPolicy may name, and ranges that one peer may."""


def address_pools(settings: Settings) -> tuple[Manifest, ...]:
    """A pool for each network that has addresses of its own; none where there is no Calico."""
    calico = settings.cluster.calico
    if calico is None:
        return ()
    return tuple(
        _pool(calico, name, network)
        for name, network in settings.networks.items()
        if network.addresses is not None
    )


def _pool(calico: Calico, name: str, network: Network) -> Manifest:
    """One pool. Its name says its range, for a range can only be changed by another pool.

    https://docs.tigera.io/calico/latest/reference/resources/ippool
    """
    pool = network.addresses
    assert pool is not None
    by_namespace = version_of(calico) >= _SELECTOR_OF_NAMESPACES
    small = pool.prefixlen > {4: 22, 6: 118}[pool.version]
    # A pool is cut into blocks for nodes; small pools need small blocks to serve several.
    block = {4: (26, 29), 6: (122, 125)}[pool.version][small]
    spec: dict[str, Any] = {
        "cidr": str(pool),
        "blockSize": max(block, pool.prefixlen),
        "natOutgoing": network.masquerade,
        "vxlanMode": {"vxlan": "Always", "vxlan-cross-subnet": "CrossSubnet"}.get(
            calico.encapsulation, "Never"
        ),
        "ipipMode": {"ipip": "Always", "ipip-cross-subnet": "CrossSubnet"}.get(calico.encapsulation, "Never"),
        # A namespace that names the pool is served by it on every node; the selectors only keep
        # everybody else out.
        "nodeSelector": "all()" if by_namespace else "!all()",
        "allowedUses": ["Workload"],
    }
    if by_namespace:
        spec["namespaceSelector"] = f"{PREFIX}network == '{names.label_value(name)}'"
    called = (
        f"libretexts-{names.slug(name, 32)}-{str(pool.network_address).replace(':', '-')}-{pool.prefixlen}"
    )
    made = thing(calico.api, "IPPool", called, spec=spec)
    made["metadata"]["labels"][f"{PREFIX}network"] = names.label_value(name)
    return made


def wall(settings: Settings, hub: HubPlace) -> tuple[Manifest, ...]:
    """The wall in the kind that was asked for; nothing where there is none."""
    ranges = settings.cluster
    kind = ranges.wall or ("calico" if ranges.calico is not None else "none")
    # Where servers run beside the hub, its namespace is not theirs alone.
    shared = any(namespace_of(settings, name) == hub.namespace for name in settings.organizations)
    if kind == "calico" and ranges.calico is not None:
        return _calico_wall(settings, ranges.calico, shared=shared)
    if kind == "clusterNetworkPolicy":
        return _cluster_network_policy(settings, shared=shared)
    return ()


def _closed(settings: Settings) -> tuple[str, ...]:
    ranges = settings.cluster
    return (*METADATA, *map(str, (*ranges.storage, *ranges.nodes)))


def _of_version(ranges: Sequence[str], version: int) -> list[str]:
    return [item for item in ranges if (":" in item) == (version == 6)]  # noqa: PLR2004


def _calico_wall(settings: Settings, calico: Calico, *, shared: bool) -> tuple[Manifest, ...]:
    """An ordered GlobalNetworkPolicy. What no rule of it decides, later policies decide.

    A final rule "Pass" would skip every NetworkPolicy, which Calico keeps in the same tier, and open
    everything. https://docs.tigera.io/calico/latest/reference/resources/globalnetworkpolicy
    """
    names_served = [str(item) for item in settings.cluster.dns]
    closed = _closed(settings)
    egress: list[dict[str, Any]] = [
        # Names may be served on the nodes' own addresses; they stay open.
        {
            "action": "Allow",
            "protocol": protocol,
            "destination": {"nets": nets, "ports": [53]},
        }
        for nets in filter(None, (_of_version(names_served, 4), _of_version(names_served, 6)))
        for protocol in ("UDP", "TCP")
    ]
    egress += [
        {"action": "Deny", "destination": {"nets": nets}}
        for nets in filter(None, (_of_version(closed, 4), _of_version(closed, 6)))
    ]
    spec = {"order": _ORDER, "types": ["Egress"], "egress": egress}
    # Written straight into its resources, Calico's own client finds a policy only under its tier's name.
    prefix = "default." if calico.api.startswith("crd.") else ""
    walls = [
        thing(
            calico.api,
            "GlobalNetworkPolicy",
            f"{prefix}libretexts-wall",
            spec={"namespaceSelector": f"has({PREFIX}organization)", **spec},
        )
    ]
    if shared:
        walls.append(
            thing(
                calico.api,
                "GlobalNetworkPolicy",
                f"{prefix}libretexts-wall-servers",
                spec={
                    "selector": f"component == 'singleuser-server' && has({PREFIX}organization)",
                    **spec,
                },
            )
        )
    return tuple(walls)


def _cluster_network_policy(settings: Settings, *, shared: bool) -> tuple[Manifest, ...]:
    """The same as a ClusterNetworkPolicy of the Admin tier.

    https://network-policy-api.sigs.k8s.io/reference/spec/ (policy.networking.k8s.io/v1alpha2)
    """
    port = {"destinationPort": {"number": 53}}
    egress: list[dict[str, Any]] = [
        {
            "name": "names",
            "action": "Pass",
            "to": [{"networks": part}],
            "protocols": [{"udp": port}, {"tcp": port}],
        }
        for part in _parts([str(item) for item in settings.cluster.dns])
    ]
    egress += [
        {"name": "closed", "action": "Deny", "to": [{"networks": part}]} for part in _parts(_closed(settings))
    ]
    has_organization = {"matchExpressions": [{"key": f"{PREFIX}organization", "operator": "Exists"}]}
    servers = {
        "matchLabels": {"component": "singleuser-server"},
        "matchExpressions": has_organization["matchExpressions"],
    }
    subjects: list[tuple[str, dict[str, Any]]] = [("libretexts-wall", {"namespaces": has_organization})]
    if shared:
        subjects.append(
            ("libretexts-wall-servers", {"pods": {"namespaceSelector": {}, "podSelector": servers}})
        )
    return tuple(
        thing(
            "policy.networking.k8s.io/v1alpha2",
            "ClusterNetworkPolicy",
            called,
            spec={"tier": "Admin", "priority": _ORDER + position, "subject": subject, "egress": egress},
        )
        for position, (called, subject) in enumerate(subjects)
    )


def _parts(ranges: Sequence[str]) -> list[list[str]]:
    return [list(ranges[start : start + _MOST]) for start in range(0, len(ranges), _MOST)]
