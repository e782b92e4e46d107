"""What a hub does without being asked: begun from its configuration, once the hub is up.

JupyterHub has no hook for this. Its configuration file is read inside the event loop in which the hub
then lives (`app.py`, ``launch_instance_async``), so a task that is begun there can wait for the hub.
Other readers of the file, such as ``explain``, have no loop and begin nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.errors import ClusterUnavailable
from jupyterhub_libretexts.hub.metrics import SharedCollector
from jupyterhub_libretexts.hub.turns import Turns, holds
from jupyterhub_libretexts.hub.waiting_pages import handlers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyterhub.app import JupyterHub

    from jupyterhub_libretexts.hub.shared import Shared

__all__ = ["begin"]

_LOOK = 0.01
_TURNS = 1.0
"""Seconds between two looks at the turns of the waiting line."""
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
    shared = await _shared(app)
    await _read(shared)
    shared.usage.catch_up()
    REGISTRY.register(SharedCollector(shared))
    turns = Turns(shared, app)
    shared.waiting.restore(lambda place: holds(app, place))
    shared.ledger.changed = _Soon(shared.waiting.settle).poke
    async with asyncio.TaskGroup() as group:
        group.create_task(_every(app, turns.tick, _TURNS, _TURNS))
        group.create_task(_every(app, partial(_write_usage, shared), _USAGE, _USAGE))
        group.create_task(_every(app, partial(_drop_usage, shared), _HOUR, _HOUR))


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


async def _read(shared: Shared) -> None:
    """Have the servers of all organisations watched, and known as far as they can be read now."""
    settings = shared.catalogue.settings
    namespaces = {namespace_of(settings, name) for name in settings.organizations}
    # An organisation whose namespace is not there yet is no reason to leave the others alone.
    await asyncio.gather(*(_ensured(shared, namespace) for namespace in namespaces))


async def _ensured(shared: Shared, namespace: str) -> None:
    with contextlib.suppress(ClusterUnavailable):
        await shared.informer.ensure(namespace)


async def _hub() -> JupyterHub:
    """The hub of this process, when its web application is made."""
    from jupyterhub.app import JupyterHub

    while True:
        if JupyterHub.initialized():
            app = JupyterHub.instance()
            if getattr(app, "tornado_application", None) is not None:
                return app
        await asyncio.sleep(_LOOK)


async def _shared(app: JupyterHub) -> Shared:
    """What the spawners of this hub share, from the first of them."""
    from jupyterhub import orm

    while True:
        first = app.db.query(orm.User).order_by(orm.User.id).first()
        if first is not None:
            shared: Shared = app.users[first].spawner.shared
            return shared
        # Nobody has ever signed in, so there is nothing to look after.
        await asyncio.sleep(_TURNS)


async def _every(
    app: JupyterHub, work: Callable[[], Awaitable[object]], first: float, seconds: float
) -> None:
    pause = first
    while True:
        try:
            await work()
        except Exception:
            app.log.exception("Looking after the cluster failed; it is tried again in %s seconds", pause)
        await asyncio.sleep(pause)
        pause = seconds
