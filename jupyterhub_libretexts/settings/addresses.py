"""Checks ranges of addresses: what a network opens, and which pools its servers take addresses from."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyterhub_libretexts.settings.models import Calico, Network, Settings
    from jupyterhub_libretexts.settings.notes import Notes
    from jupyterhub_libretexts.settings.overlays import Path

__all__ = ["check"]

Range = IPv4Network | IPv6Network

_NEVER = {
    "127.0.0.0/8": "the node itself",
    "::1/128": "the node itself",
    "169.254.0.0/16": "link-local addresses, where clouds answer with credentials",
    "fe80::/10": "link-local addresses",
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
    "fd00:ec2::254/128": "the address where clouds answer with credentials",
    "224.0.0.0/4": "multicast addresses",
    "ff00::/8": "multicast addresses",
    "::ffff:0:0/96": "IPv4 addresses written as IPv6",
}
_CLOSED: tuple[tuple[Range, str], ...] = tuple((ip_network(text), words) for text, words in _NEVER.items())
# Calico cuts pools into blocks, of which every node that runs a server takes at least one; eight addresses
# are the least that serve a node.
_SMALLEST = {4: 29, 6: 125}


def _meet(one: Range, other: Range) -> bool:
    return one.version == other.version and one.overlaps(other)


def check(notes: Notes, settings: Settings) -> None:
    """Note ranges that open, overlap or cannot be."""
    ranges = _own_ranges(settings)
    _own_apart(notes, ranges)
    for name, network in settings.networks.items():
        _reach(notes, ("networks", name, "reach"), network, [*ranges, *_pools(settings)])
        if network.internet and not settings.cluster.nodes:
            # A policy cannot say "but not the nodes" without their addresses.
            notes.warn(
                ("networks", name, "internet"),
                "nodes with public addresses count as internet, for cluster.nodes does not name them",
            )
        if network.addresses is not None:
            _pool(notes, ("networks", name, "addresses"), network.addresses, ranges)
    _pools_apart(notes, settings)
    _pools_suffice(notes, settings)
    _calico(notes, settings)


def _own_ranges(settings: Settings) -> list[tuple[str, int, Range]]:
    """The cluster's own ranges: the key below ``cluster``, the position, the range."""
    cluster = settings.cluster
    lists = {
        "nodes": cluster.nodes,
        "pods": cluster.pods,
        "services": cluster.services,
        "storage": cluster.storage,
    }
    return [(key, position, held) for key, every in lists.items() for position, held in enumerate(every)]


def _pools(settings: Settings) -> list[tuple[str, int, Range]]:
    return [
        (f"the pool of {name}", 0, network.addresses)
        for name, network in settings.networks.items()
        if network.addresses is not None
    ]


def _own_apart(notes: Notes, ranges: list[tuple[str, int, Range]]) -> None:
    for (key, _, one), (other_key, position, other) in combinations(ranges, 2):
        # The storage server usually stands among the nodes.
        if key != other_key and "storage" not in {key, other_key} and _meet(one, other):
            notes.wrong(
                ("cluster", other_key, position),
                f"{other} overlaps with {one}, addresses of {key}",
                "ranges that share no address",
            )


def _reach(notes: Notes, path: Path, network: Network, ranges: list[tuple[str, int, Range]]) -> None:
    for position, opened in enumerate(network.reach):
        here = (*path, position)
        if opened.prefixlen == 0:
            notes.wrong(
                here, f"{opened} is every address", "internet: true, which opens public addresses only"
            )
            continue
        for closed, words in _CLOSED:
            if _meet(opened, closed):
                notes.wrong(here, f"{opened} would open {words} ({closed})", "ranges without them")
        for key, _, own in ranges:
            if _meet(opened, own):
                whose = key if key.startswith("the pool") else f"the cluster's own {key}"
                notes.wrong(here, f"{opened} would open {whose} ({own})", "ranges without it")


