"""A measurement as a row of the table: what, stock, ours, and what is asked of it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["HEAD", "Row", "compared", "limited"]

HEAD = "| what | stock | ours | ours ÷ stock (of each pair) | asked | holds |\n|---|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    stock: str
    ours: str
    ratio: str
    asked: str
    holds: bool

    def __str__(self) -> str:
        cells = (
            self.what,
            self.stock,
            self.ours,
            self.ratio,
            self.asked,
            "yes" if self.holds else "**no**",
        )
        return f"| {' | '.join(cells)} |"


def compared(
    what: str,
    stock: Sequence[float],
    ours: Sequence[float],
    *,
    asked: str,
    holds: Callable[[float], bool],
    unit: str = "",
    form: str = "{:.2f}",
) -> Row:
    """A row of two kinds that were measured in turn; the ratio is the median of the pairs' ratios.

    Args:
        what: What was measured.
        stock: Figures of stock KubeSpawner, one a round.
        ours: Figures of ours, of the same rounds.
        asked: What is asked of the ratio, in words.
        holds: The same as a test of the ratio.
        unit: Of the figures.
        form: How a figure is printed.
    """
    pairs = [mine / max(theirs, 1e-9) for theirs, mine in zip(stock, ours, strict=True)]
    ratio = statistics.median(pairs)
    spread = f" ({min(pairs):.2f} to {max(pairs):.2f})" if len(pairs) > 1 else ""
    figures = [f"{form.format(statistics.median(values))} {unit}".strip() for values in (stock, ours)]
    return Row(what, *figures, f"{ratio:.2f}{spread}", asked, holds(ratio))


def limited(what: str, ours: float, limit: float, unit: str, form: str = "{:.2f}") -> Row:
    """A row without a counterpart in stock: a figure and its bound."""
    figure = f"{form.format(ours)} {unit}"
    return Row(what, "–", figure, "–", f"≤ {limit:g} {unit}", ours <= limit)
