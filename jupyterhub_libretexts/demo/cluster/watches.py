"""Watches: which changes a client is told, and in what form."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from .store import Change, Store, encoded, watch_line

if TYPE_CHECKING:
    from .resources import Resource
    from .selectors import Test

MOST_PENDING = 20_000
"""Changes that a client may lag behind before it is cut off, as the real server does."""


class Watcher:
    """One client's watch: a line of bytes for each change that its selectors let through."""

    def __init__(self, resource: Resource, test: Test | None) -> None:
        self.resource = resource
        self.wake = asyncio.Event()
        self.ended = False
        self.version = 0
        self._test = test
        self._pending: list[bytes] = []

    def offer(self, change: Change) -> None:
        """Take a change if it concerns this client."""
        self.version = change.version
        kind = self._kind(change)
        if kind is None:
            return
        # A client is told that an object left its selection with the object's new state under the
        # kind DELETED; that is what the real server does as well.
        self._pending.append(change.line(kind))
        if len(self._pending) > MOST_PENDING:
            self.ended = True
        self.wake.set()

    def _kind(self, change: Change) -> str | None:
        test = self._test
        if test is None:
            return change.kind
        now = change.kind != "DELETED" and test(change.document)
        before = change.before is not None and test(change.before)
        if now:
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else None

    def tell(self, line: bytes) -> None:
        """Send a line that is no change: a bookmark, an error, an object at the start."""
        self._pending.append(line)
        self.wake.set()

    def end(self) -> None:
        """Let the client's connection end after what is pending."""
        self.ended = True
        self.wake.set()

    def take(self) -> bytes:
        """Everything pending, as one piece."""
        pending, self._pending = self._pending, []
        self.wake.clear()
        return b"".join(pending)


class Watches:
    """Who watches what."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: dict[tuple[Resource, str | None], set[Watcher]] = defaultdict(set)
        store.subscribe(self._spread)

    def _spread(self, change: Change) -> None:
        namespace = change.document["metadata"].get("namespace", "")
        for watcher in self._watchers.get((change.resource, None), ()):
            watcher.offer(change)
        for watcher in self._watchers.get((change.resource, namespace), ()):
            watcher.offer(change)

    def open(self, resource: Resource, namespace: str | None, test: Test | None, version: int) -> Watcher:
        """Start a watch after a version.

        Raises:
            ApiRefusal: The version is too old (410).
        """
        watcher = Watcher(resource, test)
        for change in self._store.since(resource, version):
            if namespace is None or change.document["metadata"].get("namespace", "") == namespace:
                watcher.offer(change)
        watcher.version = max(watcher.version, version)
        self._watchers[resource, namespace].add(watcher)
        return watcher

    def open_with_state(self, resource: Resource, namespace: str | None, test: Test | None) -> Watcher:
        """Start a watch that first tells every object there is."""
        watcher = Watcher(resource, test)
        for entry in self._store.entries(resource, namespace):
            if test is None or test(entry.document):
                watcher.tell(watch_line("ADDED", entry.data))
        watcher.version = self._store.version
        self._watchers[resource, namespace].add(watcher)
        return watcher

    def close(self, watcher: Watcher) -> None:
        """End a watch."""
        for watchers in self._watchers.values():
            watchers.discard(watcher)

    def end_all(self, resource: Resource | None = None) -> int:
        """Let every watch (of a kind) end; returns how many there were."""
        ended = [
            watcher
            for (kind, _), watchers in self._watchers.items()
            if resource in (None, kind)
            for watcher in watchers
        ]
        for watcher in ended:
            watcher.end()
        return len(ended)

    @property
    def count(self) -> int:
        """How many watches are open."""
        return sum(len(watchers) for watchers in self._watchers.values())


def bookmark(resource: Resource, version: int, *, initial: bool = False) -> bytes:
    """The line that tells a client how far it is; ``initial`` marks the end of the first state."""
    metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
    if initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    document = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return watch_line("BOOKMARK", encoded(document))
