"""The time of day, and when it last jumped: a clock that is set anew must not end what runs.

Spans are measured between moments that were noted as the time of day, since they outlive the hub: when
somebody was last active, whose turn began when. A time server that corrects the clock by hours, or a
machine that slept, would end them all at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tornado.ioloop import PeriodicCallback

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "SteadyCallback"]

_STEP = 10.0
"""Seconds between two looks that no drift explains: NTP slews 0.5 ms in a second (adjtime(3))."""


class Clock:
    """The time of day.

    Args:
        wall: Seconds since 1970.
        steady: Seconds of a clock that nobody sets.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._apart = wall() - steady()
        self._jumped: float | None = None

    def now(self) -> float:
        """Seconds since 1970."""
        now = self._wall()
        apart = now - self._steady()
        if abs(apart - self._apart) > _STEP:
            self._jumped = now
        self._apart = apart
        return now

    def since(self, moment: float) -> float:
        """Seconds since a moment; since the clock jumped, where the moment was noted before.

        So a span is at worst taken for shorter than it is, and never for longer.
        """
        now = self.now()
        if self._jumped is None:
            return now - moment
        # What lies ahead was noted before the clock was set back.
        return now - (self._jumped if moment > now else max(moment, self._jumped))


class SteadyCallback(PeriodicCallback):
    """Called every so often whatever becomes of the time of day.

    Tornado's own stands still for as long as the clock was set back (``tornado/ioloop.py``,
    ``PeriodicCallback._update_next``): a hub would not see for hours which servers ended.
    """

    def _update_next(self, current_time: float) -> None:
        if self._next_timeout > current_time + _STEP:
            self._next_timeout = current_time
        super()._update_next(current_time)
