"""The line of starts: a bounded number at a time, the others wait and know their place.

JupyterHub refuses starts beyond ``concurrent_spawn_limit`` with status 429; a class of 500 that
begins in the same second is then sent away. Here nobody is: they wait, in the order they came.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

__all__ = ["Line"]


class Line:
    """First come, first served, ``limit`` at a time."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._inside: set[str] = set()
        self._waiting: OrderedDict[str, asyncio.Future[None]] = OrderedDict()

    def place(self, name: str) -> int:
        """How many wait before ``name``; 0 for the next one and for somebody who does not wait."""
        if name not in self._waiting:
            return 0
        return list(self._waiting).index(name)

    def waits(self, name: str) -> bool:
        """Whether ``name`` is in the line."""
        return name in self._waiting

    async def enter(self, name: str) -> None:
        """Wait for a turn; whoever has had one must ``leave``."""
        if len(self._inside) < self.limit and not self._waiting:
            self._inside.add(name)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[name] = turn
        try:
            await turn
        except asyncio.CancelledError:
            self.leave(name)
            raise
        finally:
            self._waiting.pop(name, None)

    def leave(self, name: str) -> None:
        """Give a turn back, to the next one; who has none loses nothing."""
        self._inside.discard(name)
        while self._waiting and len(self._inside) < self.limit:
            following, turn = self._waiting.popitem(last=False)
            if not turn.done():
                self._inside.add(following)
                turn.set_result(None)


class Pace:
    """One at a time through the event loop: between two of them everybody else gets a turn.

    A start costs the hub some ten milliseconds in one piece, most of it in its database. When
    hundreds are ready in the same instant, the loop would run them all before it looks at a page, a
    poll or an answer of the cluster again; here it looks after each.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._running = False

    async def turn(self) -> None:
        """Return when nobody who came before waits, and the loop has been around since the last one."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        if not self._running:
            self._running = True
            loop.call_soon(self._next)
        await mine

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._running = False
