"""Three hundred students ask for eight GPUs in the same instant, again and again, over crashes of the hub.

What a user loses when these fail: a slice that two people were promised, or one that nobody gets any
more because a server that is gone still counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from tests.gpus.conftest import RESOURCE, Held
from tests.hub.support import Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

STUDENTS, SLICES = 300, 8
SETTINGS = f"""
hub: {{title: Race}}
organizations:
  north: {{title: North, groups: [gpu], environments: [python], gpus: {{slice: {{total: {SLICES}, groups: [north/gpu]}}}}}}
environments: {{python: {{title: Python, image: "local/python:1"}}}}
sizes: {{small: {{cpu: {{guarantee: 0.1, limit: 1}}, memory: {{guarantee: 64Mi, limit: 1Gi}}, default: true}}}}
gpus: {{slice: {{title: A slice, resource: {RESOURCE}, total: 20, longest: 4h}}}}
"""
CONFIGURE = """
from jupyterhub_libretexts import configure
configure(c, {settings!r})
c.LibreTextsSpawner.port = {port}
c.JupyterHub.log_level = "WARN"
c.JupyterHub.concurrent_spawn_limit = {limit}
# On a busy machine a start may be decided late; an answer before would say "pending" and not what was decided.
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 280}}
"""
ASKED = {"environment": "python", "gpu": "slice"}


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=[0, 64])
async def hub(request, cluster, held, stand_in_port, tmp_path_factory) -> AsyncIterator[Hub]:
    """A hub without a limit of starts of its own, and one with z2jh's."""
    folder = tmp_path_factory.mktemp("race")
    (folder / "hub.yaml").write_text(SETTINGS)
    more = CONFIGURE.format(settings=str(folder / "hub.yaml"), port=stand_in_port, limit=request.param)
    hub = Hub(folder, str(cluster.kubeconfig), more)
    hub.limit = request.param
    async with hub:
        people = [f"s{number}" for number in range(STUDENTS)]
        assert (await hub.api("POST", "/users", {"usernames": people}))[0] == 201
        for group in ("north", "north/gpu"):
            await hub.api("POST", f"/groups/{group.replace('/', '%2F')}")
            await hub.api("POST", f"/groups/{group.replace('/', '%2F')}/users", {"users": people})
        yield hub
        await everybody_stops(hub, held)


async def ask_all(hub: Hub) -> tuple[list[str], dict[str, str]]:
    """Everybody asks in the same instant: who got one, and what each of the others was told."""
    people = [f"s{number}" for number in range(STUDENTS)]
    answers = await asyncio.gather(*(hub.start_by_api(name, ASKED) for name in people))
    got = [name for name, (status, _) in zip(people, answers, strict=True) if status in (201, 202)]
    told = {
        name: (status, str(said))
        for name, (status, said) in zip(people, answers, strict=True)
        if status not in (201, 202)
    }
    wrong = {name: answer for name, answer in told.items() if answer[0] not in (409, 429)}
    assert not wrong, f"{list(wrong.items())[:3]}\n{hub.report}"
    assert all("All 8 of North are in use now" in said for status, said in told.values() if status == 409)
    throttled = [said for status, said in told.values() if status == 429]
    assert all("Try again in" in said for said in throttled)
    assert hub.limit or not throttled
    return got, told


async def everybody_stops(hub: Hub, held: Held) -> None:
    for name in sorted(set(held.now.values())):
        await hub.api("DELETE", f"/users/{name}/server")
    end = time.monotonic() + 60
    while held.now:
        assert time.monotonic() < end, f"still held: {held.now}"
        await asyncio.sleep(0.1)
    for name in [f"s{number}" for number in range(STUDENTS)][:20]:
        await hub.until_stopped(name)


async def test_eight_of_three_hundred_get_one_and_the_others_are_told_at_once(hub: Hub, held: Held) -> None:
    """Exactly as many as there are, nobody twice, nobody left waiting for an answer; and once more after stops."""
    for _ in range(2):
        got, told = await ask_all(hub)
        assert len(got) == SLICES
        assert len(told) == STUDENTS - SLICES
        await asyncio.gather(*(hub.until_ready(name, seconds=60) for name in got))
        assert sorted(held.now.values()) == sorted(got)
        # One that stops makes room for one, and only one, of those who then ask.
        await hub.stop_by_api(got[0])
        again, _ = await ask_all_but(hub, got[1:])
        assert len(again) == 1
        await hub.until_ready(again[0])
        assert sorted(held.now.values()) == sorted([*got[1:], *again])
        await everybody_stops(hub, held)
    assert (held.most, held.twice) == (SLICES, {})
    assert hub.lives


async def ask_all_but(hub: Hub, holders: list[str]) -> tuple[list[str], int]:
    people = [f"s{number}" for number in range(STUDENTS) if f"s{number}" not in holders][:40]
    answers = await asyncio.gather(*(hub.start_by_api(name, ASKED) for name in people))
    got = [name for name, (status, _) in zip(people, answers, strict=True) if status in (201, 202)]
    return got, len(people) - len(got)


async def test_a_hub_that_dies_in_the_middle_gives_nothing_twice_and_loses_nothing(
    hub: Hub, held: Held, cluster: EmbeddedCluster
) -> None:
    """Servers that run stay and count; starts that died with the hub are ended and make room again."""
    got, _ = await ask_all(hub)
    assert len(got) == SLICES
    await asyncio.gather(*(hub.until_ready(name, seconds=60) for name in got))
    for name in got[:5]:
        await hub.stop_by_api(name)
    staying = set(got[5:])
    # Pods of the next starts are there, and the hub dies before it knows that they run.
    created = held.most
    asking = asyncio.gather(
        *(hub.start_by_api(f"s{number}", ASKED) for number in range(200, 260)), return_exceptions=True
    )
    end = time.monotonic() + 60
    while len(held.now) <= len(staying):
        assert time.monotonic() < end
        await asyncio.sleep(0)
    await hub.stop(hard=True)
    await asking
    await hub.start()
    end = time.monotonic() + 60
    while True:
        claimed = [name for name in held.now.values() if (found := await hub.server(name)) and found["ready"]]
        if sorted(claimed) == sorted(held.now.values()):
            break
        assert time.monotonic() < end, (
            f"{sorted(held.now.values())}, of which {claimed} are known\n{hub.report}"
        )
        await asyncio.sleep(0.2)
    assert staying <= set(held.now.values())
    free = SLICES - len(held.now)
    again, _ = await ask_all_but(hub, list(held.now.values()))
    assert len(again) == free
    await asyncio.gather(*(hub.until_ready(name, seconds=60) for name in again))
    assert len(held.now) == SLICES == held.most == created
    await everybody_stops(hub, held)
    assert held.twice == {}
