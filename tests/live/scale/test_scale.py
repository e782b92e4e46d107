"""A large site: two thousand servers, and hundreds more in the same second, on a real control plane.

What a user loses when these fail: the first minute of a course, in which stock KubeSpawner loses most of
five hundred starts; or the server that they work in, when the hub is updated.

The tests follow one another: each finds the servers that those before it started.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from bench.__main__ import machine
from tests.live.scale.hubs import Process, hub_in
from tests.live.scale.storms import make_people, restart, stop, storm
from tests.live.scale.table import PAGE, Measured, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.live.scale.hubs import ScaleHub
    from tests.live.scale.storms import Storm

pytestmark = pytest.mark.asyncio(loop_scope="module")

CROWD = [f"everyday{number}" for number in range(2000)]
EVENTS = 35_000
CROWDS = (300, 500, 1000)
CROWDS_OF_STOCK = (300, 500)
PLANE = (" apiserver ", " etcd ", " controllers ", " scheduler ")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster, tmp_path_factory) -> AsyncIterator[ScaleHub]:
    """Our hub, until it becomes stock's."""
    async with hub_in(cluster, tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture(scope="module")
def measured(request) -> Iterator[Measured]:
    """What this run measures; written into the documentation when that is asked for and all of it is there."""
    found = Measured(machine=machine())
    yield found
    whole = set(found.storms["ours"]) == set(CROWDS) and set(found.storms["stock"]) == set(CROWDS_OF_STOCK)
    if request.config.getoption("--update-golden") and whole:
        write(found)


def told(measurement: object) -> None:
    """Show a measurement in the output of the suite, as it comes."""
    print(f"\n{time.strftime('%H:%M:%S')} {measurement}", flush=True)


def nobody_lost(result: Storm) -> None:
    """Every start arrived, was taken, and has exactly one pod."""
    assert result.answers.keys() <= {201, 202}, f"{result.refused} were refused: {result}"
    assert (result.lost, result.leaked, result.missing) == (0, 0, 0), str(result)


def everybody_read_their_place(result: Storm) -> None:
    """Those who had to wait knew how many were before them, and it became fewer."""
    waited = [places for places in result.places if places]
    assert len(waited) >= len(result.places) // 2 > 0, result.places
    for places in waited:
        assert places == sorted(places, reverse=True), places


def plane_seconds(hub: ScaleHub) -> float:
    """Processor time of the control plane."""
    return sum(Process.of(hub.cluster, words).cpu for words in PLANE)


async def test_two_thousand_start_in_the_same_second(hub, measured):
    """Else a site's whole morning is lost in the minute in which everybody comes."""
    measured.base = await restart(hub)
    told(measured.base)
    await make_people(hub, CROWD)
    measured.store_before = await hub.plane.stored()
    proxy = Process.of(hub.cluster, "configurable-http-proxy")
    measured.proxy_before, plane = proxy.memory, plane_seconds(hub)
    measured.fill = await storm(hub, CROWD)
    told(measured.fill)
    measured.plane_cpu = plane_seconds(hub) - plane
    measured.proxy_after, measured.store_after = proxy.memory, await hub.plane.stored()
    measured.database = hub.process_of_hub.file("/srv/hub/hub.sqlite").stat().st_size
    nobody_lost(measured.fill)
    everybody_read_their_place(measured.fill)


async def test_a_hub_that_is_restarted_takes_over_every_server(hub, measured):
    """Else an update of the hub ends everybody's work."""
    before = await hub.plane.events()
    measured.events = await hub.plane.make_events(EVENTS) - before
    measured.store_events = await hub.plane.stored()
    result = measured.restarts["ours"] = await restart(hub)
    told(result)
    assert (result.servers, result.gone, result.doubled) == (len(CROWD), 0, 0)


@pytest.mark.parametrize("count", CROWDS)
async def test_a_class_starts_in_the_same_second_and_stops_again(hub, measured, count):
    """Else part of a class sees an error, is sent away, or leaves servers that nobody ever ends."""
    names = [f"ours{count}x{number}" for number in range(count)]
    await make_people(hub, names)
    result = measured.storms["ours"][count] = await storm(hub, names)
    await stop(hub, result, names)
    told(result)
    nobody_lost(result)
    everybody_read_their_place(result)
    assert (result.not_stopped, result.leaked_by_stops) == (0, 0), str(result)


async def test_stock_is_restarted_beside_the_same_servers(hub, measured):
    """Not a promise: what ours is compared with, on the same database, the same pods and events."""
    await hub.become_stock()
    result = measured.restarts["stock"] = await restart(hub)
    told(result)
    assert result.servers == len(CROWD)


@pytest.mark.parametrize("count", CROWDS_OF_STOCK)
async def test_stock_has_the_same_crowd(hub, measured, count):
    """Not a promise either: whatever stock loses goes into the table."""
    names = [f"stock{count}x{number}" for number in range(count)]
    await make_people(hub, names)
    result = measured.storms["stock"][count] = await storm(hub, names)
    await stop(hub, result, names)
    told(result)
    assert sum(result.answers.values()) == count


async def test_the_documentation_shows_every_measurement(request):
    """Else the page promises what nobody measured."""
    if request.config.getoption("--update-golden"):
        pytest.skip("the page is being written by this run")
    page = PAGE.read_text(encoding="utf8")
    for count in CROWDS:
        assert f"| {count} | lost |" in page
