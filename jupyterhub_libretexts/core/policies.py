"""What servers may reach, and who may reach them: network policies of an organisation.

A policy can only open; so everything is closed first, and each way is opened by itself. Nothing here
opens IPv6 but a range of IPv6 that the file lists.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.catalogue import namespace_of, namespaces_of
from jupyterhub_libretexts.core.objects import thing
from jupyterhub_libretexts.core.subjects import PREFIX
from jupyterhub_libretexts.settings.models import Network

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyterhub_libretexts.core.objects import HubPlace, Manifest
    from jupyterhub_libretexts.settings.models import Settings

__all__ = [
    "HUB_PORT",
    "NOT_PUBLIC",
    "PROXY_PORT",
    "SERVER_PORT",
    "hub_policies",
    "network_of",
    "network_policies",
    "servers_of",
]

NOT_PUBLIC = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
"""What is not the internet: the blocks that IANA's IPv4 Special-Purpose Address Registry (RFC 6890) calls
not globally reachable, and multicast."""
SERVER_PORT = 8888
HUB_PORT = 8081
PROXY_PORT = 8000
_DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]


def servers_of(organization: str) -> dict[str, str]:
    """The labels that the servers of an organisation carry."""
    return {"component": "singleuser-server", f"{PREFIX}organization": names.label_value(organization)}


def network_of(settings: Settings, organization: str) -> Network:
    """The network of an organisation; one that opens nothing where it has none."""
    network = settings.organizations[organization].network
    return settings.networks[network] if network is not None else Network()


def network_policies(settings: Settings, name: str, hub: HubPlace) -> tuple[Manifest, ...]:
    """The policies of one organisation, the closed door first."""
    network = network_of(settings, name)
    namespace = namespace_of(settings, name)
    egress = [_to_names(settings), _to_hub(hub)]
    if network.reach:
        egress.append({"to": [{"ipBlock": {"cidr": str(reach)}} for reach in network.reach]})
    if network.internet:
        egress.append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": _not_internet(settings)}}]})
    ingress: list[Any] = [_from_hub(hub)]
    servers = {"matchLabels": servers_of(name)}
    if network.peers:
        egress.append({"to": [{"podSelector": servers}]})
        ingress.append({"from": [{"podSelector": servers}]})
    # An organisation that lives in the hub's own namespace must not close the door on the hub.
    everybody: dict[str, Any] = {} if namespace != hub.namespace else servers
    policies = (
        _policy("libretexts-closed", namespace, everybody, ["Ingress", "Egress"]),
        _policy(
            "libretexts-servers", namespace, servers, ["Ingress", "Egress"], ingress=ingress, egress=egress
        ),
    )
    for policy in policies:
        policy["metadata"]["labels"][f"{PREFIX}organization"] = names.label_value(name)
    return policies


def hub_policies(settings: Settings, hub: HubPlace) -> tuple[Manifest, ...]:
    """In the hub's namespace: servers of all organisations may reach the hub.

    Zero to JupyterHub's own policy admits only pods of its namespace that carry its label, so a server
    elsewhere would never report that it is up. Its label and the proxy are admitted here too: where no
    other policy selects the hub, this one must not close the hub to its own proxy.
    """
    spaces = sorted(namespaces_of(settings))
    if not spaces:
        return ()
    from_servers = {
        "namespaceSelector": {
            "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": spaces}]
        },
        "podSelector": {"matchLabels": {"component": "singleuser-server"}},
    }
    own = ({"hub.jupyter.org/network-access-hub": "true"}, dict(hub.proxy_labels))
    return (
        _policy(
            "libretexts-hub",
            hub.namespace,
            {"matchLabels": dict(hub.hub_labels)},
            ["Ingress"],
            ingress=[
                {
                    "from": [
                        from_servers,
                        *({"podSelector": {"matchLabels": labels}} for labels in own),
                    ],
                    "ports": [{"port": HUB_PORT, "protocol": "TCP"}],
                }
            ],
        ),
    )


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
    """What a policy for the internet leaves out: all that is not public, and the cluster's public ranges."""
    ranges = settings.cluster
    own = [*ranges.nodes, *ranges.pods, *ranges.services, *ranges.storage]
    private = [IPv4Network(item) for item in NOT_PUBLIC]
    public = {
        str(item)
        for item in own
        if isinstance(item, IPv4Network) and not any(item.subnet_of(net) for net in private)
    }
    return [*NOT_PUBLIC, *sorted(public)]
