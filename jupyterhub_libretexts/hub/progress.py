"""What happens to a start, in plain words, from the events of its own pod and nobody else's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cluster.explain import situation
from jupyterhub_libretexts.cluster.kueue import is_gated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jupyterhub_libretexts.hub.informed import InformedSpawner

__all__ = ["progress"]

_TICK = 1.0
_PATIENCE = 30.0
"""Seconds without anything new after which a person is told that it goes on."""


async def progress(spawner: InformedSpawner) -> AsyncIterator[dict[str, Any]]:
    """Steps for JupyterHub's progress page, until the start is over.

    JupyterHub ends the iteration itself when the start is done, so a last word is never waited for.
    """
    informer = spawner.shared.informer
    began = told_at = time.monotonic()
    told = ""
    while True:
        start = spawner._start_future  # noqa: SLF001 (KubeSpawner's own handle on the start)
        over = start is not None and start.done()
        # The namespace follows from the choice, which may still be under check.
        namespace, name = spawner.namespace, spawner.pod_name
        with informer.subscribe(namespace, name) as changes:
            step = await _step(spawner)
            now = time.monotonic()
            if step["message"] != told:
                told, told_at = step["message"], now
                yield step
            elif now - told_at > _PATIENCE:
                told_at = now
                yield {"message": f"Still: {told} ({int(now - began)} seconds so far)"}
            if over:
                return
            await changes.next(timeout=_TICK)


async def _step(spawner: InformedSpawner) -> dict[str, Any]:
    line = spawner.shared.line
    ref = spawner.pod_reference
    if line.waits(ref):
        before = line.place(ref)
        place = _told(before, "yours is next", "one is before yours", "{} are before yours")
        return {"progress": 5, "message": f"Many servers start now; {place}."}
    pod = spawner.shared.informer.pod(spawner.namespace, spawner.pod_name)
    if pod is None:
        return {"progress": 10, "message": "Your server is being prepared."}
    if is_gated(pod):
        ahead = await spawner.shared.queues.position(spawner.namespace, pod)
        place = _told(ahead, " You are next.", " One comes before you.", " {} come before you.")
        return {"progress": 12, "message": f"Your server waits in the cluster's line for a GPU.{place}"}
    found = situation(pod, spawner.events)
    return {"progress": found.progress, "message": found.message}


def _told(before: int | None, none: str, one: str, many: str) -> str:
    """How many come before somebody; nothing where that is not known."""
    if before is None:
        return ""
    return (none, one)[before] if before <= 1 else many.format(before)
