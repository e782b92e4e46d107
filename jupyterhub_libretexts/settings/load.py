"""``load``: files in, ``Settings`` out, or every mistake that was found, each where it stands.

Reading, laying over each other, validating and cross-checking are modules of their own; here is
their order, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from jupyterhub_libretexts.errors import Problem, SettingsError
from jupyterhub_libretexts.settings import checks, secrets, words
from jupyterhub_libretexts.settings.document import DEEPEST, parsed
from jupyterhub_libretexts.settings.files import text_of
from jupyterhub_libretexts.settings.models import Settings
from jupyterhub_libretexts.settings.overlays import found, merged, plain, without, without_nulls

if TYPE_CHECKING:
    from jupyterhub_libretexts.errors import Place
    from jupyterhub_libretexts.settings.document import Node

__all__ = ["Review", "load", "load_text", "review"]

Paths = str | Path | Sequence[str | Path]
Check = Callable[["Node", Settings], list[Problem]]


@dataclass(frozen=True, slots=True)
class Review:
    """What came of reading files."""

    settings: Settings | None
    """The settings, where they can be used."""
    problems: tuple[Problem, ...]
    """Mistakes and warnings, in the order of the files."""


def load(paths: Paths) -> Settings:
    """The settings of one file, or of several of which each overlays those before it.

    Raises:
        SettingsError: The files cannot be used; it holds every mistake.
    """
    return _usable(review(paths))


def load_text(text: str, file: str = "settings") -> Settings:
    """The settings of a text.

    Raises:
        SettingsError: The text cannot be used; it holds every mistake.
    """
    return _usable(_review([(file, *parsed(file, text))]))


def review(paths: Paths, further: Check | None = None) -> Review:
    """The settings and everything to say about them, warnings included; raises nothing.

    Args:
        paths: One file, or several of which each overlays those before it.
        further: Says what else is wrong, from the document as it was read and what of it is valid.
    """
    listed = [paths] if isinstance(paths, (str, Path)) else list(paths)
    return _review([_read(Path(path)) for path in listed], further)


def _usable(reviewed: Review) -> Settings:
    if reviewed.settings is None:
        raise SettingsError(tuple(problem for problem in reviewed.problems if not problem.warning))
    return reviewed.settings


def _read(path: Path) -> tuple[str, Node | None, list[Problem]]:
    text, problems = text_of(path)
    return (str(path), None, problems) if text is None else (str(path), *parsed(str(path), text))


def _review(reads: Sequence[tuple[str, Node | None, list[Problem]]], further: Check | None = None) -> Review:
    files = [file for file, _, _ in reads]
    problems = [problem for _, _, told in reads for problem in told]
    roots = [root for _, root, _ in reads if root is not None]
    hidden: frozenset[Place] = frozenset()
    for root in roots:
        written, places = secrets.found(root)
        problems += written
        hidden |= places
    if len(roots) < len(reads) or not roots:
        return Review(None, _in_order(problems, files))
    root = roots[0]
    for above in roots[1:]:
        root = merged(root, above)
    root = without_nulls(root)
    settings, told = _validated(root)
    if settings is not None:
        told += checks.problems(root, settings)
        told += further(root, settings) if further is not None else []
    # Other messages repeat the value that they are about, and a secret is never repeated.
    problems += [problem for problem in told if problem.place not in hidden]
    failed = settings is None or any(not problem.warning for problem in problems)
    return Review(None if failed else settings, _in_order(problems, files))


def _validated(root: Node) -> tuple[Settings | None, list[Problem]]:
    """The settings of a tree as far as they are right, and what is wrong with the rest.

    What is wrong is taken out and the rest is validated again, so that cross-references are
    checked although a key elsewhere is mistyped.
    """
    settings, complaints = _attempt(root)
    problems = [problem for _, problem in complaints]
    # Each round takes out something, or the level above it.
    for _ in range(DEEPEST):
        if settings is not None:
            break
        # A missing key cannot be taken out: what lacks it goes.
        paths = [path if _stands(root, path) else path[:-1] for path, _ in complaints]
        root = _with_a_size(without(root, [path for path in paths if path]))
        settings, complaints = _attempt(root)
    return settings, problems


def _with_a_size(root: Node) -> Node:
    """The tree with a size, which no document can do without, where no size of its own is right."""
    stand_in, _ = parsed("", _A_SIZE)
    sizes, depth = found(root, ("sizes",))
    if stand_in is None or (depth and sizes.value):
        return root
    return merged(stand_in, root)


_A_SIZE = """\
sizes: {stand-in: {cpu: {guarantee: 1, limit: 1}, memory: {guarantee: 1Gi, limit: 1Gi}}}
"""


def _stands(root: Node, path: tuple[str | int, ...]) -> bool:
    return found(root, path)[1] == len(path)


def _attempt(root: Node) -> tuple[Settings | None, list[tuple[tuple[str | int, ...], Problem]]]:
    # JSON lets pydantic be strict about text, numbers and truth, and still read dates and addresses.
    try:
        return Settings.model_validate_json(json.dumps(plain(root)), strict=True), []
    except ValidationError as error:
        return None, words.problems_of(root, error)


def _in_order(problems: Sequence[Problem], files: Sequence[str]) -> tuple[Problem, ...]:
    place_of = {file: position for position, file in enumerate(files)}

    def order(problem: Problem) -> tuple[int, int, int]:
        return place_of.get(problem.place.file, 0), problem.place.line, problem.place.column

    return tuple(sorted(dict.fromkeys(problems), key=order))
