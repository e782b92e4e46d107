"""How long a server may still run, by the rules that its plan carried."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyterhub_libretexts.hub.spawner import LibreTextsSpawner

__all__ = ["ended_by", "time_left"]


def _rules(spawner: LibreTextsSpawner) -> tuple[int | None, int | None]:
    plan = spawner.current_plan
    if plan is not None:
        return plan.idle, plan.longest
    remembered = spawner.remembered
    return remembered.get("idle"), remembered.get("longest")


def _since(moment: Any) -> float | None:
    """Seconds since a moment as JupyterHub stores it, in UTC without saying so."""
    if not isinstance(moment, datetime):
        return None
    return (datetime.now(UTC) - moment.replace(tzinfo=UTC)).total_seconds()


def _rests(spawner: LibreTextsSpawner) -> list[tuple[float, str]]:
    idle, longest = _rules(spawner)
    orm = spawner.orm_spawner
    started = _since(getattr(orm, "started", None))
    active = _since(getattr(orm, "last_activity", None))
    rests = []
    if longest is not None and started is not None:
        rests.append((longest - started, f"it ran for its longest time of {longest} seconds"))
    if idle is not None and active is not None:
        # A server that has not been used yet counts from its start.
        quiet = active if started is None else min(active, started)
        rests.append((idle - quiet, f"nothing happened in it for {idle} seconds"))
    return rests


def time_left(spawner: LibreTextsSpawner) -> int | None:
    """Seconds until the rules end a server; None where it has none."""
    return max(0, int(min((rest for rest, _ in _rests(spawner)), default=-1))) if _rests(spawner) else None


def ended_by(spawner: LibreTextsSpawner) -> str | None:
    """Why a server is over, in words for the log; None while it is not."""
    return next((reason for rest, reason in _rests(spawner) if rest <= 0), None)
