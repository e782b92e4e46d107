"""Whose turn it is, when a GPU comes back and several wait for one. Pure.

Fair among organisations by share, then first come: the next turn belongs to the organisation that
holds least of its share, and in it to whoever has waited longest.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Waiter", "expected", "in_order"]


@dataclass(frozen=True, slots=True)
class Waiter:
    """Somebody in the line for a flavour."""

    number: int
    """Tells them apart; grows, so that it also orders those who came in the same instant."""
    organization: str
    joined: float
    """Seconds since 1970."""


def in_order(
    waiters: Iterable[Waiter], held: Mapping[str, int], shares: Mapping[str, int]
) -> tuple[Waiter, ...]:
    """Everybody in the order of their turns, as it is if nobody comes or goes meanwhile.

    Args:
        waiters: Those who wait for one flavour.
        held: How many each organisation's servers hold.
        shares: How many each organisation may hold; one without a share never has a turn.
    """
    lines: dict[str, list[Waiter]] = {}
    for waiter in sorted(waiters, key=lambda one: (one.joined, one.number), reverse=True):
        if shares.get(waiter.organization, 0) > 0:
            lines.setdefault(waiter.organization, []).append(waiter)
    taken = {name: held.get(name, 0) for name in lines}
    ordered = []
    while lines:
        name = min(
            lines,
            key=lambda one: (Fraction(taken[one], shares[one]), lines[one][-1].joined, lines[one][-1].number),
        )
        ordered.append(lines[name].pop())
        taken[name] += 1
        if not lines[name]:
            del lines[name]
    return tuple(ordered)


def expected(position: int, ends: Sequence[float], longest: int | None) -> float | None:
    """When somebody's turn comes at the latest, in seconds since 1970; None where nobody can say.

    Args:
        position: How many turns come before theirs.
        ends: When the servers that run now end at the latest, the soonest first.
        longest: Seconds after which a server of this flavour ends.
    """
    if not ends or (position >= len(ends) and longest is None):
        return None
    rounds, place = divmod(position, len(ends))
    return ends[place] + rounds * (longest or 0)
