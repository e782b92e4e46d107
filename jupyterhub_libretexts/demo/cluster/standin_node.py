"""A node without processes, for storms: pods become Running after a while, and one server answers for all.

Every pod has the address of the one stand-in server, which answers any path as a running
single-user server would its hub.
"""

from __future__ import annotations

import asyncio
import heapq
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .pod_status import DEADLINE, ContainerState, status_document
from .registry import Registry, now
from .resources import PODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .events import Recorder
    from .store import Change

Document = dict[str, Any]


@dataclass(slots=True)
class StandInNode:
    """The kubelet of one such node. One timer serves all of its pods."""

    name: str
    registry: Registry
    recorder: Recorder
    address: str
    start_seconds: float = 0.05
    """From being given the node to Running."""
    stop_seconds: float = 0.02
    events: bool = True
    """Whether the events of a start are written, five a pod as on a real node."""
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: int = 0
    _timer: asyncio.TimerHandle | None = None
    _seen: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.registry.store.subscribe(self._follow)

    def _follow(self, change: Change) -> None:
        if change.resource is not PODS or change.document["spec"].get("nodeName") != self.name:
            return
        metadata = change.document["metadata"]
        uid = metadata["uid"]
        if change.kind == "DELETED":
            self._seen.pop(uid, None)
        elif metadata.get("deletionTimestamp"):
            if self._seen.get(uid) is not False:
                self._seen[uid] = False
                self._after(self.stop_seconds, lambda: self._stop(change.document))
        elif uid not in self._seen:
            self._seen[uid] = True
            self._after(self.start_seconds, lambda: self._start(change.document))

    def _after(self, seconds: float, work: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._order += 1
        heapq.heappush(self._due, (loop.time() + seconds, self._order, work))
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(self._due[0][0], self._work) if self._due else None

    def _work(self) -> None:
        moment = asyncio.get_running_loop().time()
        while self._due and self._due[0][0] <= moment:
            heapq.heappop(self._due)[2]()
        self._timer = None
        self._set_timer()

    def _start(self, pod: Document) -> None:
        metadata = pod["metadata"]
        held = self.registry.store.document(PODS, metadata["namespace"], metadata["name"])
        if held is None or held["metadata"]["uid"] != metadata["uid"] or not self._seen.get(metadata["uid"]):
            return
        moment = now()
        states = [
            ContainerState(
                each["name"], each["image"], {"running": {"startedAt": moment}}, id=uuid.uuid4().hex * 2
            )
            for each in pod["spec"]["containers"]
        ]
        if self.events:
            self._tell(pod)
        facts = {"host": self.address, "address": self.address, "start": moment}
        self.registry.set_status(PODS, held, **status_document(held, moment, states, (), facts))
        deadline = pod["spec"].get("activeDeadlineSeconds")
        if deadline is not None:
            self._after(deadline, lambda: self._expire(pod))

    def _tell(self, pod: Document) -> None:
        for container in pod["spec"]["containers"]:
            image = container["image"]
            texts = (
                (
                    "Pulled",
                    f'Container image "{image}" already present on machine and can be accessed by the pod',
                ),
                ("Created", "Container created"),
                ("Started", "Container started"),
            )
            field = f"spec.containers{{{container['name']}}}"
            for reason, text in texts:
                self.recorder.record(pod, "Normal", reason, text, container=field, host=self.name)

    def _expire(self, pod: Document) -> None:
        if self._seen.get(pod["metadata"]["uid"]):
            status = {"phase": "Failed", "reason": "DeadlineExceeded", "message": DEADLINE}
            self.registry.set_status(PODS, pod, **status)

    def _stop(self, pod: Document) -> None:
        if self.events:
            for container in pod["spec"]["containers"]:
                text = f"Stopping container {container['name']}"
                field = f"spec.containers{{{container['name']}}}"
                self.recorder.record(pod, "Normal", "Killing", text, container=field, host=self.name)
        self.registry.finish(PODS, pod)

    async def close(self) -> None:
        """Let every timer go."""
        self._due.clear()
        self._set_timer()


class StandInServer(asyncio.Protocol):
    """Answers any request as a single-user server answers its hub, then hangs up."""

    def __init__(self, hub_version: str) -> None:
        body = b'{"version": "2"}'
        self._answer = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-JupyterHub-Version: %s\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (hub_version.encode(), len(body), body)
        )
        self._transport: asyncio.Transport | None = None
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the head of a request is complete."""
        self._head = (self._head + data)[-4096:]
        if b"\r\n\r\n" in self._head and self._transport is not None:
            self._transport.write(self._answer)
            self._transport.close()
            self._transport = None
