"""What must be reachable and what must not, from the settings alone: the expected half of a matrix.

It reads the file and not the rendered policies, so that a mistake in rendering shows as a difference.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from jupyterhub_libretexts.core.calico import METADATA
from jupyterhub_libretexts.core.policies import network_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyterhub_libretexts.settings.models import Network, Settings

__all__ = [
    "ELSEWHERE",
    "HUB",
    "HUB_SERVICE",
    "NAMES",
    "PROXY",
    "SERVERS",
    "Cell",
    "Measured",
    "Source",
    "Target",
    "cells",
    "expected",
]

HUB, HUB_SERVICE, PROXY, NAMES, ELSEWHERE = "hub", "hub by its name", "proxy", "names", "elsewhere"
SERVERS = "servers"
"""The column of which each target belongs to an organisation."""
_METADATA = tuple(ip_network(item) for item in METADATA)


@dataclass(frozen=True, slots=True)
class Source:
    """A probe that tried."""

    row: str
    """An organisation, or ``hub``, ``proxy``, ``elsewhere`` (a namespace without any policy)."""
    node: str
    organization: str | None = None
    """The organisation whose server the probe stands for, where it stands for one."""


@dataclass(frozen=True, slots=True)
class Target:
    """What probes try to reach."""

    column: str
    """What it is in the matrix: ``servers``, ``hub``, ``proxy``, ``names``, ``internet`` and so on."""
    address: str
    """An address, or a name that the cluster resolves."""
    port: int
    """Over TCP; 0 for a name that is only looked up."""
    node: str = ""
    """Where it stands, where that is known."""
    organization: str | None = None
    """Whose server it is, where it is one."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One attempt of one probe at one target."""

    source: Source
    target: Target
    reached: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix."""

    row: str
    column: str
    expected: bool
    """Whether it must be reached."""
    measured: bool | None
    """Whether it was; None where some attempts reached and others did not."""
    attempts: int
    across_nodes: int
    """How many of the attempts went to another node."""
    proved: bool
    """Whether every target was reached by a way that is open: what nobody reaches is not isolated."""
    against: tuple[str, ...] = ()
    """The attempts that went against what is expected."""

    @property
    def right(self) -> bool:
        """Whether it is as it must be, and that is known."""
        return self.measured is self.expected and (self.expected or self.proved)


def expected(settings: Settings, source: Source, target: Target) -> bool:
    """Whether a probe must reach a target."""
    if target.column == SERVERS:
        assert target.organization is not None
        if source.organization is None:
            return source.row in {HUB, PROXY}
        same = source.organization == target.organization
        return same and network_of(settings, source.organization).peers
    if source.organization is None:
        # What the hub's own namespace and others may reach is decided elsewhere; their probes only
        # show that a target is alive.
        return True
    if target.column in {HUB, HUB_SERVICE, NAMES}:
        return True
    if target.column == PROXY:
        return False
    return _is_open(settings, network_of(settings, source.organization), target.address)


def _is_open(settings: Settings, network: Network, address: str) -> bool:
    """Whether a network opens an address; a name is one of the cluster's own services."""
    try:
        one = ip_address(address)
    except ValueError:
        return False
    own = settings.cluster
    ranges = (*own.storage, *own.nodes, *own.pods, *own.services)
    # An address of one family is never in a range of the other.
    # Every pod has a link-local address of IPv6, also where the cluster has no IPv6, and so has its node.
    if one.is_link_local or any(one in item for item in (*_METADATA, *ranges)):
        return False
    if any(one in item for item in network.reach):
        return True
    return network.internet and one.version == 4 and one.is_global and not one.is_multicast  # noqa: PLR2004


def cells(settings: Settings, measured: Iterable[Measured]) -> tuple[Cell, ...]:
    """The matrix from every attempt. Rows and columns stand in the order in which they first occur.

    Probes of the hub, the proxy and elsewhere are the controls: a target that none of them reached
    proves nothing about who else did not reach it.
    """
    every = tuple(measured)
    alive = {one.target for one in every if one.reached and one.source.organization is None}
    grouped: defaultdict[tuple[str, str, bool], list[Measured]] = defaultdict(list)
    for one in every:
        column = _column(one)
        if one.source.organization is None and one.target.column != SERVERS:
            continue
        grouped[one.source.row, column, expected(settings, one.source, one.target)].append(one)
    return tuple(_cell(row, column, wanted, found, alive) for (row, column, wanted), found in grouped.items())


def _column(one: Measured) -> str:
    target, source = one.target, one.source
    if target.column != SERVERS:
        return target.column
    if source.organization is None:
        return f"servers of {target.organization}"
    return "another server" if source.organization == target.organization else "other organisations"


def _cell(row: str, column: str, wanted: bool, found: list[Measured], alive: set[Target]) -> Cell:
    reached = {one.reached for one in found}
    return Cell(
        row=row,
        column=column,
        expected=wanted,
        measured=reached.pop() if len(reached) == 1 else None,
        attempts=len(found),
        across_nodes=sum(
            bool(one.target.node and one.source.node and one.target.node != one.source.node) for one in found
        ),
        proved=all(one.target in alive for one in found),
        against=tuple(_told(one) for one in found if one.reached is not wanted),
    )


def _told(one: Measured) -> str:
    target = one.target
    whose = f" of {target.organization}" if target.organization else ""
    port = f" port {target.port}" if target.port else ""
    where = f" on {target.node}" if target.node else ""
    verb = "reached" if one.reached else "did not reach"
    return f"from {one.source.node or 'a node'} {verb} {target.address}{port}{whose}{where}"
