"""What nobody sends by accident.

What a user loses when these fail: one crafted request, and everybody's hub is gone or its log holds a secret.
"""

from __future__ import annotations

import io
import json

import pytest

from tests.hub.support import Browser, Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

DEEP = '{"environment":' * 5000 + "1" + "}" * 5000
BODIES = {
    "a megabyte in a value": json.dumps({"environment": "p" * 1_000_000}).encode(),
    "a megabyte of keys": json.dumps({f"key{number}": number for number in range(60_000)}).encode(),
    "a deep nesting": DEEP.encode(),
    "bytes that are no text": b'{"environment": "\xff\xfe\x00"}',
    "no JSON": b"{environment: python",
    "a list": b'["python"]',
    "a number": b"7",
    "a list as a value": b'{"environment": ["python", "r"]}',
    "a mapping as a value": b'{"environment": {"$ne": null}}',
    "an empty name": b'{"": "python"}',
    "a NUL": b'{"environment": "python\\u0000"}',
    "not a number": b'{"size": NaN}',
}


@pytest.mark.parametrize("case", BODIES)
async def test_a_hostile_body_is_refused_in_words_and_the_hub_lives(hub: Hub, case: str) -> None:
    """A status below 500, no traceback for the sender, and no flood of their text in the log."""
    await hub.person("ada", "north")
    body = BODIES[case]
    if await hub.version() >= (6,):
        body = b'{"user_options": ' + body + b"}"
    before = len(hub.log)
    assert hub.session is not None
    async with hub.session.post(f"{hub.url}/api/users/ada/server", data=io.BytesIO(body)) as answer:
        said = await answer.text()
    assert 400 <= answer.status < 500, (answer.status, said[:500])
    assert "Traceback" not in said
    assert len(said) < 2000
    assert len(hub.log) - before < 20_000, "a request must not fill the log"
    assert hub.lives
    assert not (await hub.server("ada") or {}).get("ready")


async def test_a_hostile_form_and_link_are_refused_on_a_page(hub: Hub) -> None:
    """The page says what is wrong, with the sender's markup as text."""
    await hub.person("ada", "north")
    async with Browser.signed_in(hub, "ada") as browser:
        status, page = await browser.post_form({"subject": "environment=<script>alert(1)</script>"})
        assert status == 400, page[-2000:]
        assert "<script>alert(1)" not in page
        status, page = await browser.get("/spawn?opt-environment=%3Cscript%3Ealert(1)%3C%2Fscript%3E")
        assert status == 400, page[-2000:]
        assert "<script>alert(1)" not in page
        # JupyterHub itself decodes a query before anybody else sees it, and answers 500 (handlers/pages.py).
        status, page = await browser.get("/spawn?opt-environment=%ff%fe")
        assert status >= 400
        assert "Traceback" not in page
    assert hub.lives


async def test_a_token_in_a_request_is_not_in_the_log(hub: Hub) -> None:
    """Who reads logs must not become who started the server."""
    await hub.person("ada", "north")
    status, _ = await hub.start_by_api("ada", {"environment": "python", "password": "hunter2hunter2"})
    assert status == 400
    assert "hunter2hunter2" not in hub.log
