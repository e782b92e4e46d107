"""Settings against what their images are known to hold: every gap, at the line that asks for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.images.lock import shortcomings
from jupyterhub_libretexts.settings.notes import Notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyterhub_libretexts.errors import Problem
    from jupyterhub_libretexts.images.lock import ImagesLock, Shortcoming
    from jupyterhub_libretexts.settings.document import Node
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["LOCK_NAME", "lock_beside", "problems"]

LOCK_NAME = "images.lock.json"


def lock_beside(files: Sequence[str | Path]) -> Path:
    """Where the lock of settings files lies: in the folder of the first of them."""
    return Path(files[0]).parent / LOCK_NAME


def problems(root: Node, settings: Settings, lock: ImagesLock | None, place: Path) -> list[Problem]:
    """What environments and courses ask of their images, and those lack.

    Args:
        root: The document as it was read, for places.
        settings: What of it is valid.
        lock: What is known of images; None where there is no lock file.
        place: The path of the lock file, for messages.

    Returns:
        Mistakes, and a warning for each image of which nothing is known.
    """
    notes = Notes(root)
    if lock is None:
        _nothing_known(notes, settings, place)
        return notes.problems
    told: set[str] = set()
    for name, environment in settings.environments.items():
        found = shortcomings(
            lock,
            environment.image,
            kernel=environment.kernel,
            opens=environment.opens,
            needs=environment.needs,
        )
        if found and found[0].key == "image":
            if environment.image not in told:
                told.add(environment.image)
                notes.warn(("environments", name, "image"), _unknown(environment.image, place))
            continue
        _note(notes, ("environments", name), environment.needs, found)
    for name, course in settings.courses.items():
        used = settings.environments.get(course.environment)
        if used is None or used.image not in lock.images:
            continue
        found = shortcomings(lock, used.image, kernel=None, opens="/", needs=course.needs)
        _note(notes, ("courses", name), course.needs, found)
    return notes.problems


def _note(notes: Notes, path: tuple[str, str], needs: tuple[str, ...], found: Sequence[Shortcoming]) -> None:
    for each in found:
        where: tuple[str | int, ...] = (*path, each.key)
        if each.key == "needs" and each.value in needs:
            where = (*where, needs.index(each.value))
        if each.warning:
            notes.warn(where, each.message, each.allowed)
        else:
            notes.wrong(where, each.message, each.allowed, each.suggestion)


def _nothing_known(notes: Notes, settings: Settings, place: Path) -> None:
    """One warning, where the file first relies on what an image holds."""
    for kind, entries in (("courses", settings.courses), ("environments", settings.environments)):
        for name, entry in entries.items():
            if entry.needs:
                image = _image_of(settings, kind, name)
                message = f"cannot be compared: there is no {place}"
                notes.warn((kind, name, "needs"), message, f"a lock, written by `{_command(image, place)}`")
                return


def _image_of(settings: Settings, kind: str, name: str) -> str:
    environment = settings.courses[name].environment if kind == "courses" else name
    known = settings.environments.get(environment)
    return known.image if known is not None else "IMAGE"


def _unknown(image: str, place: Path) -> str:
    return f"nothing is known of the image {image!r}: run `{_command(image, place)}`"


def _command(image: str, place: Path) -> str:
    return f"jupyterhub-libretexts image inspect {image} --lock {place}"
