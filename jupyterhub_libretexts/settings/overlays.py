"""Lays trees over each other, and finds in a tree what a path names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub_libretexts.settings.document import Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyterhub_libretexts.errors import Place

__all__ = ["Path", "dotted", "found", "merged", "plain", "without", "without_nulls"]

Path = tuple[str | int, ...]
"""Keys and positions from the top of the document."""
Plain = Scalar | list["Plain"] | dict[str, "Plain"]


def merged(below: Node, above: Node) -> Node:
    """One tree over another: mappings merge, lists and scalars replace, null deletes."""
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    both = dict(below.value)
    for key, node in above.value.items():
        if node.value is None:
            both.pop(key, None)
        elif key in both:
            both[key] = merged(both[key], node)
        else:
            both[key] = node
    return Node(both, below.place, below.key_place)


def without_nulls(node: Node) -> Node:
    """The tree without the keys whose value is null: a key without a value is a key not given."""
    if isinstance(node.value, dict):
        kept = {key: without_nulls(child) for key, child in node.value.items() if child.value is not None}
        return Node(kept, node.place, node.key_place)
    if isinstance(node.value, list):
        return Node([without_nulls(child) for child in node.value], node.place, node.key_place)
    return node


def plain(node: Node) -> Plain:
    """The values alone.

    A fraction that Python would print differently goes on as its text, so that quantities print
    back as they were written (``0.50``); nothing but quantities takes fractions.
    """
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    if isinstance(node.value, float) and repr(node.value) != node.written:
        return node.written
    return node.value


def dotted(path: Iterable[str | int]) -> str:
    """A path as operators read it."""
    return ".".join(str(part) for part in path)


def found(root: Node, path: Path) -> tuple[Node, int]:
    """The node at a path, or the deepest one on the way to it, and how many parts led there."""
    node = root
    for depth, part in enumerate(path):
        child = _child(node, part)
        if child is None:
            return node, depth
        node = child
    return node, len(path)


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node.value, dict) and isinstance(part, str):
        return node.value.get(part)
    if isinstance(node.value, list) and isinstance(part, int) and 0 <= part < len(node.value):
        return node.value[part]
    return None


def key_place(node: Node) -> Place:
    """Where a value's key stands, or the value itself where it has none."""
    return node.key_place or node.place


def without(node: Node, paths: Iterable[Path]) -> Node:
    """The tree without what stands at these paths; a list that would lose an item goes as a whole."""
    by_part: dict[str | int, list[Path]] = {}
    for path in paths:
        by_part.setdefault(path[0], []).append(path[1:])
    if not isinstance(node.value, dict):
        return node
    kept: dict[str, Node] = {}
    for key, child in node.value.items():
        below = by_part.get(key)
        if below is None:
            kept[key] = child
        elif all(below) and isinstance(child.value, dict):
            kept[key] = without(child, below)
    return Node(kept, node.place, node.key_place)


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every value of a tree with its path, in the order of the document."""
    yield path, node
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from walk(child, (*path, key))
    elif isinstance(node.value, list):
        for position, child in enumerate(node.value):
            yield from walk(child, (*path, position))
