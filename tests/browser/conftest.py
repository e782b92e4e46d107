"""A demonstration and a real Chromium, once for all tests of this room."""

import os
import shutil

import pytest

pytest.importorskip("playwright")
from playwright.async_api import async_playwright

from jupyterhub_libretexts.demo.launcher import Options, started

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


@pytest.fixture
async def page_of(chromium, run):
    """Opens a page with an account signed in; more arguments are those of a browser's context."""
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
            await page.goto("/hub/spawn")
            return page

        yield opened
        await browser.close()
