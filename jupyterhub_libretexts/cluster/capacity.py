"""What the nodes have, and whether what is known is the present.

For pages that say how many GPUs are free now. A watch on which nothing happens tells nothing, so the
API server is asked for a sign of life every two seconds; one request for all pages of the hub.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Final

from jupyterhub_libretexts.cluster.connection import ApiFailure, Connection
from jupyterhub_libretexts.cluster.nodes import NodeIndex
from jupyterhub_libretexts.cluster.stream import Condition, Scope, Stream
from jupyterhub_libretexts.errors import ClusterUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyterhub_libretexts.cluster.stream import Target

__all__ = ["Capacity"]

HEARTBEATS: Final = 2.5
"""After how many heartbeats without an answer what is known no longer counts as the present: five seconds."""


class Capacity:
    """Nodes, counted from the first time on that somebody asks.

    Args:
        connection: The way to the API server.
        stream: Makes a stream that tells a target of everything in a scope, and calls a function after each
            change of its condition.
        heartbeat: Seconds between two questions for a sign of life, and for which an answer is awaited.
    """

    def __init__(
        self,
        connection: Connection,
        stream: Callable[[Scope, Target, Callable[[], None]], Stream],
        heartbeat: float,
    ) -> None:
        self._connection = connection
        self._new_stream = stream
        self._heartbeat = heartbeat
        self._nodes = NodeIndex()
        self._stream: Stream | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._heard = -math.inf
        self._news = asyncio.Event()

    async def known(self, seconds: float = 2.0) -> None:
        """Begin to count; return once nodes are known or refused, at the latest after ``seconds``.

        Instantly after the first time. Nodes that may not be read are tried again for ever.
        """
        if self._stream is None:
            self._stream = self._new_stream(Scope("nodes", None), self._nodes, self._news.set)
            self._tasks = (
                asyncio.create_task(self._stream.run(), name="libretexts-nodes"),
                asyncio.create_task(self._listen(), name="libretexts-heartbeat"),
            )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._heard == -math.inf or self._stream.condition is Condition.STARTING:
                    self._news.clear()
                    await self._news.wait()

    def of(self, resource: str, labels: Mapping[str, str]) -> int | None:
        """How many of an extended resource the nodes with these labels have; None where nobody knows."""
        stream = self._stream
        if stream is None or not stream.ready.is_set() or stream.condition is not Condition.CURRENT:
            return None
        return self._nodes.capacity(resource, labels)

    @property
    def answers(self) -> bool:
        """Whether the API server gave a sign of life within the last five seconds."""
        return asyncio.get_running_loop().time() - self._heard < self._heartbeat * HEARTBEATS

    async def close(self) -> None:
        """Stop counting."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks, self._stream = (), None

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            asked = loop.time()
            # A refusal is a sign of life too.
            with contextlib.suppress(ClusterUnavailable):
                with contextlib.suppress(ApiFailure):
                    await self._connection.request("GET", "/version", seconds=self._heartbeat)
                self._heard = asked
                self._news.set()
            await asyncio.sleep(max(0.0, asked + self._heartbeat - loop.time()))
