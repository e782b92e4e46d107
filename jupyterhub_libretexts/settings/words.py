"""Says pydantic's complaints in the operator's words, at the place where the value stands."""

from __future__ import annotations

import difflib
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from jupyterhub_libretexts.errors import Problem
from jupyterhub_libretexts.settings.models import Model, Settings, aliases
from jupyterhub_libretexts.settings.overlays import Path, dotted, found, key_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import ValidationError

    from jupyterhub_libretexts.settings.document import Node

__all__ = ["PATTERNS", "nearest", "problems_of", "shown"]

_LOWER_NAME = "small letters, digits, and . _ - between them"

PATTERNS = {
    r"^[^\x00-\x1f\x7f]*$": "one line of text",
    r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$": _LOWER_NAME,
    r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?/[a-z0-9]([a-z0-9._-]*[a-z0-9])?$": (
        f"ORGANIZATION/COURSE, for example ucdavis/sts101; {_LOWER_NAME}"
    ),
    r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)?$": (
        f"ORGANIZATION/GROUP or ORGANIZATION, for example ucdavis/students; {_LOWER_NAME}"
    ),
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": "an address, for example prof@example.edu",
    r"^(user:\S+|[^@\s]+@[^@\s]+\.[^@\s]+)$": "an address, for example prof@example.edu, or user:NAME",
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$": "a name of Kubernetes: small letters, digits, and - between them",
    r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$": (
        "a label's name, for example example.edu/pool"
    ),
    r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$": "a label's value: letters, digits, and - _ . inside",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "a variable's name: letters, digits and _, no digit first",
    r"^https?://[^\s\x00-\x1f]+$": "an address of the web that begins with https:// or http://",
    r"^https://\S+$": "an address of the web that begins with https://",
    r"^#[0-9a-fA-F]{6}$": 'a colour as "#rrggbb", in quotes',
    r"^/\S+$": "an absolute path, without spaces",
    r"^/[^\x00-\x1f]*$": "an absolute path",
    r"^[a-z0-9][a-z0-9._-]{0,62}$": f"a user name of at most 63 characters: {_LOWER_NAME}",
    r"^[a-z0-9-]+(\.[a-z0-9-]+)+$": "a domain in small letters, for example ucdavis.edu",
    r"^(https?|git|ssh|file)://[^\s\x00-\x1f]+$": "the address of a Git repository, for example https://github.com/…",
    r"^[^\s\x00-\x1f~^:?*\[\\]+$": "the name of a Git branch",
    r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$": (
        "a resource as the device plugin names it, for example nvidia.com/gpu"
    ),
    r"^[A-Za-z][A-Za-z0-9_.:-]*$": "the name of a ZFS pool",
    r"^3\.\d{1,3}$": 'the minor version of Calico, in quotes: "3.31"',
    r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$": (
        "a NetworkAttachmentDefinition as NAME or NAMESPACE/NAME"
    ),
    r"^[-._A-Za-z0-9]+$": "a key of a Secret: letters, digits, - _ .",
    r"^[^/\x00-\x1f][^\x00-\x1f]*$": "a path inside the volume, without / first",
    r"^[^\s\x00-\x1f]+$": "the name of an image, without spaces",
    r"^[A-Za-z0-9._-]+$": "a kernel's name: letters, digits, . _ -",
    r"^(lab|notebook|rstudio|/[^\s\x00-\x1f]*)$": "lab, notebook, rstudio, or a path that begins with /",
    r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$": "a length of time, for example 45m, 4h or 1d12h",
}
"""What each pattern of the models asks for."""

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "keys with values",
    "mapping_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "tuple_type": "a list",
    "list_type": "a list",
}
_DAY = "a day as YYYY-MM-DD, for example 2026-09-21"
_MOMENT = "a moment as YYYY-MM-DDTHH:MM, for example 2026-12-05T08:00"
_LONGEST_SHOWN = 80


def shown(value: object) -> str:
    """A value for a message; cut, since files may hold anything."""
    if isinstance(value, dict):
        return "keys with values"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str:
    """The nearest spelling among known words, or nothing."""
    candidates = list(known)
    by_small = {name.casefold(): name for name in candidates}
    close = difflib.get_close_matches(word.casefold(), by_small, n=1, cutoff=0.6)
    return by_small[close[0]] if close else ""


def problems_of(root: Node, error: ValidationError) -> list[tuple[Path, Problem]]:
    """Every complaint about a tree, one for each key, with its path."""
    told: dict[Path, Problem] = {}
    for detail in error.errors(include_url=False):
        path = _path(root, detail)
        if path not in told:
            told[path] = _problem(root, path, detail)
    return list(told.items())


