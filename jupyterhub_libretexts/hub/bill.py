"""Sums of stored intervals between two moments, by organisation, course, environment, GPU or person."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sql

from jupyterhub_libretexts.hub.store import INTERVALS, WAITING

if TYPE_CHECKING:
    from jupyterhub_libretexts.hub.store import Store

__all__ = ["BY", "Line", "bill", "erase"]

By = Literal["organization", "course", "environment", "gpu", "person"]
BY: tuple[By, ...] = ("organization", "course", "environment", "gpu", "person")

_HOUR = 3600.0
_GIBIBYTE = 2**30
_ALIVE = 180.0
"""Seconds after its last sign of life within which what is open counts as running until now."""
ERASED = ""
"""The name of somebody who was erased."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill; hours of what was held."""

    name: str
    gpu_hours: float
    cpu_hours: float
    """Cores guaranteed, times hours."""
    memory_gib_hours: float
    """GiB guaranteed, times hours."""
    servers: int
    """Servers that held something in that time."""


def bill(store: Store, begin: float, end: float, by: By, now: float) -> tuple[Line, ...]:
    """What was held from one moment until another, the most GPU-hours first.

    Args:
        store: Where the intervals are.
        begin: Seconds since 1970, included.
        end: Seconds since 1970, excluded.
        by: What the lines stand for.
        now: Until when a server that runs has run.
    """
    table = INTERVALS.c
    rows = store.rows(
        sql.select(INTERVALS).where(
            table.started < end, sql.or_(table.ended.is_(None), table.ended > begin), table.started < now
        )
    )
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0])
    for row in rows:
        open_until = now if now - row["seen"] < _ALIVE else row["seen"]
        until = row["ended"] if row["ended"] is not None else open_until
        hours = max(0.0, min(until, end) - max(row["started"], begin)) / _HOUR
        of_line = sums[row["username" if by == "person" else by] or ""]
        for place, amount in enumerate((row["gpus"], row["cpu"], row["memory"] / _GIBIBYTE)):
            of_line[place] += amount * hours
        of_line[3] += 1
    lines = (Line(name, gpu, cpu, memory, int(servers)) for name, (gpu, cpu, memory, servers) in sums.items())
    return tuple(sorted(lines, key=lambda line: (-line.gpu_hours, -line.cpu_hours, line.name)))


def erase(store: Store, username: str) -> int:
    """Erase somebody: sums of organisations stay, and nothing leads to the person any more.

    Returns:
        How many rows named them.
    """
    table = INTERVALS.c
    found = len(store.rows(sql.select(table.uid).where(table.username == username)))
    found += len(store.rows(sql.select(WAITING.c.number).where(WAITING.c.username == username)))
    store.write(
        INTERVALS.update().where(table.username == username).values(username=ERASED),
        WAITING.delete().where(WAITING.c.username == username),
    )
    return found
