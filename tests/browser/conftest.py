"""A demonstration and a real Chromium, once for all tests of this room."""

import asyncio
import os
import shutil

import pytest

pytest.importorskip("playwright")
from playwright.async_api import async_playwright

from jupyterhub_libretexts.demo.launcher import Options, started

FAILED = pytest.StashKey[bool]()
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("these tests need a browser: apt-get install chromium fonts-dejavu-core")
    return found


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A running demonstration."""
    before = os.environ["HOME"]
    os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
    try:
        with started(Options(once=True)) as running:
            yield running
    finally:
        os.environ["HOME"] = before


async def end_server(place, name):
    """End the server of an account, by its own session, and wait until the hub says that it is gone."""
    xsrf = next(
        it["value"] for it in await place.cookies() if it["name"] == "_xsrf" and it["path"] == "/hub/"
    )
    person = f"/hub/api/users/{name}?_xsrf={xsrf}"
    for _ in range(600):
        servers = (await (await place.request.get(person)).json())["servers"]
        if not servers:
            return
        if not servers[""]["pending"]:
            await place.request.delete(f"/hub/api/users/{name}/server?_xsrf={xsrf}")
        await asyncio.sleep(0.1)
    raise AssertionError(f"the server of {name} does not end")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
async def page_of(chromium, run, request, tmp_path):
    """Opens a page with an account signed in; more arguments are those of a browser's context.

    Whatever a test started is ended after it, so that none begins with the server of another.
    """
    opened_places = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)

        async def opened(name, **context):
            account = next(account for account in run.people if account.name == name)
            place = await browser.new_context(base_url=run.url, **context)
            place.set_default_timeout(60_000)
            page = await place.new_page()
            await page.goto("/hub/login")
            await page.fill("#username_input", account.name)
            await page.fill("#password_input", account.password)
            await page.press("#password_input", "Enter")
            await page.wait_for_url(lambda url: "/login" not in url)
            opened_places.append((place, name))
            await page.goto("/hub/spawn")
            return page

        yield opened
        for place, name in opened_places:
            if request.node.stash.get(FAILED, False):
                for number, page in enumerate(place.pages):
                    picture = tmp_path / f"{name}-{number}.png"
                    await page.screenshot(path=picture)
                    print(f"What {name} saw: {picture}")
            await end_server(place, name)
        await browser.close()
