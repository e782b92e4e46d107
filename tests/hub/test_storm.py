"""A class that begins in the same second.

What a user loses when these fail: stock KubeSpawner loses most of 500 starts, and students see an error
that has nothing to do with them.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from jupyterhub_libretexts.demo.cluster.resources import PODS
from tests.hub.support import Browser, Hub

if TYPE_CHECKING:
    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

CLASS = 80


async def test_nobody_is_lost_or_refused_and_nothing_of_a_start_is_rolled_back(
    hub: Hub, cluster: EmbeddedCluster
) -> None:
    """Everybody's server runs, while others read pages; each start's rows are in the database when it waits."""
    people = [f"student{number}" for number in range(CLASS)]
    await hub.api("POST", "/users", {"usernames": people})
    await hub.person("ada", "north")
    await hub.api("POST", "/groups/north/users", {"users": people})
    async with Browser.signed_in(hub, "ada") as browser:
        answers, pages = await asyncio.gather(
            asyncio.gather(*(hub.start_by_api(name) for name in people)),
            asyncio.gather(*(browser.get("/home") for _ in range(40))),
        )
    assert {status for status, _ in answers} <= {201, 202}, answers
    assert {status for status, _ in pages} == {200}
    end = time.monotonic() + 120
    while True:
        _, users = await hub.api("GET", "/users?state=ready&limit=200")
        if len(users) == CLASS:
            break
        assert time.monotonic() < end, f"{len(users)} of {CLASS} run:\n{hub.log[-3000:]}"
        await asyncio.sleep(0.5)
    assert sum(1 for _ in cluster.store.documents(PODS)) == CLASS
    # What is not committed when the loop goes on, the end of anybody's request rolls back (JupyterHub).
    assert "Rolling back dirty objects" not in hub.log
    await asyncio.gather(*(hub.api("DELETE", f"/users/{name}/server") for name in people))
    for name in people:
        await hub.until_stopped(name, seconds=60)
    assert not list(cluster.store.documents(PODS))
