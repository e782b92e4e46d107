"""The objects of the cluster, their versions, and what changed in which order.

Objects are never changed in place: a write replaces the document, so that lists, watches and
snapshots share documents and their encoded bytes. Who may write what is decided elsewhere.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .answers import expired
from .resources import RESOURCES, Resource

Document = dict[str, Any]
Key = tuple[str, str]
"""Namespace (empty for kinds without one) and name."""


def encoded(document: Any) -> bytes:
    """A document as the server sends it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored object."""

    document: Document
    data: bytes


@dataclass(slots=True)
class Change:
    """One write, as watches tell it. Nobody alters one; its lines are made once and shared."""

    version: int
    kind: str
    """ADDED, MODIFIED or DELETED."""
    resource: Resource
    document: Document
    before: Document | None
    data: bytes
    _lines: dict[str, bytes] = field(default_factory=dict)

    def line(self, kind: str) -> bytes:
        """The line of a watch, under the given kind."""
        found = self._lines.get(kind)
        if found is None:
            found = self._lines[kind] = watch_line(kind, self.data)
        return found


def watch_line(kind: str, data: bytes) -> bytes:
    """One event of a watch as it goes over the wire."""
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), data)


Subscriber = Callable[[Change], None]


class Store:
    """Every object of the cluster, and the recent changes of each kind."""

    def __init__(self, history: int = 20_000) -> None:
        self.version = 1
        self._entries: dict[Resource, dict[Key, Entry]] = {each: {} for each in RESOURCES}
        self._namespaced: dict[tuple[Resource, str], dict[str, Entry]] = defaultdict(dict)
        self._history: dict[Resource, deque[Change]] = {each: deque(maxlen=history) for each in RESOURCES}
        self._forgotten: dict[Resource, int] = dict.fromkeys(RESOURCES, 0)
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call for every change, at once and in order; a subscriber never writes itself."""
        self._subscribers.append(subscriber)

    def get(self, resource: Resource, key: Key) -> Entry | None:
        """One object, or None."""
        return self._entries[resource].get(key)

    def document(self, resource: Resource, namespace: str, name: str) -> Document | None:
        """One object's document, or None."""
        entry = self._entries[resource].get((namespace, name))
        return entry.document if entry else None

    def entries(self, resource: Resource, namespace: str | None = None) -> list[Entry]:
        """The objects of a kind in the server's order, of one namespace or of all (None)."""
        if namespace is None:
            every = self._entries[resource]
            return [every[key] for key in sorted(every)]
        inside = self._namespaced[resource, namespace]
        return [inside[name] for name in sorted(inside)]

    def documents(self, resource: Resource, namespace: str | None = None) -> Iterator[Document]:
        """The documents of a kind, in no particular order; safe against writes meanwhile."""
        held = self._entries[resource] if namespace is None else self._namespaced[resource, namespace]
        return iter([entry.document for entry in held.values()])

    def count(self, resource: Resource, namespace: str | None = None) -> int:
        """How many objects there are."""
        return len(self._entries[resource] if namespace is None else self._namespaced[resource, namespace])

    def write(self, resource: Resource, document: Document) -> Document:
        """Store an object under a new version."""
        metadata = document["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        self.version += 1
        document = {**document, "metadata": {**metadata, "resourceVersion": str(self.version)}}
        before = self._entries[resource].get(key)
        entry = Entry(document, encoded(document))
        self._entries[resource][key] = entry
        self._namespaced[resource, key[0]][key[1]] = entry
        kind = "MODIFIED" if before else "ADDED"
        self._tell(
            Change(self.version, kind, resource, document, before.document if before else None, entry.data)
        )
        return document

    def remove(self, resource: Resource, key: Key) -> Document:
        """Take an object away; its last document carries the version of the removal."""
        before = self._entries[resource].pop(key)
        del self._namespaced[resource, key[0]][key[1]]
        self.version += 1
        last = {
            **before.document,
            "metadata": {**before.document["metadata"], "resourceVersion": str(self.version)},
        }
        self._tell(Change(self.version, "DELETED", resource, last, before.document, encoded(last)))
        return last

    def _tell(self, change: Change) -> None:
        history = self._history[change.resource]
        if len(history) == history.maxlen:
            self._forgotten[change.resource] = history[0].version
        history.append(change)
        for subscriber in self._subscribers:
            subscriber(change)

    def since(self, resource: Resource, version: int) -> list[Change]:
        """The changes of a kind after a version.

        Raises:
            ApiRefusal: The version is older than what is remembered (410).
        """
        if version < self._forgotten[resource]:
            raise expired(f"too old resource version: {version} ({self._forgotten[resource]})")
        found: list[Change] = []
        for change in reversed(self._history[resource]):
            if change.version <= version:
                break
            found.append(change)
        found.reverse()
        return found

    def forget(self, resource: Resource | None = None) -> None:
        """Drop the history, as compaction does: older versions answer 410 from now on."""
        for each in [resource] if resource else RESOURCES:
            self._history[each].clear()
            self._forgotten[each] = self.version
