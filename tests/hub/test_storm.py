"""A class that begins in the same second.

What a user loses when these fail: stock KubeSpawner loses most of 500 starts, and students see an error
that has nothing to do with them.
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING

import pytest

from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from jupyterhub_libretexts.demo.cluster.resources import PODS
from tests.hub.conftest import CONFIGURE, SETTINGS, spec
from tests.hub.support import Browser, Hub, free_port

if TYPE_CHECKING:
    from pathlib import Path

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
        assert time.monotonic() < end, f"{len(users)} of {CLASS} run:\n{hub.report}"
        await asyncio.sleep(0.5)
    assert sum(1 for _ in cluster.store.documents(PODS)) == CLASS
    # What is not committed when the loop goes on, the end of anybody's request rolls back (JupyterHub).
    assert "Rolling back dirty objects" not in hub.log
    await asyncio.gather(*(hub.api("DELETE", f"/users/{name}/server") for name in people))
    for name in people:
        await hub.until_stopped(name, seconds=60)
    assert not list(cluster.store.documents(PODS))


async def test_waiting_in_line_counts_for_no_limit_of_a_start(tmp_path: Path) -> None:
    """Else the last of a class that is larger than what starts within `start_timeout` lose their start."""
    port = free_port()
    settings = tmp_path / "one.yaml"
    settings.write_text("hub: {startsAtOnce: 1}\n")
    more = CONFIGURE.format(files=[str(SETTINGS), str(settings)], port=port)
    more += "\nc.Spawner.start_timeout = 6\nc.JupyterHub.tornado_settings['slow_spawn_timeout'] = 0\n"
    people = [f"student{number}" for number in range(9)]
    async with (
        EmbeddedCluster(spec(port, start_seconds=1.0)) as cluster,
        Hub(tmp_path, str(cluster.kubeconfig), more) as hub,
    ):
        for name in people:
            await hub.person(name, "north")
        # The second start of a server waits, and is told of, as the first is.
        for _ in range(2):
            # One after the other, so that the last to ask is the last in line; none of them is waited for.
            answers = [await hub.start_by_api(name) for name in people]
            assert {status for status, _ in answers} <= {201, 202}, answers
            steps = await hub.progress(people[-1])
            assert any("Many servers start now" in step["message"] for step in steps), steps
            for name in people:
                await hub.until_ready(name, seconds=60)
            await asyncio.gather(*(hub.stop_by_api(name) for name in people))


async def test_connections_of_a_class_wait_while_the_hub_is_busy(hub: Hub) -> None:
    """Else all but the first hundred of those who click in one second see an error of their browser."""
    await hub.person("ada", "north")
    many = 500
    assert hub.process is not None
    hub.process.send_signal(signal.SIGSTOP)
    try:
        # The kernel answers for the hub, as long as it has room.
        async with asyncio.timeout(20):
            ways = await asyncio.gather(
                *(asyncio.open_connection("127.0.0.1", hub.port) for _ in range(many))
            )
    finally:
        hub.process.send_signal(signal.SIGCONT)

    async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"GET /hub/health HTTP/1.0\r\n\r\n")
        answer = await reader.readline()
        writer.close()
        return answer

    answers = await asyncio.gather(*(asked(*way) for way in ways))
    assert sum(b" 200 " in answer for answer in answers) == many


HOOK = """
def hook(spawner):
    if spawner.user.name == "hook":
        raise RuntimeError("the operator's hook fails")
c.Spawner.pre_spawn_hook = hook
"""


async def test_a_hook_that_fails_gives_its_turn_back(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path: Path
) -> None:
    """Else each failure makes the line of starts one place narrower, until nobody's server starts."""
    settings = tmp_path / "one.yaml"
    settings.write_text("hub: {startsAtOnce: 1}\n")
    more = CONFIGURE.format(files=[str(SETTINGS), str(settings)], port=stand_in_port) + HOOK
    async with Hub(tmp_path, str(cluster.kubeconfig), more) as hub:
        await hub.person("hook", "north")
        status, _ = await hub.start_by_api("hook")
        assert status == 500
        await hub.person("next", "north")
        await hub.start_by_api("next")
        await hub.until_ready("next", seconds=60)
        await hub.stop_by_api("next")
