"""How long a server may still run, by the rules that its plan carried, and why one ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cluster.explain import situation

if TYPE_CHECKING:
    from jupyterhub_libretexts.cluster.objects import Pod
    from jupyterhub_libretexts.hub.spawner import LibreTextsSpawner

__all__ = ["ends_at", "idle_for", "time_left", "told_of_idleness", "why_over"]

_OVER = ("Succeeded", "Failed")


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


def _idle_left(spawner: LibreTextsSpawner) -> float | None:
    """Seconds until a server in which nothing happens is ended; None where it may idle."""
    idle, _ = _rules(spawner)
    active = _seconds(getattr(spawner.orm_spawner, "last_activity", None))
    if idle is None or active is None:
        return None
    started = _seconds(getattr(spawner.orm_spawner, "started", None))
    # A server that has not been used yet counts from its start.
    since = active if started is None else max(active, started)
    clock = spawner.shared.clock
    # JupyterHub notes no activity that is older than the last: after a clock was set back, nobody knows.
    return idle - (0.0 if since > clock.now() else clock.since(since))


def time_left(spawner: LibreTextsSpawner) -> int | None:
    """Seconds until the rules end a server; None where it has none."""
    end, idle = ends_at(spawner), _idle_left(spawner)
    rests = [end - spawner.shared.clock.now()] if end is not None else []
    rests += [idle] if idle is not None else []
    return max(0, int(min(rests))) if rests else None


def idle_for(spawner: LibreTextsSpawner) -> int | None:
    """The idle time that a server is past, in seconds; None while it is not."""
    left = _idle_left(spawner)
    return _rules(spawner)[0] if left is not None and left <= 0 else None


def told_of_idleness(seconds: int) -> str:
    """Why a server ended in which nothing happened, for its student."""
    return (
        f"Nothing happened in your server for {_in_words(seconds)}, so it was stopped. Your files are safe."
    )


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
