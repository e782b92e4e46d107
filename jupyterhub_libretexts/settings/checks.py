"""Everything about the document as a whole that single values cannot say; one module for each subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyterhub_libretexts.errors import Problem
    from jupyterhub_libretexts.settings.document import Node
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["problems"]


def problems(_root: Node, _settings: Settings) -> list[Problem]:
    """Mistakes and warnings about valid settings."""
    return []
