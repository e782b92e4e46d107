"""Gather what the hub knows at the moment of a decision: who asks, what runs, what is free."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.core.circumstances import Circumstances, ImageFacts
from jupyterhub_libretexts.core.people import Person, person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyterhub.user import User

    from jupyterhub_libretexts.core.catalogue import Catalogue
    from jupyterhub_libretexts.hub.ledger import Ledger

__all__ = ["circumstances", "images", "person_of", "verified_address"]


async def person_of(user: User) -> Person:
    """The person behind a user of the hub: the groups that the hub holds, and a verified address."""
    address = None
    if user.authenticator is not None and user.authenticator.enable_auth_state:
        address = verified_address(await user.get_auth_state())
    return person(user.name, frozenset(group.name for group in user.groups), address)


def verified_address(auth_state: Mapping[str, Any] | None) -> str | None:
    """The address in a stored sign-in, where its provider says that it is verified."""
    state = auth_state or {}
    claims = state.get("oauth_user") or state.get("claims") or state
    email = claims.get("email") if isinstance(claims, dict) else None
    return email if isinstance(email, str) and claims.get("email_verified") is True else None


def images(told: Mapping[str, Mapping[str, Iterable[str]]]) -> Mapping[str, ImageFacts]:
    """What the hub's configuration says of images, frozen."""
    return MappingProxyType(
        {
            image: ImageFacts(frozenset(facts.get("kernels", ())), frozenset(facts.get("applications", ())))
            for image, facts in told.items()
        }
    )


def circumstances(
    catalogue: Catalogue,
    ledger: Ledger,
    asked: Person,
    *,
    server_name: str = "",
    left_out: tuple[str, ...],
    claim: str = "",
    image_facts: Mapping[str, ImageFacts] = MappingProxyType({}),
    totals: Mapping[str, int | None] = MappingProxyType({}),
    fresh: bool = True,
    waiting: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
) -> Circumstances:
    """The facts of this moment.

    Args:
        catalogue: The settings, indexed.
        ledger: Who holds what.
        asked: For whom something is decided.
        server_name: The server that is asked for.
        left_out: That server's pod as ``namespace/name``, and what else is theirs; counts for nothing here.
        claim: Name of the claim of their home.
        image_facts: What is known of images.
        totals: How many of each flavour the cluster has, where somebody knows.
        fresh: Whether the ledger is told at once of what happens in the cluster.
        waiting: How many wait for one of a flavour, by flavour and organisation.
    """
    organizations = catalogue.organizations_of(asked)
    flavours = {flavour for name in organizations for flavour in catalogue.settings.organizations[name].gpus}
    gpus = catalogue.settings.gpus
    return Circumstances(
        now=datetime.now(UTC),
        server_name=server_name,
        images=image_facts,
        running=ledger.running(asked, left_out),
        usage=MappingProxyType({name: ledger.usage(name, left_out) for name in organizations}),
        gpus=MappingProxyType(
            {
                name: ledger.gpus(
                    name,
                    gpus,
                    asked,
                    left_out,
                    total=totals.get(name),
                    fresh=fresh,
                    waiting=waiting.get(name, MappingProxyType({})),
                )
                for name in flavours
            }
        ),
        claim=claim,
    )
