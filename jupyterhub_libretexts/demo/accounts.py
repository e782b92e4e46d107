"""Who can sign in to a demonstration: the accounts of the file, or some made from its rules."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.core.people import groups_from, is_named, person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["DemoAccount", "accounts", "demo_sign_in"]


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody who can sign in during one run."""

    name: str
    password: str
    email: str
    groups: tuple[str, ...]
    """What the settings make of what sign-in says of them."""
    admin: bool
    role: str
    """In words, for the line that is printed."""


def accounts(settings: Settings) -> tuple[DemoAccount, ...]:
    """The accounts of settings whose sign-in is the demonstration's, with new passwords."""
    assert settings.authentication is not None
    return tuple(
        _account(settings, name, account.email, account.groups)
        for name, account in settings.authentication.accounts.items()
    )


def _account(settings: Settings, name: str, email: str, reported: tuple[str, ...]) -> DemoAccount:
    claims = {"email": email, "email_verified": True, "groups": list(reported)}
    groups = groups_from(settings, claims)
    somebody = person(name, groups, email)
    admin = any(is_named(somebody, entry) for entry in settings.hub.admins)
    teaches = any(
        is_named(somebody, entry) for course in settings.courses.values() for entry in course.instructors
    )
    at = [settings.organizations[name].title for name in settings.organizations if name in groups]
    where = f" at {' and '.join(at)}" if at else ""
    role = "administrator" if admin else f"instructor{where}" if teaches else f"student{where}"
    return DemoAccount(name, secrets.token_urlsafe(6), email, tuple(sorted(groups)), admin, role)


def demo_sign_in(settings: Settings) -> Mapping[str, Any]:
    """The overlay that lets a demonstration sign in to settings that know another sign-in.

    A student of each of the first two organisations, who is in all of its groups and courses; the
    first instructor; and the first administrator.
    """
    made: dict[str, dict[str, Any]] = {}
    for name, organization in list(settings.organizations.items())[:2]:
        courses = [course for course in settings.courses if course.partition("/")[0] == name]
        groups = [name, *(f"{name}/{group}" for group in organization.groups), *courses]
        made[f"student-{len(made) + 1}"] = {"email": f"student{len(made) + 1}@demo.invalid", "groups": groups}
    for name, course in settings.courses.items():
        teachers = [entry for entry in course.instructors if not entry.startswith("user:")]
        if teachers:
            made["instructor"] = {"email": teachers[0], "groups": [name.partition("/")[0]]}
            break
    admins = [entry for entry in settings.hub.admins if not entry.startswith("user:")]
    made["admin"] = {
        "email": admins[0] if admins else "admin@demo.invalid",
        "groups": list(settings.organizations)[:1],
    }
    nothing = dict.fromkeys(("issuer", "clientId", "clientSecretEnv", "clientSecretFile"))
    overlay: dict[str, Any] = {"authentication": {"provider": "demo", **nothing, "accounts": made}}
    if not admins:
        overlay["hub"] = {"admins": ["admin@demo.invalid"]}
    return overlay
