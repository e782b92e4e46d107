"""Events as the kubelet and the scheduler write them."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .registry import now
from .resources import EVENTS

if TYPE_CHECKING:
    from .store import Store

Document = dict[str, Any]

SCHEDULER = "default-scheduler"
_REMEMBERED = 4096
"""Events that a repetition is counted on instead of written anew, as in the real recorder."""


def reference(document: Document, field_path: str = "") -> Document:
    """How an event names the object that it is about."""
    metadata = document["metadata"]
    about = {
        "kind": document["kind"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": document["apiVersion"],
        "resourceVersion": metadata["resourceVersion"],
    }
    return {**about, "fieldPath": field_path} if field_path else about


class Recorder:
    """Writes events, counting what repeats."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: OrderedDict[tuple[str, ...], tuple[str, str]] = OrderedDict()

    def record(
        self,
        document: Document,
        kind: str,
        reason: str,
        message: str,
        *,
        container: str = "",
        component: str = "kubelet",
        host: str = "",
    ) -> None:
        """Tell something about an object in the manner of the kubelet and the controllers.

        Args:
            document: The object.
            kind: Normal or Warning.
            reason: One word.
            message: The text.
            container: The part of the pod, as ``spec.containers{NAME}``.
            component: Who says so.
            host: The node, for the kubelet.
        """
        key = (document["metadata"]["uid"], component, kind, reason, message, container)
        if (held := self._repeated(key)) is not None:
            self._store.write(EVENTS, {**held, "count": held["count"] + 1, "lastTimestamp": now()})
            return
        source = {"component": component, **({"host": host} if host else {})}
        moment = now()
        about = reference(document, container)
        extra = {
            "source": source,
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "count": 1,
            "eventTime": None,
            "reportingComponent": component,
            "reportingInstance": host,
        }
        self._new(key, about, {"type": kind, "reason": reason, "message": message, **extra})

    def scheduled(self, document: Document, kind: str, reason: str, message: str, action: str) -> None:
        """Tell something in the manner of the scheduler: no first and last time, a series instead."""
        key = (document["metadata"]["uid"], SCHEDULER, kind, reason, message, "")
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if (held := self._repeated(key)) is not None:
            count = (held.get("series") or {}).get("count", 1) + 1
            self._store.write(EVENTS, {**held, "series": {"count": count, "lastObservedTime": moment}})
            return
        extra: Document = {
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "eventTime": moment,
            "action": action,
            "reportingComponent": SCHEDULER,
            "reportingInstance": f"{SCHEDULER}-embedded",
        }
        self._new(key, reference(document), {"type": kind, "reason": reason, "message": message, **extra})

    def _repeated(self, key: tuple[str, ...]) -> Document | None:
        where = self._known.get(key)
        return None if where is None else self._store.document(EVENTS, *where)

    def _new(self, key: tuple[str, ...], about: Document, body: Document) -> None:
        namespace = about["namespace"] or "default"
        name = f"{about['name']}.{time.time_ns():x}"
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": str(uuid.uuid4()),
            "creationTimestamp": now(),
        }
        self._known[key] = (namespace, name)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        head = {"kind": "Event", "apiVersion": "v1", "metadata": metadata, "involvedObject": about}
        self._store.write(EVENTS, {**head, **body})
