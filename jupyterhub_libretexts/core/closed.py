"""Why something is closed to somebody: the kinds of reason, and each reason in words for the person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyterhub_libretexts.core.people import Person

__all__ = ["Closed", "Why", "by_group", "listed"]


class Why(Enum):
    """The kinds of reason for which something is closed."""

    GROUP = "group"
    """It is for others."""
    DATE = "date"
    """Its days are not now."""
    IMAGE = "image"
    """Its image lacks what it needs."""
    LIMIT = "limit"
    """A limit of the person is reached; it opens when they end something."""
    ROOM = "room"
    """None is free now; it opens when somebody else's ends."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Why something is closed, in words for the person."""

    why: Why
    text: str

    def __str__(self) -> str:
        return self.text


def by_group(groups: tuple[str, ...] | None, person: Person) -> Closed | None:
    """Closed to somebody who is in none of the groups; open where no groups are named."""
    if groups is None or any(group in person.groups for group in groups):
        return None
    return Closed(Why.GROUP, f"Only for {listed(groups)}.")


def listed(words: tuple[str, ...]) -> str:
    """Words as a sentence lists them."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
