"""Everything about the document as a whole that single values cannot say; one module for each subject."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jupyterhub_libretexts.settings import (
    addresses,
    conflicts,
    days,
    escape,
    identity,
    people,
    references,
    shares,
    unsupported,
)
from jupyterhub_libretexts.settings.notes import Notes

if TYPE_CHECKING:
    from jupyterhub_libretexts.errors import Problem
    from jupyterhub_libretexts.settings.document import Node
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["problems"]


def problems(root: Node, settings: Settings) -> list[Problem]:
    """Mistakes and warnings about the whole.

    Args:
        root: The document as it was read; what is wrong in it still counts as declared.
        settings: What of it is valid.
    """
    notes = Notes(root)
    for subject in (references, identity, shares, addresses, conflicts, escape, people):
        subject.check(notes, settings)
    days.check(notes, settings, datetime.now(UTC))
    unsupported.check(notes)
    return notes.problems
