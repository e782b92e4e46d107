"""Organisations and courses: who belongs, what they have, what they may use."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from jupyterhub_libretexts.quantities import Quantity
from jupyterhub_libretexts.settings.models.base import (
    Address,
    Frozen,
    GroupName,
    Identifier,
    KubernetesName,
    Line,
    Model,
    Person,
)
from jupyterhub_libretexts.settings.models.servers import ServerRules

__all__ = ["Course", "GpuShare", "Limits", "MemberRule", "Organization", "OrganizationHomes"]


class MemberRule(Model):
    """One way to belong to an organisation; exactly one of emailDomain, email and claim."""

    email_domain: (
        Annotated[str, StringConstraints(max_length=253, pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None
    ) = None
    """Everybody with a verified address in this domain (and only in this one, not below it)."""
    email: Address | None = None
    """The person with this verified address."""
    claim: Frozen[str, str] | None = None
    """Everybody of whom sign-in says all of this; a list in a claim matches if it holds the value."""
    group: GroupName | None = None
    """They are in this group of the organisation, besides the organisation itself."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [name for name in ("email_domain", "email", "claim") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a rule needs exactly one of emailDomain, email and claim")
        if self.claim is not None and not self.claim:
            raise ValueError("an empty claim would admit everybody; name at least one claim and its value")
        return self


class OrganizationHomes(Model):
    """Space for the homes of an organisation."""

    quota: Quantity
    """Space for each person."""
    total: Quantity | None = None
    """Space for all of them together."""


class GpuShare(Model):
    """What an organisation may use of one GPU flavour."""

    total: int = Field(ge=0, le=100_000)
    """At a time, all its people together."""
    per_person: int = Field(1, ge=1, le=1000)
    """At a time, one person."""
    groups: tuple[GroupName, ...] | None = Field(None, min_length=1)
    """Only these groups; everybody of the organisation otherwise."""
    limits: Frozen[GroupName, Annotated[int, Field(ge=0, le=100_000)]] = Field(default_factory=dict)
    """At a time, by group or course: the people of the group together, the servers of the course together."""


class Limits(Model):
    """The most that all servers of an organisation use together."""

    servers: int | None = Field(None, ge=0, le=1_000_000)
    """Servers at a time."""
    memory: Quantity | None = None
    """Memory guaranteed at a time."""
    cpu: Quantity | None = None
    """Cores guaranteed at a time."""


class Organization(ServerRules):
    """A university, a school, a department: its people, its share, its network."""

    title: Line
    """What people read."""
    members: tuple[MemberRule, ...] = ()
    """Who belongs. Nobody does without a rule or a group given by sign-in."""
    groups: tuple[Identifier, ...] = ()
    """Its groups; `students` of `ucdavis` is `ucdavis/students` everywhere else."""
    admins: tuple[Person, ...] = ()
    """Who looks after it."""
    namespace: KubernetesName | None = None
    """Namespace of its servers; made from its name where not given; may be the hub's own."""
    network: Identifier | None = None
    """The network of its servers; closed to everything but the hub and names where not given."""
    homes: OrganizationHomes | None = None
    """Space for its homes."""
    environments: tuple[Identifier, ...] = ()
    """What its people may start, in this order."""
    gpus: Frozen[Identifier, GpuShare] = Field(default_factory=dict)
    """Its share of GPUs, by flavour."""
    limits: Limits = Limits()
    """The most that all its servers use together."""


class Course(ServerRules):
    """An environment for a group, from a day until a day, with material."""

    title: Line
    """What students read."""
    environment: Identifier
    """The environment that it uses."""
    material: (
        Annotated[
            str, StringConstraints(max_length=512, pattern=r"^(https?|git|ssh|file)://[^\s\x00-\x1f]+$")
        ]
        | None
    ) = None
    """A Git repository whose files students find in their home (by nbgitpuller)."""
    branch: (
        Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\s\x00-\x1f~^:?*\[\\]+$")] | None
    ) = None
    """Its branch; the repository's own default where not given."""
    instructors: tuple[Person, ...] = ()
    """Who teaches; they may start it too, also before and after its days."""
    members: tuple[GroupName, ...] = Field((), min_length=0)
    """Groups that take it; besides them its own group, named like the course."""
    sizes: tuple[Identifier, ...] | None = Field(None, min_length=1)
    """Narrows the environment's sizes."""
    gpus: tuple[Identifier, ...] | None = None
    """Narrows the GPU flavours to pick from."""
    needs: tuple[Line, ...] = ()
    """What the image must hold, for example `r:tidyverse`."""
    from_: date | None = Field(None, alias="from")
    """First day."""
    until: date | None = None
    """Last day; it is still offered on that day."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError(f"until {self.until} is before from {self.from_}")
        return self
