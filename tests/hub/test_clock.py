"""Spans between moments that were noted as the time of day, over jumps of the clock.

What a user loses when these fail: everybody's server, in the second in which a clock is corrected.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.ioloop import IOLoop, PeriodicCallback

from jupyterhub_libretexts.hub.clock import Clock, SteadyCallback

HOUR = 3600.0


@dataclass
class Times:
    """A machine's two clocks."""

    wall: float = 1e9
    steady: float = 100.0

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def test_without_a_jump_a_span_is_what_it_is() -> None:
    """A server that idles for an hour has idled for an hour, over a restart of the hub too."""
    times = Times()
    clock, noted = times.clock(), times.wall - HOUR
    times.passes(HOUR)
    assert clock.since(noted) == 2 * HOUR
    assert clock.since(times.wall + 5) == -5, "the cluster's clock is a little ahead"


def test_a_clock_that_drifts_does_not_jump() -> None:
    """A time server that slews a slow clock makes no span shorter."""
    times = Times()
    clock, noted = times.clock(), times.wall
    for _ in range(60):
        times.passes(60)
        times.wall += 0.03
        clock.now()
    assert clock.since(noted) == pytest.approx(HOUR + 1.8)


@pytest.mark.parametrize("jump", [3 * HOUR, -27 * HOUR, 60.0, -60.0])
def test_what_was_noted_before_a_jump_counts_from_the_jump(jump: float) -> None:
    """Nobody is idle, or late for their turn, because a clock was set; and everybody is some time later."""
    times = Times()
    clock, noted = times.clock(), times.wall
    times.passes(30)
    times.wall += jump
    assert clock.since(noted) == 0
    times.passes(HOUR)
    assert HOUR - 60 < clock.since(noted) <= HOUR
    fresh = times.wall
    times.passes(10)
    assert clock.since(fresh) == 10


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(-1e6, 1e6)), max_size=6), st.floats(0, 1e5))
def test_a_span_is_never_taken_for_longer_than_it_was(jumps: list[tuple[float, float]], rest: float) -> None:
    """Whatever a clock does, nothing ends too early."""
    times = Times()
    clock, noted, began = times.clock(), times.wall, times.steady
    for seconds, jump in jumps:
        times.passes(seconds)
        times.wall += jump
        clock.now()
    times.passes(rest)
    # Steps that are too small to be seen as such add up to what they are.
    unseen = sum(abs(jump) for _, jump in jumps if abs(jump) <= 10)
    assert clock.since(noted) <= times.steady - began + unseen + 1e-3


@pytest.mark.parametrize(("kind", "calls"), [(SteadyCallback, True), (PeriodicCallback, False)])
async def test_a_hub_whose_clock_is_set_back_still_looks_at_its_servers(
    kind: type[PeriodicCallback], calls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody sees for hours that a server ended; Tornado's own callback is the control."""
    seen: list[float] = []
    repeated = kind(lambda: seen.append(time.monotonic()), 20)
    repeated.start()
    await asyncio.sleep(0.1)
    monkeypatch.setattr(IOLoop.current(), "time", lambda: time.time() - HOUR)
    await asyncio.sleep(0.1)
    before = len(seen)
    await asyncio.sleep(0.2)
    repeated.stop()
    assert (len(seen) > before) is calls
