"""Finds secrets written into the document; says how to reference them, and never repeats them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyterhub_libretexts.errors import Problem
    from jupyterhub_libretexts.settings.document import Node

__all__ = ["problems"]


def problems(_root: Node) -> list[Problem]:
    """Every secret in a tree."""
    return []
