"""Saying no does no harm to the hub.

What a user loses when these fail: five mistyped requests, and everybody's hub restarts.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.hub.support import Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

LIMIT = 5


async def test_fifty_bad_starts_and_then_real_failures_leave_the_hub_alive(small_hub: Hub) -> None:
    """Denials count neither against the spawner's limit nor in the hub-wide number of failures."""
    hub = small_hub
    await hub.person("ada", "north")
    bad = [
        {"environment": "closed"},
        {"environment": "nothing"},
        {"organization": "south"},
        {"image": "evil:1"},
        {"size": "huge"},
    ]
    for turn in range(50):
        status, said = await hub.start_by_api("ada", bad[turn % len(bad)])
        assert status in (400, 403), said
    for turn in range(LIMIT - 1):
        # The cluster drops every request for a pod, and the start fails for good.
        await hub.person(f"failing{turn}", "north")
    for turn in range(LIMIT - 1):
        status, said = await hub.start_by_api(f"failing{turn}", {"environment": "python"})
        assert status >= 500, said
    await asyncio.sleep(3)
    assert hub.lives, hub.log[-3000:]
    status, _ = await hub.api("GET", "/")
    assert status == 200
