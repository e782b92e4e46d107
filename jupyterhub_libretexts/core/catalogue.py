"""The settings, indexed for the questions that are asked at each page and each start.

Nothing is decided here: an entry says what an organisation lists, not to whom it is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.people import declared_groups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyterhub_libretexts.core.people import Person
    from jupyterhub_libretexts.settings.models import (
        Course,
        Environment,
        Organization,
        ServerRules,
        Settings,
    )

__all__ = ["Catalogue", "Entry", "catalogue", "namespace_of", "namespaces_of"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of what an organisation lists: an environment, or a course with its environment."""

    organization: str
    environment: str
    course: str | None
    sizes: tuple[str, ...]
    """Sizes to pick from, in the file's order."""
    gpus: tuple[str, ...]
    """GPU flavours to pick from, in the file's order."""
    default_size: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The settings, indexed."""

    settings: Settings
    groups: frozenset[str]
    """Every group that the settings declare."""
    entries: Mapping[str, tuple[Entry, ...]]
    """By organisation: its courses in the file's order, then its environments in its own."""

    def organizations_of(self, person: Person) -> tuple[str, ...]:
        """The organisations to which somebody belongs, in the file's order."""
        belongs = frozenset(group.partition("/")[0] for group in person.groups if group in self.groups)
        if len(belongs) <= 1:
            return tuple(belongs)
        return tuple(name for name in self.settings.organizations if name in belongs)

    def groups_of(self, organization: str) -> frozenset[str]:
        """The groups that an organisation declares, whole; its courses' own are not among them."""
        return frozenset(
            f"{organization}/{name}" for name in self.settings.organizations[organization].groups
        )

    def organization(self, entry: Entry) -> Organization:
        """The organisation of an entry."""
        return self.settings.organizations[entry.organization]

    def environment(self, entry: Entry) -> Environment:
        """The environment of an entry."""
        return self.settings.environments[entry.environment]

    def course(self, entry: Entry) -> Course | None:
        """The course of an entry, if it is one's."""
        return self.settings.courses[entry.course] if entry.course is not None else None

    def rules(self, entry: Entry) -> tuple[tuple[str, ServerRules], ...]:
        """The rules that hold for an entry's servers, the most specific last, each with its name."""
        found: list[tuple[str, ServerRules]] = [
            (f"organizations.{entry.organization}", self.organization(entry)),
            (f"environments.{entry.environment}", self.environment(entry)),
        ]
        course = self.course(entry)
        if course is not None:
            found.append((f"courses.{entry.course}", course))
        return tuple(found)


def catalogue(settings: Settings) -> Catalogue:
    """Index the settings; they are valid, so every reference leads somewhere."""
    courses: dict[str, list[Entry]] = {}
    for name, course in settings.courses.items():
        organization = name.partition("/")[0]
        courses.setdefault(organization, []).append(_entry(settings, organization, course.environment, name))
    return Catalogue(
        settings=settings,
        groups=declared_groups(settings),
        entries=MappingProxyType(
            {
                name: (
                    *courses.get(name, ()),
                    *(_entry(settings, name, environment) for environment in organization.environments),
                )
                for name, organization in settings.organizations.items()
            }
        ),
    )


def _entry(settings: Settings, organization: str, environment: str, course: str | None = None) -> Entry:
    of_environment = settings.environments[environment]
    of_course = settings.courses[course] if course is not None else None
    sizes = _narrowed(tuple(settings.sizes), of_environment.sizes, of_course.sizes if of_course else None)
    gpus = _narrowed(
        tuple(settings.organizations[organization].gpus),
        of_environment.gpus,
        of_course.gpus if of_course else None,
    )
    default = next((name for name in sizes if settings.sizes[name].default), sizes[0])
    return Entry(organization, environment, course, sizes, gpus, default)


def _narrowed(names_: tuple[str, ...], *filters: tuple[str, ...] | None) -> tuple[str, ...]:
    for allowed in filters:
        if allowed is not None:
            names_ = tuple(name for name in names_ if name in allowed)
    return names_


def namespace_of(settings: Settings, organization: str) -> str:
    """The namespace in which an organisation's servers run."""
    return settings.organizations[organization].namespace or names.namespace(organization)


def namespaces_of(settings: Settings) -> tuple[str, ...]:
    """The namespaces of all organisations, each once, though several may share one."""
    return tuple(dict.fromkeys(namespace_of(settings, name) for name in settings.organizations))
