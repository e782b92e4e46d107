"""The shape of every kind: which fields exist and of what type.

``fields.json`` is made from the schemas that Kubernetes publishes (``tests/demo/make_fields.py``).
A document is checked against it as the real server decodes one: fields that do not exist are
named (and dropped), a value of a wrong type refuses the request, ``null`` counts as absent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from .amounts import amount

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "Time": (str,),
    "MicroTime": (str,),
    "[]byte": (str,),
    "bool": (bool,),
    "int32": (int,),
    "int64": (int,),
    "float64": (int, float),
    "IntOrString": (str, int),
}
_DEEPEST = 48  # Levels; the deepest real document has about 20.


@dataclass(frozen=True, slots=True)
class Type:
    """The type of one field, resolved from its notation."""

    name: str
    """As Go writes it: ``string``, ``[]v1.Container``, ``map[string]string``."""
    items: Type | None = None
    values: Type | None = None
    struct: str = ""
    merged: bool = False
    """Whether a strategic merge patch merges this list instead of replacing it."""
    merge_key: str = ""


@cache
def _table() -> dict[str, dict[str, str]]:
    text = Path(__file__).with_name("fields.json").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = json.loads(text)
    return table


@cache
def _type(notation: str) -> Type:
    written, marked, key = notation.partition(" merge")
    if written in _SCALARS or written in ("Quantity", "any"):
        return Type(written)
    if written.startswith("[]"):
        inner = _type(written[2:])
        return Type("[]" + inner.name, items=inner, merged=bool(marked), merge_key=key.strip())
    if written.startswith("map[string]"):
        inner = _type(written[len("map[string]") :])
        return Type("map[string]" + inner.name, values=inner)
    return Type("v1." + written, struct=written)


@cache
def struct_fields(struct: str) -> dict[str, Type]:
    """The fields of a structure by name."""
    return {name: _type(notation) for name, notation in _table()[struct].items()}


class WrongTypeError(ValueError):
    """A value that cannot be decoded; the message is the real decoder's."""


@dataclass(slots=True)
class _Reading:
    unknown: list[str] = field(default_factory=list)


def clean(struct: str, document: dict[str, Any]) -> list[str]:
    """Drop what does not exist and what is null, in place.

    Returns:
        The paths of the fields that do not exist, in the order of the document.

    Raises:
        WrongTypeError: A value has the wrong type.
    """
    reading = _Reading()
    _clean_struct(document, struct, "", "", reading, 0)
    return reading.unknown


def _clean_struct(
    value: dict[str, Any], struct: str, shown: str, dotted: str, reading: _Reading, depth: int
) -> None:
    if depth > _DEEPEST:
        raise WrongTypeError("exceeded max depth")
    fields = struct_fields(struct)
    for key in list(value):
        kind = fields.get(key)
        if kind is None:
            reading.unknown.append(f"{shown}{key}")
            del value[key]
            continue
        inner = value[key]
        if inner is None:
            del value[key]
        elif type(inner) is str and kind.name == "string":
            continue
        elif kind.name == "Quantity":
            value[key] = _canonical(inner, f"{struct}.{dotted}{key}")
        else:
            where = f"{struct}.{dotted}{key}"
            _clean(inner, kind, f"{shown}{key}", where, reading, depth + 1)


def _clean(value: Any, kind: Type, shown: str, where: str, reading: _Reading, depth: int) -> None:
    dotted = where.partition(".")[2]
    if kind.struct:
        _expect(value, dict, kind, where)
        _clean_struct(value, kind.struct, f"{shown}.", f"{dotted}.", reading, depth)
    elif kind.items is not None:
        _expect(value, list, kind, where)
        for index, item in enumerate(value):
            if item is not None:
                _clean(item, kind.items, f"{shown}[{index}]", where, reading, depth)
    elif kind.values is not None:
        _expect(value, dict, kind, where)
        for key, item in value.items():
            if kind.values.name == "Quantity" and item is not None:
                value[key] = _canonical(item, where)
            elif item is not None:
                _clean(item, kind.values, f"{shown}.{key}", where, reading, depth)
    elif kind.name != "any":
        allowed = _SCALARS[kind.name]
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise WrongTypeError(_mismatch(value, kind.name, where))


def _canonical(value: Any, where: str) -> str:
    """A quantity as the server gives it back: ``0.5`` is ``500m``, ``1024Mi`` is ``1Gi``."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise WrongTypeError(_mismatch(value, "resource.Quantity", where))
    try:
        return str(amount(value))
    except ValueError as error:
        raise WrongTypeError(str(error)) from None


def _expect(value: Any, shape: type, kind: Type, where: str) -> None:
    if not isinstance(value, shape):
        raise WrongTypeError(_mismatch(value, kind.name, where))


def _mismatch(value: Any, wanted: str, where: str) -> str:
    words: dict[type, str] = {bool: "bool", str: "string", int: "number", float: "number", dict: "object"}
    return (
        f"json: cannot unmarshal {words.get(type(value), 'array')} into Go struct field {where}"
        f" of type {wanted}"
    )
