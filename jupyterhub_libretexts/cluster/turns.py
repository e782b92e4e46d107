"""Share a bounded number of watch connections among any number of watches.

While there are enough, a watch keeps its connection as long as it likes. When one waits, the watch that
has had its connection longest is asked to end; it continues later where it was, since a watch is resumed
by its resourceVersion. So nothing is lost and nothing hangs; news only arrives a little later.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["Turns"]


class Turns:
    """At most ``limit`` turns at once, each at least ``shortest`` seconds long when others wait."""

    def __init__(self, limit: int, shortest: float) -> None:
        self._limit = limit
        self._shortest = shortest
        self._running: OrderedDict[asyncio.Timeout, float] = OrderedDict()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._granted = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Callable[[], None]]:
        """Hold a connection; the block ends early, without an error, when another's turn has come.

        The value is to be called once the watch is open. Before, a turn is not ended: on a machine so
        busy that opening takes longer than a turn, nobody would ever hear anything.
        """
        await self._wait()
        try:
            async with asyncio.timeout(None) as timeout:
                try:
                    yield lambda: self._begin(timeout)
                finally:
                    self._running.pop(timeout, None)
        except TimeoutError:
            # Only our own deadline is a change of turn; the block's own timeouts are errors.
            if not timeout.expired():
                raise
        finally:
            self._pass_on()

    def _begin(self, timeout: asyncio.Timeout) -> None:
        self._running[timeout] = asyncio.get_running_loop().time()
        self._ask_oldest()

    async def _wait(self) -> None:
        if self._granted < self._limit:
            self._granted += 1
            return
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(ready)
        self._ask_oldest()
        try:
            await ready
        except asyncio.CancelledError:
            if not ready.cancelled():
                # The turn was granted in the moment in which its watch was ended.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            ready = self._waiting.popleft()
            if not ready.done():
                ready.set_result(None)
                return
        self._granted -= 1

    def _ask_oldest(self) -> None:
        """Ask as many of the longest turns to end as there are watches waiting."""
        asked = sum(timeout.when() is not None for timeout in self._running)
        for timeout, since in self._running.items():
            if asked >= len(self._waiting):
                return
            if timeout.when() is None:
                timeout.reschedule(since + self._shortest)
                asked += 1
