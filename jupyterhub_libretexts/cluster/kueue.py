"""Where Kueue's own line stands, for sites that have Kueue; read, never written.

Kueue holds a pod back by a scheduling gate and tells pending workloads by its visibility API, in
the order of their queue (https://kueue.sigs.k8s.io/docs/tasks/manage/monitor_pending_workloads/). Its version
is asked for once, since it is not the same in each release.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from jupyterhub_libretexts.cluster.connection import ApiFailure
from jupyterhub_libretexts.core.gpus import QUEUE_LABEL
from jupyterhub_libretexts.errors import ClusterUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyterhub_libretexts.cluster.connection import Connection

__all__ = ["GATE", "Queues", "is_gated", "position"]

GROUP: Final = "visibility.kueue.x-k8s.io"
GATE: Final = "kueue.x-k8s.io/admission"
KEPT_SECONDS: Final = 5.0
"""How long an answer serves everybody who waits in a queue."""


def is_gated(pod: Mapping[str, Any]) -> bool:
    """Whether a pod waits for Kueue."""
    gates = (pod.get("spec") or {}).get("schedulingGates") or ()
    return any(gate.get("name") == GATE for gate in gates)


def position(pending: Mapping[str, Any], pod: str) -> int | None:
    """How many come before a pod, by Kueue's answer about its queue; None where it does not name it."""
    for item in pending.get("items") or ():
        owners = (item.get("metadata") or {}).get("ownerReferences") or ()
        if any(owner.get("kind") == "Pod" and owner.get("name") == pod for owner in owners):
            found = item.get("positionInLocalQueue")
            return found if isinstance(found, int) else None
    return None


class Queues:
    """Positions in Kueue's queues; one request for everybody in a queue.

    Args:
        connection: The way to the API server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._version: str | None = None
        self._answers: dict[tuple[str, str], tuple[float, Mapping[str, Any]]] = {}

    async def position(self, namespace: str, pod: Mapping[str, Any]) -> int | None:
        """How many come before a pod; None where Kueue does not say, or may not be asked."""
        queue = (pod["metadata"].get("labels") or {}).get(QUEUE_LABEL)
        if queue is None:
            return None
        try:
            pending = await self._pending(namespace, queue)
        except (ApiFailure, ClusterUnavailable):
            pending = {}
            self._answers[namespace, queue] = asyncio.get_running_loop().time(), pending
        return position(pending, pod["metadata"]["name"])

    async def _pending(self, namespace: str, queue: str) -> Mapping[str, Any]:
        now = asyncio.get_running_loop().time()
        known = self._answers.get((namespace, queue))
        if known is not None and now - known[0] < KEPT_SECONDS:
            return known[1]
        if self._version is None:
            group = await self._connection.get(f"/apis/{GROUP}")
            self._version = str(group["preferredVersion"]["groupVersion"])
        path = f"/apis/{self._version}/namespaces/{namespace}/localqueues/{queue}/pendingworkloads"
        answer = await self._connection.get(path)
        self._answers[namespace, queue] = now, answer
        return answer
