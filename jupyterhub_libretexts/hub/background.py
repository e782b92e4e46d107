"""What a hub does without being asked: begun from its configuration, once the hub is up.

JupyterHub has no hook for this. Its configuration file is read inside the event loop in which the hub
then lives (`app.py`, ``launch_instance_async``), so a task that is begun there can wait for the hub.
Other readers of the file, such as ``explain``, have no loop and begin nothing.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from jupyterhub_libretexts.hub.crowd import receive
from jupyterhub_libretexts.hub.garbage import settle
from jupyterhub_libretexts.hub.metrics import SharedCollector
from jupyterhub_libretexts.hub.sweeping import Sweep, claimed_by
from jupyterhub_libretexts.hub.turns import Turns, holds
from jupyterhub_libretexts.hub.waiting_pages import handlers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyterhub.app import JupyterHub

    from jupyterhub_libretexts.hub.shared import Shared
    from jupyterhub_libretexts.hub.spawner import LibreTextsSpawner

__all__ = ["begin"]

_LOOK = 0.01
_TURNS = 1.0
"""Seconds between two looks at the turns of the waiting line."""
_SUSPECT = 5.0
"""Seconds until the second look for unknown pods: what a crash left may hold what others wait for."""
_USAGE, _HOUR = 2.0, 3600.0
"""Seconds between two times that usage is written down, and that what is too old is dropped."""

_tasks: set[asyncio.Task[None]] = set()
"""A running task must be held by somebody (asyncio.create_task)."""


def begin() -> bool:
    """Begin, if this is a hub that starts; says whether it is."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return False
    task = loop.create_task(_run(), name="libretexts-background")
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return True


async def _run() -> None:
    app = await _hub()
    # Before the first request is taken: a page must not be missing because it came early.
    app.tornado_application.add_handlers(r".*", handlers(app.hub_prefix))
    await asyncio.shield(app._start_future)  # noqa: SLF001 (how JupyterHub itself knows that it serves)
    receive(app)
    spawner = await _first_spawner(app)
    shared = spawner.shared
    await shared.all_known()
    shared.usage.catch_up()
    settle()
    REGISTRY.register(SharedCollector(shared))
    turns = Turns(shared, app)
    sweep = Sweep(shared, spawner.reports_to, lambda: claimed_by(app.users), app.log)
    shared.waiting.restore(lambda place: holds(app, place))
    shared.ledger.changed = _Soon(shared.waiting.settle).poke
    async with asyncio.TaskGroup() as group:
        group.create_task(_every(app, sweep.look, spawner.sweep_interval, first=_SUSPECT))
        group.create_task(_every(app, turns.tick, _TURNS))
        group.create_task(_every(app, partial(_write_usage, shared), _USAGE))
        group.create_task(_every(app, partial(_drop_usage, shared), _HOUR))


async def _write_usage(shared: Shared) -> None:
    for _ in iter(shared.usage.flush, False):
        await asyncio.sleep(0)


async def _drop_usage(shared: Shared) -> None:
    shared.usage.retain(shared.catalogue.settings.hub.keep_usage.seconds)


class _Soon:
    """Does something once, soon, however often it is wanted meanwhile."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._wanted = False

    def poke(self) -> None:
        """Want it."""
        if not self._wanted:
            self._wanted = True
            asyncio.get_running_loop().call_soon(self._do)

    def _do(self) -> None:
        self._work()
        # What the work itself changed is not news.
        self._wanted = False


async def _hub() -> JupyterHub:
    """The hub of this process, when its web application is made."""
    from jupyterhub.app import JupyterHub

    while True:
        if JupyterHub.initialized():
            app = JupyterHub.instance()
            if getattr(app, "tornado_application", None) is not None:
                return app
        await asyncio.sleep(_LOOK)


async def _first_spawner(app: JupyterHub) -> LibreTextsSpawner:
    """A spawner of this hub; all of them share what is looked after here."""
    from jupyterhub import orm

    while True:
        first = app.db.query(orm.User).order_by(orm.User.id).first()
        if first is not None:
            spawner: LibreTextsSpawner = app.users[first].spawner
            return spawner
        # Nobody has ever signed in, so there is nothing to look after.
        await asyncio.sleep(_TURNS)


async def _every(
    app: JupyterHub, work: Callable[[], Awaitable[object]], seconds: float, *, first: float | None = None
) -> None:
    """Do something at once and then again and again; the second time after ``first`` seconds."""
    pause = seconds if first is None else min(first, seconds)
    while True:
        try:
            await work()
        except Exception:
            app.log.exception("Looking after the cluster failed; it is tried again in %s seconds", pause)
        await asyncio.sleep(pause)
        pause = seconds
