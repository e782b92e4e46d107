"""How long a server may still run, by the rules that its plan carried, and why one ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cluster.explain import situation

if TYPE_CHECKING:
    from jupyterhub_libretexts.cluster.objects import Pod
    from jupyterhub_libretexts.hub.spawner import LibreTextsSpawner

__all__ = ["Ending", "ended_by", "ends_at", "time_left", "why_over"]

_OVER = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a server is over."""

    reason: str
    """For the log."""
    told: str
    """For its student."""

    def __str__(self) -> str:
        return self.reason


def _rules(spawner: LibreTextsSpawner) -> tuple[int | None, int | None]:
    plan = spawner.current_plan
    if plan is not None:
        return plan.idle, plan.longest
    remembered = spawner.remembered
    return remembered.get("idle"), remembered.get("longest")


def _seconds(moment: Any) -> float | None:
    """A moment as JupyterHub stores it, in UTC without saying so, in seconds since 1970."""
    return moment.replace(tzinfo=UTC).timestamp() if isinstance(moment, datetime) else None


def _begun(spawner: LibreTextsSpawner) -> float | None:
    """When a server's longest time began: as the kubelet counts, when its node took it; else its start."""
    pod = spawner.pod
    taken = (pod.get("status") or {}).get("startTime") if pod is not None else None
    if taken is not None:
        return datetime.fromisoformat(taken).timestamp()
    return _seconds(getattr(spawner.orm_spawner, "started", None))


def ends_at(spawner: LibreTextsSpawner) -> float | None:
    """When a server ends whatever it does, in seconds since 1970; None where it has no longest time."""
    _, longest = _rules(spawner)
    begun = _begun(spawner)
    return None if longest is None or begun is None else begun + longest


def _rests(spawner: LibreTextsSpawner) -> list[tuple[float, Ending]]:
    idle, longest = _rules(spawner)
    now = time.time()
    started = _seconds(getattr(spawner.orm_spawner, "started", None))
    active = _seconds(getattr(spawner.orm_spawner, "last_activity", None))
    end = ends_at(spawner)
    rests = []
    if end is not None and longest is not None:
        told = (
            f"Your server ran for its longest time ({_in_words(longest)}) and was ended. Your files are safe."
        )
        rests.append((end - now, Ending(f"it ran for its longest time of {longest} seconds", told)))
    if idle is not None and active is not None:
        # A server that has not been used yet counts from its start.
        quiet = now - (active if started is None else max(active, started))
        told = (
            f"Nothing happened in your server for {_in_words(idle)}, so it was stopped. Your files are safe."
        )
        rests.append((idle - quiet, Ending(f"nothing happened in it for {idle} seconds", told)))
    return rests


def time_left(spawner: LibreTextsSpawner) -> int | None:
    """Seconds until the rules end a server; None where it has none."""
    rests = [rest for rest, _ in _rests(spawner)]
    return max(0, int(min(rests))) if rests else None


def ended_by(spawner: LibreTextsSpawner) -> Ending | None:
    """By which rule a server is over; None while it is not."""
    return next((ending for rest, ending in _rests(spawner) if rest <= 0), None)


def why_over(pod: Pod | None, events: list[dict[str, Any]]) -> str | None:
    """Why a pod is over, in words for its student; None while it is not.

    It is asked before the pod is deleted: afterwards nobody knows.
    """
    if pod is None:
        return "Your server was ended from outside the hub, or its machine was lost. Your files are safe."
    status = pod.get("status") or {}
    ended = [each.get("state", {}).get("terminated") for each in status.get("containerStatuses") or ()]
    if status.get("phase") not in _OVER and not any(ended):
        return None
    by_itself = status.get("phase") == "Succeeded" or any(one and one.get("exitCode") == 0 for one in ended)
    if by_itself and status.get("reason") is None:
        return "Your server was shut down from inside. Your files are safe."
    return str(situation(pod, events).message)


def _in_words(seconds: int) -> str:
    for name, unit in (("hour", 3600), ("minute", 60)):
        if seconds >= unit and seconds % unit == 0:
            count = seconds // unit
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"
