"""Faults strike the requests that they are meant for, and the rest goes on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest

from jupyterhub_libretexts.demo.cluster import EmbeddedCluster, Fault
from jupyterhub_libretexts.errors import UsageError
from tests.contract.support import config_map

if TYPE_CHECKING:
    from tests.contract.support import Api


async def test_a_refusal_strikes_as_often_as_asked(cluster: EmbeddedCluster, api: Api) -> None:
    """A test of retries counts on the number."""
    cluster.faults.add(Fault("refuse", verb="create", resource="configmaps", status=500, count=2))
    codes = [(await api.create("configmaps", config_map(f"n{n}"))).code for n in range(3)]
    assert codes == [500, 500, 201]
    assert cluster.faults.injected == 2


async def test_a_crowded_server_says_when_to_come_back(cluster: EmbeddedCluster, api: Api) -> None:
    """Clients wait as long as they are told."""
    cluster.faults.add(Fault("refuse", status=429, retry_after=3, name="notes", count=1))
    await api.create("configmaps", config_map())
    answer = await api.get("configmaps", "notes")
    assert (answer.code, answer.headers["Retry-After"]) == (429, "3")


async def test_a_lost_answer_leaves_the_object(cluster: EmbeddedCluster, api: Api) -> None:
    """The hardest fault of a start: the pod exists and nobody was told."""
    cluster.faults.add(Fault("lose_answer", verb="create", resource="configmaps", count=1))
    with pytest.raises(aiohttp.ClientError):
        await api.create("configmaps", config_map())
    assert (await api.create("configmaps", config_map())).body["reason"] == "AlreadyExists"


async def test_a_cut_connection_leaves_nothing(cluster: EmbeddedCluster, api: Api) -> None:
    """The other half: nobody was told, and nothing happened."""
    cluster.faults.add(Fault("hang_up", verb="create", count=1))
    with pytest.raises(aiohttp.ClientError):
        await api.create("configmaps", config_map())
    assert (await api.get("configmaps", "notes")).code == 404


async def test_a_slow_list_is_late_and_right(cluster: EmbeddedCluster, api: Api) -> None:
    """Time limits are tested without a slow machine."""
    cluster.faults.add(Fault("delay", verb="list", resource="configmaps", seconds=0.2, count=1))
    start = time.monotonic()
    assert (await api.get("configmaps")).code == 200
    assert time.monotonic() - start >= 0.2


@pytest.mark.parametrize("action", ["expire", "drop_watch"])
async def test_a_watch_breaks_as_asked(cluster: EmbeddedCluster, api: Api, action: str) -> None:
    """An informer is shown both ways in which a watch ends badly."""
    version = (await api.get("configmaps")).body["metadata"]["resourceVersion"]
    cluster.faults.add(Fault(action, verb="watch", seconds=0.1, count=1))
    if action == "expire":
        (event,) = await api.watch("configmaps", lambda _: False, resourceVersion=version)
        assert event["object"]["code"] == 410
    else:
        with pytest.raises(aiohttp.ClientError):
            await api.watch("configmaps", lambda _: False, resourceVersion=version)


async def test_an_absent_server_comes_back_at_its_address(cluster: EmbeddedCluster, api: Api) -> None:
    """A hub survives an API server that is started again."""
    away = asyncio.create_task(cluster.refuse_connections(0.3))
    await asyncio.sleep(0.1)
    async with aiohttp.ClientSession() as fresh:
        with pytest.raises(aiohttp.ClientConnectorError):
            await fresh.get(cluster.url + "/healthz")
        await away
        async with fresh.get(cluster.url + "/healthz") as answer:
            assert await answer.text() == "ok"
    assert (await api.get("configmaps")).code == 200


async def test_faults_are_switched_and_requests_counted_from_outside(api: Api) -> None:
    """A hub in another process is tested the same way."""
    await api.ask("POST", "/control/faults", {"action": "refuse", "verb": "get", "status": 503, "count": 1})
    assert (await api.get("configmaps", "notes")).code == 503
    wrong = await api.ask("POST", "/control/faults", {"action": "refuse", "colour": "red"})
    assert wrong.code == 400
    assert "colour" in wrong.message
    counted = (await api.ask("GET", "/control/requests")).body["requests"]
    assert {"verb": "get", "resource": "configmaps"}.items() <= counted[0].items()
    await api.ask("DELETE", "/control/requests")
    assert (await api.ask("GET", "/control/requests")).body["requests"] == []


async def test_without_leave_nothing_is_controlled_from_outside() -> None:
    """A demonstration offers no switch to break it."""
    async with EmbeddedCluster() as closed:
        headers = {"Authorization": f"Bearer {closed.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.post(closed.url + "/control/faults", json={"action": "refuse"}) as answer:
                assert answer.status == 404
            async with aiohttp.ClientSession() as anonymous, anonymous.get(closed.url + "/version") as answer:
                assert answer.status == 401


async def test_a_fault_that_does_not_exist_is_named(cluster: EmbeddedCluster) -> None:
    """A test with a mistyped fault does not pass by testing nothing."""
    with pytest.raises(UsageError, match="allowed actions: delay, refuse"):
        cluster.faults.add(Fault("explode"))


async def test_requests_are_counted_with_their_bytes(cluster: EmbeddedCluster, api: Api) -> None:
    """Benchmarks count what a start costs the API server."""
    cluster.requests.clear()
    await api.create("configmaps", config_map())
    await api.get("configmaps")
    assert cluster.requests.count("create", "configmaps") == 1
    assert cluster.requests.count(resource="configmaps") == 2
    assert cluster.requests.received["create", "configmaps"] > 50
    assert cluster.requests.sent["list", "configmaps"] > 100
