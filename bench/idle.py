"""What it costs to know the servers of 200 organisations in which nothing happens."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from bench.rows import Row, limited
from jupyterhub_libretexts.cluster.informer import Informer
from jupyterhub_libretexts.cluster.stream import Pace
from tests.cluster.support import Saboteur, connection_to, pod

if TYPE_CHECKING:
    from collections.abc import Callable

ORGANIZATIONS = 200
SECONDS = 30


def _in_thread(main: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    return thread


class _Elsewhere:
    """The API server in a thread of its own, so that its time is not counted."""

    def __init__(self, *, cluster_wide: bool) -> None:
        self.up, self.loop = threading.Event(), asyncio.new_event_loop()
        self.cluster_wide = cluster_wide
        self.thread = _in_thread(lambda: self.loop.run_until_complete(self._run()))
        self.up.wait()

    async def _run(self) -> None:
        self.server, self.over = Saboteur(), asyncio.Event()
        for number in range(ORGANIZATIONS):
            await self.server.put("pods", pod(f"jupyter-person{number}", f"org-{number}", "Running"))
        if not self.cluster_wide:
            self.server.refused.add(None)
        await self.server.up()
        self.up.set()
        await self.over.wait()
        await self.server.down()

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join()


async def _share_of_a_core(server: Saboteur) -> float:
    informer = Informer(connection_to(server), pace=Pace())
    informer.start()
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(ORGANIZATIONS):
                group.create_task(informer.ensure(f"org-{number}", timeout=60))
        assert len(informer.pods) == ORGANIZATIONS
        await asyncio.sleep(2)
        wall, cpu = time.monotonic(), time.thread_time()
        await asyncio.sleep(SECONDS)
        return (time.thread_time() - cpu) / (time.monotonic() - wall)
    finally:
        await informer.close()


def rows(_rounds: int) -> list[Row]:
    """With the right to read everything, and with a right for each namespace."""
    made = []
    for words, cluster_wide in (("one ClusterRole", True), ("a Role in each namespace", False)):
        server = _Elsewhere(cluster_wide=cluster_wide)
        try:
            share = asyncio.run(_share_of_a_core(server.server))
        finally:
            server.end()
        what = f"idle, {ORGANIZATIONS} organisations, {words}"
        made.append(limited(what, share * 100, 1, "% of a core", "{:.3f}"))
    return made