def _pool(notes: Notes, path: Path, pool: Range, ranges: list[tuple[str, int, Range]]) -> None:
    smallest = _SMALLEST[pool.version]
    if pool.prefixlen > smallest:
        message = f"{pool} has {pool.num_addresses} addresses, too few for a pool"
        notes.wrong(path, message, f"/{smallest} or larger")
    for closed, words in _CLOSED:
        if _meet(pool, closed):
            notes.wrong(path, f"{pool} holds {words} ({closed})", "addresses that servers can have")
    for key, _, own in ranges:
        if key != "pods" and _meet(pool, own):
            notes.wrong(path, f"{pool} overlaps with {own}, addresses of {key}", "a part of cluster.pods")
    pods = [own for key, _, own in ranges if key == "pods" and own.version == pool.version]
    if pods and not any(pool.subnet_of(own) for own in pods):  # type: ignore[arg-type]  # versions are equal here
        told = ", ".join(str(own) for own in pods)
        notes.wrong(path, f"{pool} is not within the addresses of pods", f"a part of {told}")


def _pools_apart(notes: Notes, settings: Settings) -> None:
    held = [(name, network.addresses) for name, network in settings.networks.items() if network.addresses]
    for (name, one), (other_name, other) in combinations(held, 2):
        if _meet(one, other):
            notes.wrong(
                ("networks", other_name, "addresses"),
                f"{other} overlaps with {one}, the pool of {name}",
                "pools that share no address; organisations may share one network",
            )


def _pools_suffice(notes: Notes, settings: Settings) -> None:
    for name, network in settings.networks.items():
        if network.addresses is None:
            continue
        wanted = sum(
            organization.limits.servers or 0
            for organization in settings.organizations.values()
            if organization.network == name
        )
        if wanted > network.addresses.num_addresses:
            notes.warn(
                ("networks", name, "addresses"),
                f"{network.addresses} has {network.addresses.num_addresses} addresses, and the organisations "
                f"of this network may run {wanted} servers",
            )


def _calico(notes: Notes, settings: Settings) -> None:
    """What only Calico does is asked for where there is a Calico that can do it."""
    calico = settings.cluster.calico
    if settings.cluster.wall == "calico" and calico is None:
        notes.wrong(
            ("cluster", "wall"),
            "a wall of Calico, and cluster.calico says of none",
            "calico: {version: ...} beside it, clusterNetworkPolicy, or none",
        )
    for name, network in settings.networks.items():
        path: Path = ("networks", name, "addresses")
        if network.addresses is not None and calico is None:
            notes.warn(path, "no pool is made without a Calico; say cluster: {calico: {version: ...}}")
        elif network.addresses is not None and calico is not None:
            _pool_of_calico(notes, path, network.addresses, calico)
        elif not network.masquerade:
            notes.wrong(
                ("networks", name, "masquerade"),
                "masquerade belongs to a pool, and this network has no addresses of its own",
                "addresses beside it, or no masquerade",
            )


def _pool_of_calico(notes: Notes, path: Path, pool: Range, calico: Calico) -> None:
    for held in calico.pools:
        if _meet(pool, held):
            notes.wrong(
                path,
                f"{pool} overlaps with {held}, a pool that Calico has already",
                "addresses of pods outside cluster.calico.pools",
            )
    if not calico.pools and calico.api.startswith("crd."):
        # Calico's API server would refuse an overlap; without it, servers are given the other pool's rules.
        notes.wrong(
            path,
            "written straight into Calico's resources, nobody sees whether this pool overlaps with another",
            "cluster.calico.pools with the pools that the cluster has",
        )
    if pool.version == 6 and calico.encapsulation.startswith("ipip"):  # noqa: PLR2004
        notes.wrong(
            path,
            f"{pool} cannot travel in {calico.encapsulation}, which carries IPv4 only",
            "encapsulation: vxlan, vxlan-cross-subnet or none",
        )
