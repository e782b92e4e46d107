"""Warns of people whom the document names and nobody would meet, and of sign-in that is for trying out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyterhub_libretexts.settings.models import Organization, Settings
    from jupyterhub_libretexts.settings.notes import Notes
    from jupyterhub_libretexts.settings.overlays import Path

__all__ = ["check"]


def check(notes: Notes, settings: Settings) -> None:
    """Note people whom no rule admits, organisations without people, and the demonstration's sign-in."""
    if settings.authentication is not None and settings.authentication.provider == "demo":
        path = ("authentication", "provider")
        notes.warn(path, "demo is for trying out: everybody with a demonstration password can sign in")
    for name, organization in settings.organizations.items():
        path_of: Path = ("organizations", name)
        _admitted(notes, (*path_of, "admins"), organization.admins, name, organization)
    for name, course in settings.courses.items():
        home = name.partition("/")[0]
        organization_of = settings.organizations.get(home)
        if organization_of is not None:
            _admitted(notes, ("courses", name, "instructors"), course.instructors, home, organization_of)


def _admitted(
    notes: Notes, path: Path, people: tuple[str, ...], name: str, organization: Organization
) -> None:
    # Claims and groups of sign-in are not known before somebody signs in; and without any rule,
    # membership comes from there alone.
    if not organization.members or any(rule.claim is not None for rule in organization.members):
        return
    for position, entry in enumerate(people):
        if not entry.startswith("user:") and not _matches(entry, organization):
            notes.warn(
                (*path, position),
                f"no rule of {name} admits {entry}; they belong only where sign-in reports the group {name}",
                f"a rule in organizations.{name}.members",
            )


def _matches(address: str, organization: Organization) -> bool:
    domain = address.casefold().rpartition("@")[2]
    return any(
        rule.email_domain == domain
        or (rule.email is not None and rule.email.casefold() == address.casefold())
        for rule in organization.members
    )
