"""Checks that every name in the document leads to what it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyterhub_libretexts.settings.models import Course, Environment, MemberRule, Organization, Settings
    from jupyterhub_libretexts.settings.notes import Notes
    from jupyterhub_libretexts.settings.overlays import Path

__all__ = ["check", "declared_groups"]


def declared_groups(notes: Notes) -> frozenset[str]:
    """Every group that the document declares: organisations, their groups, one of each course."""
    organizations = notes.names("organizations")
    own = {
        f"{name}/{group}" for name in organizations for group in notes.texts("organizations", name, "groups")
    }
    return frozenset(organizations | own | notes.names("courses"))


def check(notes: Notes, settings: Settings) -> None:
    """Note every reference that leads nowhere."""
    references = _References(notes)
    for name, organization in settings.organizations.items():
        references.of_organization(("organizations", name), name, organization)
    for name, environment in settings.environments.items():
        references.of_environment(("environments", name), environment)
    for name, course in settings.courses.items():
        references.of_course(("courses", name), name, course, settings)
    for name, size in settings.sizes.items():
        references.groups(("sizes", name, "groups"), size.groups or ())
    if settings.authentication is not None:
        for name, account in settings.authentication.accounts.items():
            references.groups(("authentication", "accounts", name, "groups"), account.groups)


class _References:
    """What can be referred to, and a check for each holder of references."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.known = {
            "organisation": notes.names("organizations"),
            "environment": notes.names("environments"),
            "size": notes.names("sizes"),
            "GPU": notes.names("gpus"),
            "network": notes.names("networks"),
            "group": declared_groups(notes),
        }

    def one(self, path: Path, value: str, kind: str) -> bool:
        if value in self.known[kind]:
            return True
        self.notes.unknown(path, value, kind, self.known[kind])
        return False

    def each(self, path: Path, values: Iterable[str], kind: str) -> None:
        seen: set[str] = set()
        for position, value in enumerate(values):
            if self.one((*path, position), value, kind) and value in seen:
                self.notes.wrong((*path, position), f"{value!r} is listed twice", "each once")
            seen.add(value)

    def groups(self, path: Path, values: Iterable[str]) -> None:
        self.each(path, values, "group")

    def of_organization(self, path: Path, name: str, organization: Organization) -> None:
        if organization.network is not None:
            self.one((*path, "network"), organization.network, "network")
        self.each((*path, "environments"), organization.environments, "environment")
        for flavour, share in organization.gpus.items():
            self.one((*path, "gpus", flavour), flavour, "GPU")
            self.groups((*path, "gpus", flavour, "groups"), share.groups or ())
            for group in share.limits:
                self._of_limit((*path, "gpus", flavour, "limits", group), name, group)
        for position, rule in enumerate(organization.members):
            self._of_member((*path, "members", position), name, rule)

    def _of_limit(self, path: Path, organization: str, group: str) -> None:
        if self.one(path, group, "group") and group.partition("/")[0] != organization:
            self.notes.wrong(
                path,
                f"{group!r} belongs to another organisation, and this share is of {organization}",
                f"a group or a course of {organization}",
            )

    def _of_member(self, path: Path, organization: str, rule: MemberRule) -> None:
        if rule.group is None or not self.one((*path, "group"), rule.group, "group"):
            return
        if rule.group.partition("/")[0] != organization:
            self.notes.wrong(
                (*path, "group"),
                f"{rule.group!r} is a group of another organisation",
                f"a group of {organization}; members of both are admitted by both",
            )

    def of_environment(self, path: Path, environment: Environment) -> None:
        self.each((*path, "sizes"), environment.sizes or (), "size")
        self.each((*path, "gpus"), environment.gpus or (), "GPU")
        self.groups((*path, "groups"), environment.groups or ())

    def of_course(self, path: Path, name: str, course: Course, settings: Settings) -> None:
        self.groups((*path, "members"), course.members)
        self.each((*path, "sizes"), course.sizes or (), "size")
        self.each((*path, "gpus"), course.gpus or (), "GPU")
        organization = name.partition("/")[0]
        self.one(path, organization, "organisation")
        if self.one((*path, "environment"), course.environment, "environment"):
            environment = settings.environments.get(course.environment)
            if environment is not None:
                self._narrows(
                    path, "sizes", course.sizes, environment.sizes, f"{course.environment} comes in"
                )
                self._narrows(path, "gpus", course.gpus, environment.gpus, f"{course.environment} comes with")
        if organization in settings.organizations:
            shares = tuple(settings.organizations[organization].gpus)
            self._narrows(path, "gpus", course.gpus, shares, f"{organization} has a share of")

    def _narrows(
        self, path: Path, key: str, narrow: tuple[str, ...] | None, wide: tuple[str, ...] | None, words: str
    ) -> None:
        """A course narrows what its environment and its organisation have; it adds nothing."""
        if narrow is None or wide is None:
            return
        for position, value in enumerate(narrow):
            if value not in wide and value in self.known["size" if key == "sizes" else "GPU"]:
                allowed = f"{words} {', '.join(wide)}" if wide else f"{words} none"
                self.notes.wrong(
                    (*path, key, position), f"{value!r} is not among what the course can use", allowed
                )
