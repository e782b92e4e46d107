"""Who somebody is, from what sign-in says of them.

What becomes of a person is decided elsewhere; here a person gets their groups and nothing else.
An organisation's own identifier among the groups says that the person belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyterhub_libretexts import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyterhub_libretexts.settings.models import MemberRule, Settings

__all__ = ["Person", "declared_groups", "groups_from", "is_named", "person"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in."""

    username: str
    """The name by which the hub knows them; it names their claims and pods."""
    key: str
    """A stable name for their home: it follows from the user name alone."""
    email: str | None
    """A verified address, where known."""
    groups: frozenset[str]
    """``ORGANIZATION``, ``ORGANIZATION/GROUP`` and ``ORGANIZATION/COURSE``, whole."""

    @property
    def organizations(self) -> frozenset[str]:
        """Every organisation of which they have any group."""
        return frozenset(group.partition("/")[0] for group in self.groups)


def person(username: str, groups: Sequence[str] | frozenset[str], email: str | None = None) -> Person:
    """Somebody by their user name; a user name that is an address counts as theirs."""
    address = email or (username if "@" in username else None)
    return Person(username, names.slug(username, 48), address, frozenset(groups))


def is_named(somebody: Person, entry: str) -> bool:
    """Whether an entry of the file (an address, or ``user:NAME``) names this person."""
    kind, separator, name = entry.partition(":")
    if separator and kind == "user":
        return somebody.username == name
    return somebody.email is not None and somebody.email.casefold() == entry.casefold()


def declared_groups(settings: Settings) -> frozenset[str]:
    """Every group that exists: organisations, their groups, and one of each course."""
    return frozenset(
        {
            *settings.organizations,
            *(
                f"{name}/{group}"
                for name, organization in settings.organizations.items()
                for group in organization.groups
            ),
            *settings.courses,
        }
    )


def groups_from(settings: Settings, claims: Mapping[str, object]) -> frozenset[str]:
    """The groups of somebody, from the claims of sign-in (OpenID Connect Core 1.0, section 5.1).

    An address counts only where ``email_verified`` is true; a group that the file does not declare
    counts for nothing. Somebody whom no rule admits has no groups, and so no environment.
    """
    given = claims.get("groups")
    reported = (
        {group for group in given if isinstance(group, str)} if isinstance(given, (list, tuple)) else set()
    )
    found = set(reported & declared_groups(settings))
    for name, organization in settings.organizations.items():
        for rule in organization.members:
            if _admits(rule, claims):
                found.add(name)
                if rule.group is not None:
                    found.add(rule.group)
    # Being in a group of an organisation is belonging to it.
    return frozenset(found | {group.partition("/")[0] for group in found})


def _admits(rule: MemberRule, claims: Mapping[str, object]) -> bool:
    if rule.claim is not None:
        return bool(rule.claim) and all(_says(claims.get(name), value) for name, value in rule.claim.items())
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return False
    if rule.email is not None:
        return email.casefold() == rule.email.casefold()
    return rule.email_domain is not None and email.casefold().rpartition("@")[2] == rule.email_domain


def _says(claim: object, value: str) -> bool:
    return claim == value or (isinstance(claim, (list, tuple)) and value in claim)
