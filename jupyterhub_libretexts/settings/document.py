"""Reads one file of settings into a tree in which every key and value knows where it stands.

YAML 1.2 with its core schema (https://yaml.org/spec/1.2.2/#103-core-schema): ``no`` and ``on`` are
text, ``06:00`` is text, dates are text. Whatever cannot be read becomes a located Problem. What
the keys mean is decided elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from jupyterhub_libretexts.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DEEPEST", "LARGEST", "MOST_NODES", "Node", "Scalar", "parsed", "tree"]

Scalar = None | bool | int | float | str

LARGEST = 4 * 1024 * 1024
"""Bytes of a file; a ConfigMap holds 1 MiB at most."""
DEEPEST = 40
"""Levels of nesting; pods, the deepest thing in the document, need fewer than 20."""
MOST_NODES = 500_000
"""Values after aliases are followed; 200 organisations with 500 courses have about 20,000."""

# The C parser is ten times faster and understands the same; PyYAML may have been built without it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
# Infinity and not-a-number stay text: no key takes them, and JSON has no words for them.
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,40}|[0-9]{1,40}(?:\.[0-9]{0,40})?)(?:[eE][-+]?[0-9]{1,2})?")
_NUMBER_STARTS = frozenset("-+.0123456789")
_TEXT_TAG = "tag:yaml.org,2002:str"


@dataclass(slots=True)
class Node:
    """A value of the document: a scalar, a list of nodes, or a mapping of text to nodes."""

    value: Scalar | list[Node] | dict[str, Node]
    place: Place
    key_place: Place | None = None
    """Where its key stands; nothing for items of lists and for the whole document."""
    written: str = ""
    """A scalar as it was written."""


def _scalar(text: str) -> Scalar:
    """What a plain scalar means."""
    if text in _NULLS:
        return None
    if text[0] in _NUMBER_STARTS:
        if _INTEGER.fullmatch(text):
            return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
        return text
    return _BOOLEANS.get(text, text)


class _StopError(Exception):
    """Reading cannot go on; what is wrong was noted."""


class _Open:
    """A list or mapping whose end was not read yet."""

    __slots__ = ("anchor", "key", "key_place", "keys", "node", "size")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.keys = isinstance(node.value, dict)
        self.key: str | None = None
        self.key_place: Place | None = None
        self.size = 1


class _Builder:
    """Puts a tree together from the parser's events; without recursion, so that depth costs nothing."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.root: Node | None = None
        self.documents = 0
        self.refused = 0

    def place(self, event: yaml.Event) -> Place:
        mark: Any = event.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1)

    def path(self) -> str:
        """The dotted path of what is being read."""
        parts = []
        for level in self.stack:
            if level.keys:
                parts.append(level.key or "")
            else:
                parts.append(str(len(level.node.value)))  # type: ignore[arg-type]  # a list where it is no mapping
        return ".".join(part for part in parts if part)

    def note(self, place: Place, message: str, allowed: str = "", key: str | None = None) -> None:
        self.problems.append(Problem(place, self.path() if key is None else key, message, allowed))

    def stop(self, place: Place, message: str, allowed: str = "") -> None:
        self.note(place, message, allowed)
        raise _StopError

    def take(self, event: yaml.Event) -> None:
        """One event of the parser."""
        if isinstance(event, yaml.ScalarEvent):
            self.scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self.begin(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            level = self.stack.pop()
            self.put(level.node, level.anchor, level.size)
        elif isinstance(event, yaml.AliasEvent):
            self.alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.stop(
                    self.place(event),
                    "a second document begins here",
                    "one document in each file; give several files to overlay them",
                )

    def scalar(self, event: yaml.ScalarEvent) -> None:
        place = self.place(event)
        text: str = event.value
        self.check_tag(event, place)
        plain = event.implicit[0] and event.tag is None
        level = self.stack[-1] if self.stack else None
        if level is not None and level.keys and level.key is None:
            self.begin_key(level, place, text, _scalar(text) if plain else text, plain=plain)
            return
        value = _scalar(text) if plain else text
        self.put(Node(value, place, written=text), event.anchor, 1)

    def begin_key(self, level: _Open, place: Place, text: str, value: Scalar, *, plain: bool) -> None:
        if plain and text == "<<":
            self.note(
                place, "merge keys (<<) are not part of YAML 1.2", "an overlay file, or the keys written out"
            )
        elif not isinstance(value, str):
            kind = "empty" if value is None else "true or false" if isinstance(value, bool) else "a number"
            self.note(place, f"the key {text!r} is {kind}, not text", f'text; put it in quotes: "{text}"')
        level.key, level.key_place = text, place

    def begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        place = self.place(event)
        self.check_tag(event, place)
        level = self.stack[-1] if self.stack else None
        if level is not None and level.keys and level.key is None:
            self.stop(place, "a list or mapping stands where a key is expected", "text as key")
        if len(self.stack) >= DEEPEST:
            self.stop(place, f"nested deeper than {DEEPEST} levels", f"at most {DEEPEST} levels")
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Open(Node({} if mapping else [], place), event.anchor))

    def check_tag(self, event: Any, place: Place) -> None:
        if event.tag is not None and event.tag not in {"!", _TEXT_TAG}:
            self.note(place, f"the tag {event.tag!r} is not understood", "values without tags")

    def alias(self, event: yaml.AliasEvent) -> None:
        place = self.place(event)
        name = event.anchor or ""
        known = self.anchors.get(name)
        if known is None:
            message = f"the alias *{name} names nothing that ended before it"
            self.problems.append(Problem(place, self.path(), message, f"a value marked &{name} above"))
            raise _StopError
        level = self.stack[-1] if self.stack else None
        if level is not None and level.keys and level.key is None:
            self.stop(place, f"the alias *{name} stands where a key is expected", "text as key")
        node, size = known
        self.put(replace(node), None, size)

    def put(self, node: Node, anchor: str | None, size: int) -> None:
        """Add a finished node to what holds it."""
        if anchor is not None:
            self.anchors[anchor] = (node, size)
        if not self.stack:
            self.root = node
            return
        level = self.stack[-1]
        level.size += size
        if level.size > MOST_NODES:
            self.stop(node.place, f"more than {MOST_NODES:,} values once its aliases are followed", "fewer")
        held = level.node.value
        if isinstance(held, list):
            held.append(node)
        elif isinstance(held, dict) and level.key is not None:
            node.key_place = level.key_place
            first = held.get(level.key)
            if first is not None and level.key_place is not None:
                before = first.key_place or first.place
                self.note(
                    level.key_place,
                    f"the key {level.key!r} stands here a second time; first in line {before.line}",
                    "each key once",
                )
            else:
                held[level.key] = node
            level.key = level.key_place = None


