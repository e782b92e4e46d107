"""The warning before a server ends, in a real JupyterLab with the image's own extension, in a real browser.

What a user loses when this fails: work, at an end that was announced where they did not look.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

pytest.importorskip("playwright")
from playwright.async_api import async_playwright

from tests.browser.conftest import ARGUMENTS

SERVER = Path(__file__).parents[2] / "images" / "default-env" / "server"


@asynccontextmanager
async def lab(folder: Path, ends_in: float | None):
    """JupyterLab as the image starts it, with its server extension and its labextension."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "share").mkdir()
    (folder / "share" / "labextensions").symlink_to(SERVER / "share" / "labextensions")
    (folder / "home").mkdir()
    options = {
        "port": port,
        "port_retries": 0,
        "token": "t",
        "root_dir": str(folder / "home"),
        "open_browser": False,
        "jpserver_extensions": {"libretexts_image": True, "jupyterlab": True},
        "allow_root": True,
    }
    (folder / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": options}))
    given = {
        "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_PATH": str(folder / "share"),
        "PYTHONPATH": str(SERVER),
    }
    if ends_in is not None:
        given["LIBRETEXTS_ENDS_AT"] = str(int(time.time() + ends_in))
    with (folder / "lab.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "jupyter", "lab", "--no-browser",
            env={**os.environ, **given, "HOME": str(folder / "home")}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session:
            end = time.monotonic() + 90
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/api") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    assert process.returncode is None, (folder / "lab.log").read_text()
                    assert time.monotonic() < end, (folder / "lab.log").read_text()
                    await asyncio.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@pytest.mark.browser
@pytest.mark.parametrize("page", ["/lab", "/tree"])
async def test_a_notebook_warns_before_its_server_ends(tmp_path, chromium, page) -> None:
    """Else a student reads on the home page, too late, what a notebook could have said."""
    async with lab(tmp_path, ends_in=9 * 60) as address, async_playwright() as player:
        browser = await player.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        place = await browser.new_page()
        await place.goto(f"{address}{page}?token=t")
        said = place.get_by_text("Your server ends at", exact=False).first
        await said.wait_for(timeout=90_000)
        text = await said.inner_text()
        assert "in 9 minutes" in text or "in 8 minutes" in text
        assert "Save your work; files that are saved stay." in text
        await browser.close()


@pytest.mark.browser
async def test_a_server_without_an_end_says_nothing(tmp_path, chromium) -> None:
    """Else everybody is warned of what never comes."""
    async with lab(tmp_path, ends_in=None) as address, async_playwright() as player:
        browser = await player.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        place = await browser.new_page()
        await place.goto(f"{address}/lab?token=t")
        await place.get_by_text("Launcher", exact=False).first.wait_for(timeout=90_000)
        loaded = await place.evaluate("() => Boolean(window._JUPYTERLAB['libretexts-ending'])")
        assert loaded
        assert await place.get_by_text("Your server ends at", exact=False).count() == 0
        await browser.close()
