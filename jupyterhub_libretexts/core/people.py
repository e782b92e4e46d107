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

__all__ = ["Membership", "Person", "declared_groups", "groups_from", "is_named", "memberships", "person"]


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


@dataclass(frozen=True, slots=True)
class Membership:
    """A group that somebody has, and why."""

    group: str
    reason: str
    """The rule of the file, or what sign-in said."""


def person(username: str, groups: Sequence[str] | frozenset[str], email: str | None = None) -> Person:
    """Somebody by their user name; a user name that is an address counts as theirs."""
    address = email or (username if "@" in username else None)
    return Person(username, names.slug(username, 48), address, frozenset(groups))


def is_named(somebody: Person, entry: str) -> bool:
    """Whether an entry of the file (an address, or ``user:NAME``) names this person."""
    kind, separator, name = entry.partition(":")
    if separator and kind == "user":
        return somebody.username == name
    return somebody.email is not None and _same_address(somebody.email, entry)


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
    """The groups of somebody, from the claims of sign-in; see ``memberships``."""
    return frozenset(membership.group for membership in memberships(settings, claims))


def memberships(settings: Settings, claims: Mapping[str, object]) -> tuple[Membership, ...]:
    """Each group of somebody once, with its first reason, in the file's order.

    Claims are those of sign-in (OpenID Connect Core 1.0, section 5.1). An address counts only where
    ``email_verified`` is true; a group that the file does not declare counts for nothing. Somebody
    whom no rule admits has no groups, and so no environment.
    """
    found: dict[str, str] = {}
    for name, organization in settings.organizations.items():
        for position, rule in enumerate(organization.members):
            if _admits(rule, claims):
                reason = f"organizations.{name}.members.{position} ({_in_words(rule)})"
                found.setdefault(name, reason)
                if rule.group is not None:
                    found.setdefault(rule.group, reason)
    given = claims.get("groups")
    reported = given if isinstance(given, (list, tuple)) else ()
    declared = declared_groups(settings)
    for group in reported:
        if isinstance(group, str) and group in declared:
            found.setdefault(group, "reported by sign-in")
    for group in tuple(found):
        # Being in a group of an organisation is belonging to it.
        found.setdefault(group.partition("/")[0], f"belongs to {group}")
    return tuple(Membership(group, reason) for group, reason in found.items())


def _in_words(rule: MemberRule) -> str:
    if rule.claim is not None:
        return "claim: " + ", ".join(f"{name}: {value}" for name, value in rule.claim.items())
    return f"emailDomain: {rule.email_domain}" if rule.email is None else f"email: {rule.email}"


def _admits(rule: MemberRule, claims: Mapping[str, object]) -> bool:
    if rule.claim is not None:
        return bool(rule.claim) and all(_says(claims.get(name), value) for name, value in rule.claim.items())
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return False
    if rule.email is not None:
        return _same_address(email, rule.email)
    mailbox, at, domain = email.rpartition("@")
    return bool(mailbox and at) and rule.email_domain is not None and _same_address(domain, rule.email_domain)


def _same_address(one: str, other: str) -> bool:
    # Only ASCII letters are the same in both cases: Unicode's folding makes one of straße.de and
    # strasse.de, which belong to different people.
    return _lower(one) == _lower(other)


def _lower(text: str) -> bytes:
    return text.encode("utf8", "surrogatepass").lower()


def _says(claim: object, value: str) -> bool:
    return claim == value or (isinstance(claim, (list, tuple)) and value in claim)
