"""A large class, a large site: two thousand servers, and hundreds more in the same second, on a real control plane.

What a user loses when these fail: the first minute of a course, in which stock KubeSpawner loses most of
five hundred starts; or their server, when the hub is updated.
"""

from __future__ import annotations

import time

import pytest
import pytest_asyncio

from tests.live.scale.hubs import hub_in
from tests.live.scale.storms import make_people, restart, stop, storm

pytestmark = pytest.mark.asyncio(loop_scope="module")

CROWD = [f"p{number}" for number in range(2000)]
EVENTS = 35_000


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster, tmp_path_factory):
    async with hub_in(cluster, tmp_path_factory.mktemp("hub")) as running:
        yield running


def said(thing):
    print(time.strftime("%H:%M:%S"), thing, flush=True)
    return thing


async def test_two_thousand_begin_in_the_same_second(hub):
    await make_people(hub, CROWD)
    said("people")
    result = said(await storm(hub, CROWD))
    said(result.places)
    assert (result.lost, result.refused, result.leaked, result.missing) == (0, 0, 0, 0)
    said(f"events {await hub.plane.events()}")
    said(f"events {await hub.plane.make_events(EVENTS)}")


async def test_restart_ours(hub):
    said(await restart(hub))


@pytest.mark.parametrize("count", [300, 500, 1000])
async def test_ours(hub, count):
    names = [f"ours{count}x{number}" for number in range(count)]
    await make_people(hub, names)
    result = await storm(hub, names)
    said(result.places)
    await stop(hub, result, names)
    said(result)


async def test_restart_stock(hub):
    await hub.become_stock()
    said(await restart(hub))


@pytest.mark.parametrize("count", [300, 500])
async def test_stock(hub, count):
    names = [f"stock{count}x{number}" for number in range(count)]
    await make_people(hub, names)
    result = await storm(hub, names)
    await stop(hub, result, names)
    said(result)
