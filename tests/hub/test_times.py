"""Servers that end by the rules of their settings.

What a user loses when these fail: a forgotten server holds a place for days, or one that is used is ended.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from jupyterhub_libretexts.demo.cluster.resources import PODS
from tests.hub.conftest import CONFIGURE, SETTINGS
from tests.hub.support import Browser, Hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

RULES = """
environments:
  python: {longest: 6s}
  r: {idle: 6s}
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hub]:
    """A hub that looks at each server every second, with short times for two environments."""
    folder = tmp_path_factory.mktemp("hub")
    rules = folder / "rules.yaml"
    rules.write_text(RULES)
    more = CONFIGURE.format(files=[str(SETTINGS), str(rules)], port=stand_in_port)
    more += "\nc.Spawner.poll_interval = 1\n"
    async with Hub(folder, str(cluster.kubeconfig), more) as running:
        yield running


async def started(hub: Hub, name: str, environment: str) -> float:
    await hub.person(name, "north")
    began = time.monotonic()
    status, said = await hub.start_by_api(name, {"environment": environment})
    assert status in (201, 202), said
    await hub.until_ready(name)
    return began


async def test_a_server_past_its_longest_time_is_ended_and_one_without_a_rule_is_not(
    hub: Hub, cluster: EmbeddedCluster
) -> None:
    """The time is the operator's, to the second of a poll; nobody else's server ends with it."""
    began = await started(hub, "ada", "python")
    await hub.person("sue", "south")
    await hub.person("eve", "north/staff", "north")
    status, said = await hub.start_by_api("eve", {"environment": "closed"})
    assert status in (201, 202), said
    await hub.until_ready("eve")
    await hub.until_stopped("ada")
    assert time.monotonic() - began > 5
    async with Browser.signed_in(hub, "ada") as browser:
        assert "longest time" in (await browser.get("/home"))[1]
    assert [pod["metadata"]["name"] for pod in cluster.store.documents(PODS)] == ["jupyter-eve"]
    await hub.stop_by_api("eve")


async def test_a_server_that_is_used_stays_and_one_that_is_not_ends(hub: Hub) -> None:
    """Somebody who computes is not thrown out; a forgotten server makes room."""
    await started(hub, "ada", "r")
    await started(hub, "bob", "r")
    end = time.monotonic() + 9
    while time.monotonic() < end:
        # As a single-user server tells its hub that somebody works in it.
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        status, said = await hub.api(
            "POST", "/users/ada/activity", {"last_activity": now, "servers": {"": {"last_activity": now}}}
        )
        assert status == 200, said
        await asyncio.sleep(0.5)
    await hub.until_stopped("bob")
    assert (await hub.server("ada"))["ready"]
    await hub.until_stopped("ada")
    assert "nothing happened in it for 6 seconds" in hub.log
