"""What lives as long as the hub is searched for garbage once.

What a user loses when these fail: a quarter of a second of every page, each time a class starts.
"""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from typing import TYPE_CHECKING

import pytest

from jupyterhub_libretexts.hub.garbage import settle
from tests.hub.conftest import CONFIGURE, SETTINGS
from tests.hub.support import Hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

TELL = """
import gc, pathlib, threading, time

def tell(before):
    while gc.get_freeze_count() <= before:
        time.sleep(0.05)
    pathlib.Path({told!r}).write_text(str(gc.get_freeze_count() - before))

threading.Thread(target=tell, args=(gc.get_freeze_count(),), daemon=True).start()
"""
CODE = 100_000
"""Objects that are only JupyterHub's and KubeSpawner's code, at least."""


class Cycle:
    """Refers to itself, so that only a search finds it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def settled() -> Iterator[None]:
    """What there is now is left out, until the test is over."""
    settle()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("settled")
async def test_what_comes_later_is_still_found() -> None:
    """A hub that runs for weeks does not fill up with what nobody needs."""
    later = weakref.ref(Cycle())
    gc.collect()
    assert later() is None


@pytest.mark.usefixtures("settled")
async def test_what_was_there_is_not_looked_at_and_is_freed_when_nobody_refers_to_it() -> None:
    """Only cycles of the start stay; a pod that was there at the start goes as it always did."""
    assert len(gc.get_objects()) * 10 < gc.get_freeze_count()
    before = Cycle()
    settle()
    gone = weakref.ref(before)
    before.me = None  # type: ignore[assignment]
    del before
    assert gone() is None


async def test_a_hub_settles_when_it_knows_its_servers(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path: Path
) -> None:
    """It happens in the hub itself, without anybody asking, once there is somebody to serve."""
    told = tmp_path / "told"
    more = CONFIGURE.format(files=[str(SETTINGS)], port=stand_in_port) + TELL.format(told=str(told))
    async with Hub(tmp_path, str(cluster.kubeconfig), more) as hub:
        await hub.person("ada", "north")
        end = time.monotonic() + 20
        while not told.exists():
            assert time.monotonic() < end, hub.report
            await asyncio.sleep(0.1)
    assert int(told.read_text()) > CODE
