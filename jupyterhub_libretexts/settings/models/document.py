"""The document as a whole."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jupyterhub_libretexts.settings.models.base import CourseName, Frozen, Identifier, Model
from jupyterhub_libretexts.settings.models.hub import Authentication, Branding, Hub
from jupyterhub_libretexts.settings.models.organizations import Course, Organization
from jupyterhub_libretexts.settings.models.resources import ClusterRanges, Gpu, Homes, Network, Size
from jupyterhub_libretexts.settings.models.servers import Environment

__all__ = ["Settings"]


class Settings(Model):
    """Everything that an operator says about a hub."""

    version: Literal[1] = 1
    """Version of this document's form."""
    hub: Hub = Hub()
    """The hub as a whole."""
    branding: Branding = Branding()
    """How the pages look."""
    authentication: Authentication | None = None
    """How people sign in; where not given, the hub's own configuration says."""
    organizations: Frozen[Identifier, Organization] = Field(default_factory=dict)
    """Who takes part."""
    environments: Frozen[Identifier, Environment] = Field(default_factory=dict)
    """What can be started."""
    sizes: Frozen[Identifier, Size] = Field(min_length=1)
    """How large a server can be."""
    gpus: Frozen[Identifier, Gpu] = Field(default_factory=dict)
    """Which GPUs there are."""
    networks: Frozen[Identifier, Network] = Field(default_factory=dict)
    """What servers may reach."""
    cluster: ClusterRanges = ClusterRanges()
    """Ranges of addresses in the cluster."""
    homes: Homes = Homes()
    """Where people's files live."""
    courses: Frozen[CourseName, Course] = Field(default_factory=dict)
    """Who studies what, from when until when."""
