"""Where checks put what they find: a path and words become a Problem at the right place of the right file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import Problem
from jupyterhub_libretexts.settings.overlays import Path, dotted, found, key_place
from jupyterhub_libretexts.settings.words import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyterhub_libretexts.settings.document import Node

__all__ = ["Notes"]


class Notes:
    """The problems of one document, gathered by its checks."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.problems: list[Problem] = []

    def wrong(self, path: Path, message: str, allowed: str = "", suggestion: str = "") -> None:
        """Note a mistake at a value; at the nearest key above it where the value is not written."""
        self._note(path, message, allowed, suggestion, warning=False)

    def warn(self, path: Path, message: str, allowed: str = "") -> None:
        """Note something that an operator should know, though the file can be used."""
        self._note(path, message, allowed, "", warning=True)

    def unknown(self, path: Path, value: str, kind: str, known: Iterable[str]) -> None:
        """Note a reference to what the document does not have."""
        names = sorted(known)
        # A long list helps nobody; the nearest spelling does.
        several = ", ".join(names[:_NAMED]) + (
            f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        )
        message = f"there is no {kind} {shown(value)}"
        self.wrong(path, message, several or f"nothing; the file has no {kind}", nearest(value, names))

    def names(self, *path: str) -> frozenset[str]:
        """The names that stand in a mapping, also those whose values are wrong."""
        node, depth = found(self.root, path)
        whole = depth == len(path) and isinstance(node.value, dict)
        return frozenset(node.value) if whole and isinstance(node.value, dict) else frozenset()

    def texts(self, *path: str) -> tuple[str, ...]:
        """The texts of a list, also where other items of it are wrong."""
        node, depth = found(self.root, path)
        if depth < len(path) or not isinstance(node.value, list):
            return ()
        return tuple(item.value for item in node.value if isinstance(item.value, str))

    def _note(self, path: Path, message: str, allowed: str, suggestion: str, *, warning: bool) -> None:
        node, depth = found(self.root, path)
        collection = isinstance(node.value, (dict, list))
        place = key_place(node) if collection or depth < len(path) else node.place
        self.problems.append(Problem(place, dotted(path), message, allowed, suggestion, warning))


_NAMED = 20
