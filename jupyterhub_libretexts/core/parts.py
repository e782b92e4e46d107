"""A part of a plan: what one subject (rules, home, GPU) adds to a pod, and how parts become one.

Each part is keyed by what Kubernetes merges by, so that two parts that set one key are found here,
for every subject alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import PlanConflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Part", "assembled"]


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Part:
    """What one subject adds to a pod. Values are in the form of Kubernetes' API."""

    source: str
    """Where in the settings it comes from, for messages."""
    labels: Mapping[str, str] = field(default_factory=_nothing)
    annotations: Mapping[str, str] = field(default_factory=_nothing)
    node_labels: Mapping[str, str] = field(default_factory=_nothing)
    avoided_nodes: Mapping[str, Mapping[str, str]] = field(default_factory=_nothing)
    """Labels of nodes to keep off, by the flavour of GPU that they have; a node with all of them counts."""
    tolerations: Mapping[str, Mapping[str, Any]] = field(default_factory=_nothing)
    """By key, value and effect of the taint."""
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=_nothing)
    """By name, without the name."""
    mounts: Mapping[str, Mapping[str, Any]] = field(default_factory=_nothing)
    """By path, without the path."""
    pull_secrets: Mapping[str, bool] = field(default_factory=_nothing)
    """By name."""
    variables: Mapping[str, str] = field(default_factory=_nothing)
    """Environment variables with their values."""
    secret_variables: Mapping[str, Mapping[str, Any]] = field(default_factory=_nothing)
    """Environment variables that the cluster fills (``valueFrom``)."""
    devices: Mapping[str, str] = field(default_factory=_nothing)
    """Extended resources with their amounts; limit and request are the same for these."""


_KEYED = tuple(item.name for item in fields(Part) if item.name != "source")


def assembled(parts: Iterable[Part]) -> Part:
    """All parts as one.

    Raises:
        PlanConflict: Two parts set one key to different values.
    """
    merged: dict[str, dict[str, Any]] = {name: {} for name in _KEYED}
    owners: dict[tuple[str, str], str] = {}
    for part in parts:
        for name in _KEYED:
            into = merged[name]
            for key, value in getattr(part, name).items():
                if key in into and into[key] != value:
                    raise PlanConflict(f"{name}.{key}", owners[name, key], part.source)
                into[key] = value
                owners[name, key] = part.source
    both = merged["variables"].keys() & merged["secret_variables"].keys()
    for name in both:
        raise PlanConflict(f"variables.{name}", owners["variables", name], owners["secret_variables", name])
    return Part("plan", **{name: MappingProxyType(values) for name, values in merged.items()})
