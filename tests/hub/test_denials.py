"""Saying no does no harm to the hub.

What a user loses when these fail: five mistyped requests, and everybody's hub restarts.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from jupyterhub_libretexts.demo.cluster.faults import Fault

if TYPE_CHECKING:
    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
    from tests.hub.support import Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

LIMIT = 5


async def test_fifty_bad_starts_and_then_real_failures_leave_the_hub_alive(
    limited_hub: Hub, cluster: EmbeddedCluster
) -> None:
    """Denials count neither against the spawner's limit nor in the hub-wide number of failures."""
    hub = limited_hub
    await hub.person("ada", "north")
    bad = [
        {"environment": "closed"},
        {"environment": "nothing"},
        {"organization": "south"},
        {"image": "evil:1"},
        {"size": "huge"},
        ["python"],
        7,
    ]
    for turn in range(50):
        status, said = await hub.start_by_api("ada", bad[turn % len(bad)])
        assert status in (400, 403), said
    cluster.faults.add(Fault("refuse", "create", "pods", status=500))
    for turn in range(LIMIT - 1):
        await hub.person(f"failing{turn}", "north")
        status, said = await hub.start_by_api(f"failing{turn}", {"environment": "python"})
        assert status >= 500, said
    # The hub ends itself two seconds after the failure that was one too many.
    await asyncio.sleep(2.5)
    assert hub.lives, hub.report
    cluster.faults.clear()
    status, said = await hub.start_by_api("ada", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("ada")
    await hub.stop_by_api("ada")
