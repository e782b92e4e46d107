"""The waiting line on a real hub, by its pages without scripts: fair, kept over a crash, and lost if not there.

What a user loses when these fail: a place in a line, to somebody who came later or merely asked again.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.gpus.conftest import RESOURCE, Held
from tests.hub.support import Browser, Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

SETTINGS = f"""
organizations:
  north: {{title: North, groups: [gpu], environments: [python], gpus: {{slice: {{total: 2, groups: [north/gpu]}}}}}}
  south: {{title: South, environments: [python], gpus: {{slice: {{total: 2}}}}}}
environments: {{python: {{title: Python, image: "local/python:1"}}}}
sizes: {{small: {{cpu: {{guarantee: 0.1, limit: 1}}, memory: {{guarantee: 64Mi, limit: 1Gi}}, default: true}}}}
gpus: {{slice: {{title: A slice, resource: {RESOURCE}, total: 2, overcommit: true, longest: 4h, turn: 8s}}}}
"""
NORTH = {"organization": "north", "environment": "python", "gpu": "slice"}
SOUTH = {**NORTH, "organization": "south"}
LINE = "/libretexts/line"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster, stand_in_port, tmp_path_factory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("line")
    (folder / "hub.yaml").write_text(SETTINGS)
    more = f"""
from jupyterhub_libretexts import configure
configure(c, {str(folder / "hub.yaml")!r})
c.LibreTextsSpawner.port = {stand_in_port}
"""
    async with Hub(folder, str(cluster.kubeconfig), more) as running:
        for name in ("ada", "bo", "cy", "dee", "eve"):
            await running.person(name, "north", "north/gpu")
        await running.person("sue", "south")
        await running.person("max", "north")
        yield running


async def post(browser: Browser, path: str, **fields: str) -> tuple[int, str]:
    async with browser.session.post(
        f"{browser.hub.url}{path}", data={**fields, "_xsrf": browser.xsrf}, allow_redirects=True
    ) as answer:
        return answer.status, re.sub(r"\s+", " ", await answer.text())


async def line(hub: Hub, name: str) -> str:
    async with Browser.signed_in(hub, name) as browser:
        status, page = await browser.get(LINE)
        assert status == 200, page
        return re.sub(r"\s+", " ", page)


async def join(hub: Hub, name: str) -> str:
    """Follow the form's own link and press its button."""
    async with Browser.signed_in(hub, name) as browser:
        _, form = await browser.get("/spawn")
        link = re.search(r'href="([^"]*libretexts/line/join[^"]*)"', form)
        assert link, form
        target = urlsplit(link[1].replace("&amp;", "&"))
        status, asked = await browser.get(f"{target.path.removeprefix('/hub')}?{target.query}")
        assert status == 200, asked
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked))
        fields.pop("_xsrf")
        status, page = await post(browser, f"{LINE}/join", **fields)
        assert status == 200, page
        return page


