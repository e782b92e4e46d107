"""What servers may reach, and who may reach them: network policies of an organisation.

A policy can only open; so everything is closed first, and each way is opened by itself. What must
stay closed whatever an organisation opens (metadata, storage, nodes) is besides refused for all of
them in one policy that no organisation can override, where the cluster runs Calico.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.core.objects import thing
from jupyterhub_libretexts.core.subjects import PREFIX
from jupyterhub_libretexts.settings.models import Network

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyterhub_libretexts.core.objects import HubPlace, Manifest
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["METADATA", "PRIVATE", "address_pools", "hub_policies", "network_policies", "wall"]

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
"""Not the internet: RFC 1918, RFC 6598 and RFC 3927, the last with the metadata services of clouds."""
METADATA = "169.254.169.254/32"
SERVER_PORT = 8888
HUB_PORT = 8081
PROXY_PORT = 8000
_DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]


def network_policies(settings: Settings, name: str, hub: HubPlace) -> tuple[Manifest, ...]:
    """The policies of one organisation, the closed door first."""
    organization = settings.organizations[name]
    network = settings.networks[organization.network] if organization.network is not None else Network()
    namespace = namespace_of(settings, name)
    egress = [_to_names(settings), _to_hub(hub)]
    if network.reach:
        egress.append({"to": [{"ipBlock": {"cidr": str(reach)}} for reach in network.reach]})
    if network.internet:
        egress.append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": _not_internet(settings)}}]})
    ingress: list[Any] = [_from_hub(hub)]
    servers = {
        "matchLabels": {"component": "singleuser-server", f"{PREFIX}organization": names.label_value(name)}
    }
    if network.peers:
        egress.append({"to": [{"podSelector": servers}]})
        ingress.append({"from": [{"podSelector": servers}]})
    # An organisation that lives in the hub's own namespace must not close the door on the hub.
    everybody: dict[str, Any] = {} if namespace != hub.namespace else servers
    return (
        _policy("libretexts-closed", namespace, everybody, ["Ingress", "Egress"]),
        _policy(
            "libretexts-servers", namespace, servers, ["Ingress", "Egress"], ingress=ingress, egress=egress
        ),
    )


def hub_policies(settings: Settings, hub: HubPlace) -> tuple[Manifest, ...]:
    """In the hub's namespace: servers of all organisations may reach the hub and the proxy.

    z2jh's own policies admit only pods of their own namespace that carry its labels, so a server
    elsewhere would never report that it is up.
    """
    spaces = sorted({namespace_of(settings, name) for name in settings.organizations})
    if not spaces:
        return ()
    where = [
        {
            "namespaceSelector": {
                "matchExpressions": [
                    {"key": "kubernetes.io/metadata.name", "operator": "In", "values": spaces}
                ]
            },
            "podSelector": {"matchLabels": {"component": "singleuser-server"}},
        }
    ]
    return tuple(
        _policy(
            f"libretexts-{part}",
            hub.namespace,
            {"matchLabels": dict(labels)},
            ["Ingress"],
            ingress=[{"from": where, "ports": [{"port": port, "protocol": "TCP"}]}],
        )
        for part, labels, port in (("hub", hub.hub_labels, HUB_PORT), ("proxy", hub.proxy_labels, PROXY_PORT))
    )


def wall(settings: Settings) -> tuple[Manifest, ...]:
    """One policy over all organisations that none of them can override (Calico, ordered before others).

    https://docs.tigera.io/calico/3.28/reference/resources/globalnetworkpolicy
    """
    ranges = settings.cluster
    closed = [METADATA, *map(str, (*ranges.storage, *ranges.nodes))]
    spec = {
        "order": 10,
        "namespaceSelector": f"has({PREFIX}organization)",
        "types": ["Egress"],
        "egress": [
            # Names may be served on the nodes' own addresses; they stay open.
            *(
                {"action": "Allow", "protocol": protocol, "destination": {"nets": nets, "ports": [53]}}
                for protocol in ("UDP", "TCP")
                for nets in ([str(item) for item in ranges.dns],)
                if nets
            ),
            {"action": "Deny", "destination": {"nets": closed}},
            {"action": "Pass"},
        ],
    }
    return (thing("crd.projectcalico.org/v1", "GlobalNetworkPolicy", "libretexts-wall", spec=spec),)


def address_pools(settings: Settings) -> tuple[Manifest, ...]:
    """A Calico pool for each network that has addresses of its own."""
    pools = []
    for name, network in settings.networks.items():
        if network.addresses is None:
            continue
        small = network.addresses.prefixlen > (26 if network.addresses.version == 4 else 122) - 4  # noqa: PLR2004
        block = {4: (29, 26), 6: (125, 122)}[network.addresses.version][0 if small else 1]
        spec = {
            "cidr": str(network.addresses),
            # A pool is cut into blocks for nodes; small pools need small blocks to serve several.
            "blockSize": max(block, network.addresses.prefixlen),
            "natOutgoing": True,
            "vxlanMode": "Always" if network.addresses.version == 4 else "Never",  # noqa: PLR2004
            "ipipMode": "Never",
            "nodeSelector": "all()",
            "allowedUses": ["Workload"],
        }
        pools.append(thing("crd.projectcalico.org/v1", "IPPool", names.slug(f"libretexts-{name}"), spec=spec))
    return tuple(pools)


def _policy(name: str, namespace: str, pods: dict[str, Any], types: list[str], **ways: list[Any]) -> Manifest:
    return thing(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        name,
        namespace,
        spec={"podSelector": pods, "policyTypes": types, **ways},
    )


def _to_names(settings: Settings) -> dict[str, Any]:
    to: list[Any] = [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ]
    to.extend({"ipBlock": {"cidr": str(item)}} for item in settings.cluster.dns)
    return {"to": to, "ports": _DNS}


def _pods_of_hub(hub: HubPlace, labels: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": hub.namespace}},
        "podSelector": {"matchLabels": dict(labels)},
    }


def _to_hub(hub: HubPlace) -> dict[str, Any]:
    return {
        "to": [_pods_of_hub(hub, hub.hub_labels)],
        "ports": [{"port": HUB_PORT, "protocol": "TCP"}],
    }


def _from_hub(hub: HubPlace) -> dict[str, Any]:
    return {
        "from": [_pods_of_hub(hub, hub.hub_labels), _pods_of_hub(hub, hub.proxy_labels)],
        "ports": [{"port": SERVER_PORT, "protocol": "TCP"}],
    }


def _not_internet(settings: Settings) -> list[str]:
    """What a policy for the internet leaves out: private ranges, and public ones of the cluster itself."""
    ranges = settings.cluster
    own = [*ranges.nodes, *ranges.pods, *ranges.services, *ranges.storage]
    private = [IPv4Network(item) for item in PRIVATE]
    public = {
        str(item)
        for item in own
        if isinstance(item, IPv4Network) and not any(item.subnet_of(net) for net in private)
    }
    return [*PRIVATE, *sorted(public)]
