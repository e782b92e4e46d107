"""Who held what, from when until when: intervals of pods, kept as the cluster tells of them.

An interval begins when a node was given to the pod and ends when its last container did, or when it
was gone: what others could not have meanwhile. A pod is known by its uid, so that a hub that starts
again goes on where it was and counts nothing twice.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from jupyterhub_libretexts.hub.ledger import holding_of_pod
from jupyterhub_libretexts.hub.store import INTERVALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyterhub_libretexts.cluster.objects import Pod
    from jupyterhub_libretexts.hub.metrics import Totals
    from jupyterhub_libretexts.hub.store import Row, Store

__all__ = ["Interval", "Usage"]

_USERNAME = "hub.jupyter.org/username"
_AT_ONCE = 25
"""Rows of one write: a storm of five hundred starts must not hold the hub for all of them in one piece."""
_BEAT = 60.0
"""Seconds between two notes that what runs still runs: how exact an end is that the hub slept through."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What one pod holds, and since when; times in seconds since 1970."""

    uid: str
    username: str
    organization: str
    course: str | None
    environment: str
    gpu: str | None
    """The flavour, where it has one."""
    gpus: int
    """How many."""
    cpu: float
    """Cores guaranteed."""
    memory: int
    """Bytes guaranteed."""
    started: float


class Usage:
    """All intervals of a hub.

    Args:
        store: Where they are kept.
        totals: What is told of each, for metrics.
        clock: Seconds since 1970.
    """

    def __init__(self, store: Store, totals: Totals, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._totals = totals
        self._clock = clock
        self._open: dict[str, Interval] = {}
        """By uid."""
        self._refs: dict[str, str] = {}
        """Which uid a pod's name means now."""
        self._news: list[sql.Executable | Row] = []
        self._beaten = 0.0

    @cached_property
    def _opened(self) -> sql.Executable:
        return self._store.upsert(INTERVALS, "uid", ("seen", "ended"))

    def observe(self, ref: str, pod: Pod | None) -> None:
        """A pod is new, changed or gone (an informer calls this, so it only takes notes)."""
        uid = pod["metadata"].get("uid", "") if pod is not None else ""
        before = self._refs.get(ref)
        if before is not None and before != uid:
            self._close(ref, before, self._clock())
        if pod is None:
            return
        if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            if uid in self._open:
                self._close(ref, uid, _finished(pod) or self._clock())
        elif uid not in self._open:
            interval = _interval(pod)
            if interval is not None:
                self._open[uid] = interval
                self._refs[ref] = uid
                self._totals.begin(interval)
                # A hub that could not read the cluster took it for ended; then it is opened again.
                self._news.append((self._opened, {**asdict(interval), "seen": self._clock(), "ended": None}))

    def catch_up(self) -> None:
        """All pods are known after a start of the hub: what was open and is gone ended when last seen."""
        for row in self._store.rows(sql.select(INTERVALS.c.uid).where(INTERVALS.c.ended.is_(None))):
            if row["uid"] not in self._open:
                ended = INTERVALS.update().where(INTERVALS.c.uid == row["uid"]).values(ended=INTERVALS.c.seen)
                self._news.append(ended)

    def flush(self) -> bool:
        """Write down some of what was noted; says whether there is more. Each call holds the loop shortly."""
        now = self._clock()
        if abs(now - self._beaten) > _BEAT:
            self._beaten = now
            self._news.append(INTERVALS.update().where(INTERVALS.c.ended.is_(None)).values(seen=now))
        if self._news:
            self._store.write(*self._news[:_AT_ONCE])
            del self._news[:_AT_ONCE]
        return bool(self._news)

    def retain(self, seconds: float) -> None:
        """Drop what ended longer ago than that."""
        self._news.append(INTERVALS.delete().where(INTERVALS.c.ended < self._clock() - seconds))

    def _close(self, ref: str, uid: str, ended: float) -> None:
        interval = self._open.pop(uid, None)
        self._refs.pop(ref, None)
        if interval is None:
            return
        ended = max(ended, interval.started)
        self._totals.end(interval, ended)
        self._news.append(
            INTERVALS.update().where(INTERVALS.c.uid == uid).values(ended=ended, seen=self._clock())
        )


def _interval(pod: Pod) -> Interval | None:
    """What a pod holds; None for one that no node was given to, or that is not of an organisation."""
    started = _started(pod)
    holding = holding_of_pod(pod) if started is not None else None
    if holding is None or started is None:
        return None
    running = holding.running
    annotations = pod["metadata"].get("annotations") or {}
    return Interval(
        uid=pod["metadata"]["uid"],
        username=annotations.get(_USERNAME, holding.username),
        organization=running.organization,
        course=running.course,
        environment=running.environment,
        gpu=running.gpu,
        gpus=sum(amount for _, amount in holding.devices),
        cpu=holding.cpu,
        memory=holding.memory,
        started=started,
    )


def _started(pod: Pod) -> float | None:
    status = pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "True":
            return _moment(condition.get("lastTransitionTime"))
    return _moment(status.get("startTime"))


def _finished(pod: Pod) -> float | None:
    ends = [
        _moment(((each.get("state") or {}).get("terminated") or {}).get("finishedAt"))
        for each in (pod.get("status") or {}).get("containerStatuses") or ()
    ]
    return max((end for end in ends if end is not None), default=None)


def _moment(text: Any) -> float | None:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