async def until(said: Callable[[], bool], hub: Hub, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < end, hub.report
        await asyncio.sleep(0.1)


async def started(hub: Hub, name: str, options: dict[str, str]) -> None:
    status, said = await hub.start_by_api(name, options)
    assert status in (201, 202), said
    await hub.until_ready(name)


async def test_a_line_from_joining_to_turns_over_a_crash(hub: Hub, held: Held) -> None:
    """Places are shown, survive the hub, come fairly, start by themselves, and pass on from who is away."""
    await started(hub, "ada", NORTH)
    await started(hub, "bo", NORTH)
    # North's two come first; South, whose share is untouched, is next all the same.
    assert "You are next." in await join(hub, "cy")
    assert "1 is before you." in await join(hub, "dee")
    assert "You are next." in await join(hub, "sue")
    assert "1 is before you." in await line(hub, "cy")
    page = await line(hub, "dee")
    assert "2 are before you." in page
    assert re.search(r"Expected by \d\d:\d\d, sooner if somebody stops", page)
    assert '<meta http-equiv="refresh" content="15">' in page
    # Who waits holds nothing of the hub: no pending start, no server.
    assert (await hub.server("cy") or {}).get("pending") is None

    await hub.stop(hard=True)
    await hub.start()
    assert "1 is before you." in await line(hub, "cy")
    assert "2 are before you." in await line(hub, "dee")

    await hub.stop_by_api("ada")
    await until(lambda: "sue" in held.now.values(), hub)
    # Nobody gets past those who wait by asking in the right moment.
    assert (await hub.start_by_api("eve", NORTH))[0] == 409
    await hub.until_ready("sue")
    page = await line(hub, "sue")
    assert "It is your turn." in page
    assert re.search(r'http-equiv="refresh" content="0; url=[^"]*/user/sue/', page)
    await until_gone(hub, "sue")
    assert (await hub.server("sue"))["ready"]

    # Cy is away: the server starts, is ended after the time of a turn, and Dee has hers.
    await hub.stop_by_api("bo")
    await until(lambda: "cy" in held.now.values(), hub)
    await until(lambda: "cy" not in held.now.values(), hub)
    await until(lambda: "dee" in held.now.values(), hub)
    await line(hub, "dee")
    await hub.until_ready("dee")
    assert "you were not there within 8s" in await line(hub, "cy")
    await until_gone(hub, "dee")
    assert sorted(held.now.values()) == ["dee", "sue"]
    assert (held.most, held.twice) == (2, {})


async def until_gone(hub: Hub, name: str) -> None:
    """Look, as an open page does, until the line knows that somebody is there."""
    end = time.monotonic() + 20
    while "You do not wait for anything" not in (page := await line(hub, name)):
        assert time.monotonic() < end, page
        await asyncio.sleep(0.2)


async def test_who_leaves_makes_room_and_nobody_can_speak_for_others(hub: Hub, held: Held) -> None:
    """A place is one's own: it can be left, and not be taken, seen or left by somebody else."""
    page = await join(hub, "ada")
    number = re.search(r'name="place" value="(\d+)"', page)[1]
    await join(hub, "eve")
    assert "1 is before you." in await line(hub, "eve")
    async with Browser.signed_in(hub, "eve") as eve, Browser.signed_in(hub, "ada") as ada:
        await eve.get(LINE)
        assert (await post(eve, f"{LINE}/leave", place=number))[0] == 404
        async with ada.session.post(f"{hub.url}{LINE}/leave", data={"place": number}) as answer:
            assert answer.status == 403
        await ada.get(LINE)
        status, page = await post(ada, f"{LINE}/leave", place=number)
        assert status == 200
        assert "You do not wait for anything" in page
        assert "You are next." in await line(hub, "eve")
        # What waiting would not change is refused, with the words of a start.
        async with Browser.signed_in(hub, "max") as nobody:
            await nobody.get(LINE)
            status, said = await post(nobody, f"{LINE}/join", **NORTH)
            assert (status, "Only for north/gpu" in said) == (403, True)
            status, said = await post(nobody, f"{LINE}/join", environment="python")
            assert status == 400
            assert (await nobody.get(f"{LINE}/join?gpu=nothing"))[0] == 400
            assert (await post(nobody, f"{LINE}/join", **NORTH, server="no-such"))[0] == 400
        eves = re.search(r'name="place" value="(\d+)"', await line(hub, "eve"))[1]
        assert (await post(eve, f"{LINE}/switch", place=eves))[0] == 409
        assert (await post(eve, f"{LINE}/leave", place=eves))[0] == 200
    await hub.stop_by_api("sue")
    async with Browser.signed_in(hub, "sue") as sue:
        await sue.get(LINE)
        status, said = await post(sue, f"{LINE}/join", **SOUTH)
        assert (status, "One is free now" in said) == (403, True)
    await hub.stop_by_api("dee")


async def test_a_turn_waits_for_another_server_of_the_same_person_to_be_stopped(hub: Hub, held: Held) -> None:
    """Whoever works while they wait is asked to stop their server, and loses no work unasked."""
    await started(hub, "ada", NORTH)
    await started(hub, "bo", NORTH)
    await join(hub, "cy")
    await started(hub, "cy", {"organization": "north", "environment": "python"})
    await hub.stop_by_api("bo")
    async with Browser.signed_in(hub, "cy") as cy:
        end = time.monotonic() + 20
        while "Stop my other server" not in (page := (await cy.get(LINE))[1]):
            assert time.monotonic() < end, page
            await asyncio.sleep(0.1)
        assert (await hub.server("cy"))["ready"]
        number = re.search(r'name="place" value="(\d+)"', page)[1]
        status, page = await post(cy, f"{LINE}/switch", place=number)
        assert status == 200, page
        await until(lambda: "cy" in held.now.values(), hub)
    await hub.until_ready("cy")
    await until_gone(hub, "cy")
    for name in ("ada", "cy"):
        await hub.stop_by_api(name)
