"""The five ways to start a server, each against offered, closed, unknown, malformed and changed.

What a user loses when these fail: a rule that the page shows and another door does not keep.
"""

from __future__ import annotations

import pytest

from tests.hub.support import Browser, Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

CASES = {
    "offered": ({"organization": "north", "environment": "python"}, None),
    "offered in a size": ({"organization": "north", "environment": "python", "size": "large"}, None),
    "a course": ({"course": "north/now"}, None),
    "closed by group": ({"organization": "north", "environment": "closed"}, 403),
    "a course of others": ({"course": "north/old"}, 403),
    "another organisation": ({"organization": "south", "environment": "python"}, 403),
    "closed by group for a GPU": ({"organization": "north", "environment": "python", "gpu": "slice"}, 403),
    "an image without its kernel": ({"organization": "north", "environment": "missing"}, 403),
    "unknown environment": ({"organization": "north", "environment": "pythn"}, 400),
    "unknown size": ({"organization": "north", "environment": "python", "size": "huge"}, 400),
    "unknown option": ({"organization": "north", "environment": "python", "image": "evil:1"}, 400),
    "a long value": ({"organization": "north", "environment": "p" * 5000}, 400),
}


async def _by_api(hub: Hub, options: dict[str, str]) -> tuple[int, str]:
    status, said = await hub.start_by_api("ada", options)
    return status, str(said)


async def _by_named_server(hub: Hub, options: dict[str, str]) -> tuple[int, str]:
    status, said = await hub.start_by_api("ada", options, server="second")
    return status, str(said)


async def _by_query(hub: Hub, options: dict[str, str]) -> tuple[int, str]:
    async with Browser.signed_in(hub, "ada") as browser:
        query = "&".join(f"opt-{key}={value}" for key, value in options.items())
        return await browser.get(f"/spawn?{query}")


async def _by_form(hub: Hub, options: dict[str, str]) -> tuple[int, str]:
    async with Browser.signed_in(hub, "ada") as browser:
        return await browser.post_form(options)


WAYS = {"REST": _by_api, "named server": _by_named_server, "query": _by_query, "form": _by_form}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", WAYS)
async def test_every_way_in_meets_the_same_check(hub: Hub, way: str, case: str) -> None:
    """A student gets by no way what the page closes, and by every way what it opens."""
    options, refused = CASES[case]
    await hub.person("ada", "north", "north/now")
    status, said = await WAYS[way](hub, dict(options))
    if refused is None:
        assert status in (201, 202, 302), said
        name = "second" if way == "named server" else ""
        server = await hub.until_ready("ada", name)
        assert server["user_options"].get("environment", "") == options.get("environment", "")
        if name:
            await hub.api("DELETE", "/users/ada/servers/second", {"remove": True})
        else:
            await hub.stop_by_api("ada")
        await hub.until_stopped("ada")
    else:
        assert status == refused, said
        assert "Traceback" not in said
        assert not (await hub.server("ada") or {}).get("ready")
    assert hub.lives


async def test_a_start_again_uses_the_last_good_choice(hub: Hub) -> None:
    """A refused choice never replaces the stored good one; starting again gives what worked."""
    await hub.person("eve", "north")
    status, said = await hub.start_by_api("eve", {"environment": "r"})
    assert status in (201, 202), said
    await hub.until_ready("eve")
    await hub.stop_by_api("eve")
    for wrong in ({"environment": "closed"}, {"environment": "nothing"}, {"gpu": "slice"}):
        status, said = await hub.start_by_api("eve", wrong)
        assert status in (400, 403), said
    status, said = await hub.start_by_api("eve")
    assert status in (201, 202), said
    server = await hub.until_ready("eve")
    assert server["user_options"] == {"environment": "r"}
    await hub.stop_by_api("eve")


async def test_an_administrator_cannot_start_for_others_what_they_may_not_have(hub: Hub) -> None:
    """A rule is about the person whose server it is, not about who pressed the button."""
    await hub.person("ada", "north", "north/now")
    await hub.person("root", "north", "north/staff", "north/gpu")
    async with Browser.signed_in(hub, "root") as browser:
        status, said = await browser.post_form({"environment": "closed"}, path="/spawn/ada")
    assert status == 403, said
    assert "closed to you" in said


async def test_somebody_without_an_organisation_reads_why(hub: Hub) -> None:
    """Nothing is offered to a stranger, and they are told what to do instead of meeting an empty page."""
    await hub.person("stranger")
    status, said = await hub.start_by_api("stranger", {})
    assert status == 403
    assert "No organisation" in str(said)
    async with Browser.signed_in(hub, "stranger") as browser:
        status, page = await browser.get("/spawn")
    assert status == 200
    assert "stranger" in page


async def test_a_stored_profile_of_stock_kubespawner_counts_as_no_choice(hub: Hub) -> None:
    """After a move from stock, people whose last choice was a profile still get a server."""
    await hub.person("mover", "north")
    status, said = await hub.start_by_api("mover", {"profile": "datascience"})
    assert status in (201, 202), said
    await hub.until_ready("mover")
    await hub.stop_by_api("mover")


async def test_the_page_carries_a_form_that_can_be_sent(hub: Hub) -> None:
    """A student finds a form with a button, not only its fields."""
    await hub.person("ada", "north", "north/now")
    async with Browser.signed_in(hub, "ada") as browser:
        _, page = await browser.get("/spawn")
    assert 'id="spawn_form"' in page
    assert 'type="submit"' in page
