"""One informer for everybody in a hub who looks at the same cluster in the same way.

A registry is an object that its user keeps (the spawner keeps one per class); nothing happens at import.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from jupyterhub_libretexts.cluster.access import AccessSettings, load_access
from jupyterhub_libretexts.cluster.connection import Connection
from jupyterhub_libretexts.cluster.informer import SERVERS, USERNAME_LABEL, Informer
from jupyterhub_libretexts.cluster.stream import Pace

if TYPE_CHECKING:
    import logging

__all__ = ["Registry", "View"]


@dataclass(frozen=True, slots=True)
class View:
    """What an informer shows; equal views share one informer."""

    access: AccessSettings = field(default_factory=AccessSettings)
    """The cluster."""
    pod_labels: tuple[tuple[str, str], ...] = tuple(SERVERS.items())
    """The labels that our pods carry."""
    indexed_labels: tuple[str, ...] = (USERNAME_LABEL,)
    """The label keys by which pods are counted."""
    pace: Pace = field(default_factory=Pace)
    """Waiting times and bounds."""


class Registry:
    """Informers by event loop and view."""

    def __init__(self, log: logging.Logger | None = None) -> None:
        self._log = log
        self._informers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[View, Informer]] = (
            WeakKeyDictionary()
        )

    def informer(self, view: View = View()) -> Informer:
        """The informer of the running loop for ``view``; made and started by the first who asks."""
        mine = self._informers.setdefault(asyncio.get_running_loop(), {})
        if view not in mine:
            mine[view] = Informer(
                Connection(lambda: load_access(view.access)),
                pod_labels=dict(view.pod_labels),
                indexed_labels=view.indexed_labels,
                pace=view.pace,
                log=self._log,
            )
            mine[view].start()
        return mine[view]

    async def close(self) -> None:
        """Close the informers of the running loop."""
        for informer in self._informers.pop(asyncio.get_running_loop(), {}).values():
            await informer.close()