def _path(root: Node, detail: Mapping[str, Any]) -> Path:
    """The path of a complaint in the document: pydantic adds names of types and marks of keys."""
    location: Path = detail["loc"]
    if detail["type"] == "missing":
        return location
    if location and location[-1] == "[key]":
        location = location[:-1]
    _, depth = found(root, location)
    return location[:depth]


def _problem(root: Node, path: Path, detail: Mapping[str, Any]) -> Problem:
    node, depth = found(root, path)
    kind, context, key = detail["type"], detail.get("ctx", {}), dotted(path)
    of_key = bool(detail["loc"]) and detail["loc"][-1] == "[key]"
    value = path[-1] if of_key else detail["input"]
    if kind == "extra_forbidden":
        keys = _keys_at(path[:-1])
        message, allowed = f"there is no key {path[-1]!r} here", ", ".join(keys) or "no keys"
        return Problem(key_place(node), key, message, allowed, nearest(str(path[-1]), keys))
    if kind == "missing":
        holder, _ = found(root, path[:depth])
        return Problem(key_place(holder), key, f"the key {path[-1]!r} is missing", "this key with a value")
    message, allowed, suggestion = _said(kind, context, value, {**detail, "written": node.written})
    return Problem(key_place(node) if of_key else node.place, key, message, allowed, suggestion)


def _said(
    kind: str, context: Mapping[str, Any], value: Any, detail: Mapping[str, Any]
) -> tuple[str, str, str]:
    """What is wrong, what is allowed, the nearest spelling."""
    seen, suggestion = shown(value), ""
    match kind:
        case "string_pattern_mismatch":
            message, allowed = (
                f"{seen} does not fit here",
                PATTERNS.get(context["pattern"], context["pattern"]),
            )
        case "string_too_long" | "string_too_short" | "too_short" | "too_long":
            bound = context.get("max_length") or context.get("min_length")
            words = "characters" if kind.startswith("string") else "entries"
            allowed = f"at {'most' if kind.endswith('long') else 'least'} {bound} {words}"
            message = f"{seen} is too {'long' if kind.endswith('long') else 'short'}"
        case "greater_than_equal":
            message, allowed = f"{seen} is too small", f"at least {context['ge']}"
        case "less_than_equal":
            message, allowed = f"{seen} is too large", f"at most {context['le']}"
        case "literal_error":
            options = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            message, allowed = f"{seen} is not known here", " · ".join(options)
            suggestion = nearest(str(value), options)
        case "value_error":
            message, allowed = str(context.get("error", detail["msg"])), ""
        case _:
            return _wrong_kind(kind, seen, detail)
    return message, allowed, suggestion


def _wrong_kind(kind: str, seen: str, detail: Mapping[str, Any]) -> tuple[str, str, str]:
    if kind.startswith(("datetime_", "timezone_")):
        return f"{seen} is not a moment", _MOMENT, ""
    if kind.startswith("date_"):
        return f"{seen} is not a day", _DAY, ""
    wanted = _KINDS.get(kind)
    if wanted is None:
        return f"{seen} does not fit here: {detail['msg']}", "", ""
    given = detail["input"]
    if wanted == "text" and isinstance(given, (bool, int, float)):
        what = "true or false" if isinstance(given, bool) else "a number"
        return f"{seen} is {what}, not text", f'text; put it in quotes: "{detail["written"]}"', ""
    if isinstance(given, str):
        seen = f"the text {shown(given)}"
    return f"{seen} stands here", wanted, ""


def _keys_at(path: Path) -> list[str]:
    """The keys that the models at a path have."""
    annotations: list[Any] = [Settings]
    for part in path:
        annotations = [inner for annotation in annotations for inner in _below(annotation, part)]
    bare = [kind for annotation in annotations for kind in _bare(annotation)]
    return sorted({key for kind in bare if _is_model(kind) for key in aliases(kind)})


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)


def _bare(annotation: Any) -> list[Any]:
    """The types of a union, each without its annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return [kind for option in get_args(annotation) for kind in _bare(option)]
    return [annotation]


def _below(annotation: Any, part: str | int) -> list[Any]:
    """The types that a part of a path leads to from a type."""
    found_types: list[Any] = []
    for kind in _bare(annotation):
        if _is_model(kind):
            name = aliases(kind).get(str(part))
            found_types += [kind.model_fields[name].annotation] if name else []
        elif get_args(kind):
            found_types.append(get_args(kind)[1 if isinstance(part, str) else 0])
    return found_types