def _events(text: str) -> Iterator[yaml.Event]:
    return yaml.parse(text, Loader=_Loader)


def _syntax(file: str, text: str, problem: yaml.YAMLError) -> Problem:
    """The parser's complaint in our words, where it stands."""
    mark: Any = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    if mark is None:
        return Problem(Place(file, 1, 1), "", f"this is not YAML: {problem}")
    lines = text.split("\n")
    line, column = mark.line, mark.column
    here = lines[line][column : column + 1] if line < len(lines) else ""
    place = Place(file, line + 1, column + 1)
    if here == "\t":
        return Problem(place, "", "a tab stands here", "spaces; YAML does not indent with tabs")
    said = ", ".join(str(part) for part in (getattr(problem, "context", None), problem.problem) if part)  # type: ignore[attr-defined]
    return Problem(
        place, "", f"this is not YAML: {said}", "see the line above, too: a quote, colon or bracket"
    )


def tree(file: str, text: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a text, and what is wrong with it as YAML.

    Args:
        file: Its name, for places.
        text: The whole of it, without byte order mark.

    Returns:
        The tree (nothing where it could not be read) and the problems, in the order of the text.
    """
    builder = _Builder(file)
    try:
        for event in _events(text):
            builder.take(event)
    except _StopError:
        return None, builder.problems
    except yaml.YAMLError as problem:
        return None, [*builder.problems, _syntax(file, text, problem)]
    if builder.root is None or builder.root.value is None:
        builder.note(Place(file, 1, 1), "the file says nothing", "settings; {} where nothing is meant", "")
        return None, builder.problems
    return builder.root, builder.problems


def parsed(file: str, text: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a document of settings: like ``tree``, and the top is keys with values."""
    root, problems = tree(file, text)
    if root is not None and not isinstance(root.value, dict):
        message = "the document is not made of keys with values"
        return None, [*problems, Problem(root.place, "", message, "for example `hub:` with keys below it")]
    return root, problems
