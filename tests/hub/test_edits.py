"""Settings that are edited while the hub runs.

What a user loses when these fail: a restart for every new course, or everybody's hub for one typing mistake.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.hub.conftest import CONFIGURE, SETTINGS
from tests.hub.support import Browser, Hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

MORE = "  python: {title: Python,"
ANOTHER = '  haskell: {title: Haskell, image: "local/python:1"}\n' + MORE


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "libretexts.yaml"
    path.write_text(SETTINGS.read_text())
    return path


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(
    cluster: EmbeddedCluster, stand_in_port: int, file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hub]:
    """A hub whose settings a test may edit."""
    more = CONFIGURE.format(files=[str(file)], port=stand_in_port)
    async with Hub(tmp_path_factory.mktemp("hub"), str(cluster.kubeconfig), more) as running:
        yield running


async def page_with(browser: Browser, path: str, words: str, wanted: bool = True) -> str:
    """The page once it shows words, or shows them no longer."""
    end = time.monotonic() + 20
    while True:
        _, page = await browser.get(path)
        if (words in page) is wanted:
            return page
        assert time.monotonic() < end, page
        await asyncio.sleep(0.2)


async def test_a_good_edit_is_offered_without_a_restart(hub: Hub, file: Path) -> None:
    """An instructor's new environment is there at the next look at the page."""
    text = (
        file.read_text().replace(MORE, ANOTHER).replace("[python, r, closed", "[haskell, python, r, closed")
    )
    await hub.person("ada", "north")
    async with Browser.signed_in(hub, "ada") as browser:
        assert "Haskell" not in (await browser.get("/spawn"))[1]
        file.write_text(text)
        await page_with(browser, "/spawn", "Haskell")
    status, said = await hub.start_by_api("ada", {"environment": "haskell"})
    assert status in (201, 202), said
    await hub.until_ready("ada")
    await hub.stop_by_api("ada")


async def test_a_bad_edit_changes_nothing_and_is_said_to_administrators(hub: Hub, file: Path) -> None:
    """A typing mistake at noon ends no lesson; who can mend it reads where it is."""
    good = file.read_text()
    await hub.person("ada", "north")
    file.write_text(good.replace("kernel: python3", "kernal: python3"))
    try:
        async with Browser.signed_in(hub, "root") as browser:
            page = await page_with(browser, "/home", "kernal")
            assert f"{file}:" in page
            assert "The last good ones are in use" in page
        async with Browser.signed_in(hub, "ada") as browser:
            _, page = await browser.get("/spawn")
        assert "kernal" not in page
        assert "Python" in page
        status, said = await hub.start_by_api("ada", {"environment": "python"})
        assert status in (201, 202), said
        await hub.until_ready("ada")
        await hub.stop_by_api("ada")
        assert "The settings stay as they were" in hub.log
    finally:
        file.write_text(good)
    async with Browser.signed_in(hub, "root") as browser:
        await page_with(browser, "/home", "kernal", wanted=False)
