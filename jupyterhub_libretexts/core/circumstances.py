"""What the edge knows at the moment of a decision, frozen; the core never looks for itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Circumstances", "GpuUse", "ImageFacts", "Running", "Usage"]


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image is known to hold."""

    kernels: frozenset[str]
    """Names of its kernels, as Jupyter knows them."""
    applications: frozenset[str] = frozenset()
    """What ``opens`` may name besides a path: lab, notebook, rstudio."""


@dataclass(frozen=True, slots=True)
class Running:
    """One of the person's servers that runs or starts; never the one that is being decided on."""

    organization: str
    environment: str
    course: str | None = None
    gpu: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What all servers of an organisation hold."""

    servers: int = 0
    memory: int = 0
    """Bytes guaranteed."""
    cpu: float = 0.0
    """Cores guaranteed."""


@dataclass(frozen=True, slots=True)
class GpuUse:
    """Who holds how many of one flavour, starts in flight included."""

    total: int | None = None
    """How many the cluster has; None where nobody knows."""
    by_organization: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    by_group: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Held by the people of a group, or by the servers of a course."""
    by_person: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Held by this person, by organisation, this server left out."""
    back: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    """When the next of an organisation's own is expected back, at the latest; absent where nobody knows."""
    next_back: datetime | None = None
    """When the next of all is expected back, at the latest."""
    waiting: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """How many wait for one, by organisation."""
    fresh: bool = True
    """Whether the figures are of now; older ones still bound a start and are not shown as the present."""

    @property
    def used(self) -> int:
        """Held by everybody."""
        return sum(self.by_organization.values())


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Facts of one moment."""

    now: datetime
    """With a time zone."""
    server_name: str = ""
    """The named server that is asked for; empty for the default one."""
    images: Mapping[str, ImageFacts] = field(default_factory=lambda: MappingProxyType({}))
    """What is known of images; an image that is not here is taken at its word."""
    running: tuple[Running, ...] = ()
    usage: Mapping[str, Usage] = field(default_factory=lambda: MappingProxyType({}))
    """By organisation; one that is not here is not counted."""
    gpus: Mapping[str, GpuUse] = field(default_factory=lambda: MappingProxyType({}))
    """By flavour."""
    claim: str = ""
    """Name of the claim of the person's home, where the hub has one already; made from their key else."""
