"""The hub itself: its title, its looks and how people sign in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from jupyterhub_libretexts.quantities import Span
from jupyterhub_libretexts.settings.models.base import Address, Frozen, GroupName, Line, Model, Person

__all__ = ["Account", "Announcement", "Authentication", "Branding", "Hub", "Supporter"]


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError) as problem:
        raise ValueError(f"{value!r} is not a time zone; write for example Europe/Berlin") from problem
    return value


Url = Annotated[str, StringConstraints(max_length=512, pattern=r"^https?://[^\s\x00-\x1f]+$")]


class Hub(Model):
    """The hub as a whole."""

    title: Line = "JupyterHub"
    """What people read at the top of each page."""
    url: Url | None = None
    """Where people find it."""
    admins: tuple[Person, ...] = ()
    """Who looks after the hub: addresses, or user:NAME."""
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    """Dates in this file are days in this time zone."""
    keep_usage: Span = Span.parse("400d")
    """How long it is kept who held what; sums of a time that is gone cannot be printed any more."""
    starts_at_once: int = Field(64, ge=1, le=1000)
    """Servers that are started at the same time; further ones wait for their turn and see their place."""


class Supporter(Model):
    """Somebody who makes the hub possible."""

    name: Line
    """Their name."""
    url: Url
    """Their pages."""


class Announcement(Model):
    """A line that everybody sees for a while."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    """What it says."""
    from_: datetime | None = Field(None, alias="from")
    """Shown from this moment, in the hub's time zone where it names none."""
    until: datetime | None = None
    """Shown until this moment."""


class Branding(Model):
    """How the pages look."""

    logo: Annotated[str, StringConstraints(max_length=255)] | None = None
    """File of the logo, relative to this file."""
    primary_color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    """Colour of buttons and links, as #rrggbb."""
    supporters: tuple[Supporter, ...] = ()
    """Who makes the hub possible."""
    support: Address | Url | None = None
    """Where people ask for help: an address or a page."""
    announcement: Announcement | None = None
    """A line that everybody sees for a while."""


class Account(Model):
    """An account of the demonstration; its password is made at each run."""

    email: Address
    """The address that sign-in reports, as verified."""
    groups: tuple[GroupName, ...] = ()
    """Groups that sign-in reports."""


class Authentication(Model):
    """How people sign in."""

    provider: Literal["oidc", "google", "cilogon", "github", "lti13", "demo"]
    """Who says who somebody is; demo is for trying out only."""
    issuer: Url | None = None
    """With oidc and lti13: the provider's issuer."""
    client_id: Line | None = None
    """The name under which the provider knows this hub."""
    client_secret_env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Environment variable that holds the client's secret."""
    client_secret_file: Annotated[str, StringConstraints(max_length=255, pattern=r"^/\S+$")] | None = None
    """File that holds the client's secret."""
    accounts: Frozen[Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")], Account] = (
        Field(default_factory=dict)
    )
    """With demo: who can sign in."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.accounts and self.provider != "demo":
            raise ValueError(f"accounts belong to provider demo, and the provider here is {self.provider}")
        if self.client_secret_env and self.client_secret_file:
            raise ValueError("the client's secret is named twice; keep clientSecretEnv or clientSecretFile")
        return self
