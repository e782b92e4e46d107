"""Wait for news about one pod without asking again and again.

Waiting costs one entry in a dictionary; news about other pods wakes nobody.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self
from weakref import WeakSet

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Listeners", "Subscription"]


class Listeners:
    """Who waits for which pod."""

    def __init__(self) -> None:
        # Weak, so that a page whose reader went away without a word is not told for ever.
        self._by_ref: dict[str, WeakSet[Subscription]] = {}

    def tell(self, ref: str) -> None:
        """Something about a pod is new: wake those who wait for it."""
        for subscription in self._by_ref.get(ref, ()):
            subscription.wake()

    def add(self, ref: str, subscription: Subscription) -> None:
        """Begin to tell."""
        self._by_ref.setdefault(ref, WeakSet()).add(subscription)

    def remove(self, ref: str, subscription: Subscription) -> None:
        """Tell no more."""
        listening = self._by_ref.get(ref)
        if listening is not None:
            listening.discard(subscription)
            if not listening:
                del self._by_ref[ref]

    def namespaces(self) -> set[str]:
        """The namespaces in which somebody waits for a pod; forgets those who went away."""
        for ref in [ref for ref, listening in self._by_ref.items() if not listening]:
            del self._by_ref[ref]
        return {ref.partition("/")[0] for ref in self._by_ref}


class Subscription:
    """News about one pod: ``async for _ in subscription`` wakes once per burst of changes.

    What changed is read from the informer; several changes before the reader looks count as one. It is a
    context manager, which ends it; ending it also ends the iteration.
    """

    def __init__(self, listeners: Listeners, ref: str) -> None:
        self._listeners = listeners
        self._ref = ref
        self._news = asyncio.Event()
        self._open = True
        listeners.add(ref, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> None:
        await self.next()
        if not self._open:
            raise StopAsyncIteration

    async def next(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Wait for news; False when there was none within ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True

    def wake(self) -> None:
        """There is news."""
        self._news.set()

    def close(self) -> None:
        """End it."""
        self._open = False
        self._listeners.remove(self._ref, self)
        self._news.set()
