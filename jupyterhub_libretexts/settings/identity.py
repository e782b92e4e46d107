"""Checks that no two things share one name in the cluster, and that what must be single is single."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub_libretexts import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyterhub_libretexts.settings.models import Settings
    from jupyterhub_libretexts.settings.notes import Notes
    from jupyterhub_libretexts.settings.overlays import Path

__all__ = ["check"]


def check(notes: Notes, settings: Settings) -> None:
    """Note names that meet in the cluster."""
    _namespaces(notes, settings)
    for section in ("environments", "sizes", "gpus", "networks", "courses"):
        _apart(notes, section, names.label_value, "label")
    _apart(notes, "organizations", names.slug, "name of homes")
    _group_names(notes)
    _one_default(notes, settings)


def _namespaces(notes: Notes, settings: Settings) -> None:
    first: dict[str, str] = {}
    for name in settings.organizations:
        organization = settings.organizations[name]
        path: Path = ("organizations", name)
        if organization.namespace is not None:
            path = (*path, "namespace")
        namespace = organization.namespace or names.namespace(name)
        if namespace.startswith("kube-"):
            notes.wrong(
                path, f"the namespace {namespace!r} belongs to Kubernetes", "one that begins otherwise"
            )
        other = first.setdefault(namespace, name)
        if other != name:
            notes.wrong(
                path,
                f"the organisations {other!r} and {name!r} would share the namespace {namespace!r}",
                "a namespace for each organisation",
            )


def _apart(notes: Notes, section: str, name_of: Callable[[str], str], what: str) -> None:
    first: dict[str, str] = {}
    for name in sorted(notes.names(section)):
        other = first.setdefault(name_of(name), name)
        if other != name:
            message = f"{other!r} and {name!r} would have one {what} in the cluster, {name_of(name)!r}"
            notes.wrong((section, name), message, "another name for one of the two")


def _group_names(notes: Notes) -> None:
    courses = notes.names("courses")
    for organization in notes.names("organizations"):
        for position, group in enumerate(notes.texts("organizations", organization, "groups")):
            if f"{organization}/{group}" in courses:
                notes.wrong(
                    ("organizations", organization, "groups", position),
                    f"the course {organization}/{group} declares this group already",
                    "the course alone, or another name for the group",
                )


def _one_default(notes: Notes, settings: Settings) -> None:
    defaults = [name for name, size in settings.sizes.items() if size.default]
    for name in defaults[1:]:
        notes.wrong(("sizes", name, "default"), f"{defaults[0]!r} is the default already", "one default size")
