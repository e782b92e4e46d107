"""Decisions as plain data, for JSON, YAML and stored plans; the keys are those of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyterhub_libretexts.core.plan import PodPlan

__all__ = ["as_data", "plan_data"]


def as_data(value: object) -> Any:
    """A value as mappings, lists and scalars, in a stable order; what is absent or empty is left out."""
    match value:
        case None | bool() | int() | float() | str():
            made: Any = value
        case Enum():
            made = value.value
        case Mapping():
            made = {str(key): as_data(item) for key, item in value.items()}
        case set() | frozenset():
            made = sorted(as_data(item) for item in value)
        case list() | tuple():
            made = [as_data(item) for item in value]
        case _ if is_dataclass(value):
            made = _present({_camel(item.name): getattr(value, item.name) for item in fields(value)})
        case _:
            made = str(value)
    return made


def plan_data(plan: PodPlan) -> dict[str, Any]:
    """A plan, its parts beside its scalars."""
    data: dict[str, Any] = as_data(plan)
    parts = data.pop("part")
    parts.pop("source")
    return {**data, **parts}


def _present(pairs: Mapping[str, object]) -> dict[str, Any]:
    made = {key: as_data(value) for key, value in pairs.items()}
    return {key: value for key, value in made.items() if value not in (None, {}, [], "")}


def _camel(name: str) -> str:
    first, *others = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in others)
