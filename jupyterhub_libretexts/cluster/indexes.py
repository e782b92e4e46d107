"""What the hub knows about its pods and their events, found by pod and not by searching.

Both indexes are told what the API server says, in whatever order it arrives, and keep the newest.
They do no I/O; ``changed`` is called with a pod's key whenever something about that pod became different.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from jupyterhub_libretexts.cluster.objects import (
    Event,
    Pod,
    at_least,
    pod_of,
    ref_of,
    trimmed_event,
    trimmed_pod,
    version_of,
)

__all__ = ["EventIndex", "PodIndex"]

REMEMBERED_DELETIONS: Final = 4096
EVENTS_PER_POD: Final = 64
PODS_WITHOUT_OWNER: Final = 2000
KEEP_SECONDS: Final = 600.0

Changed = Callable[[str], None]


class PodIndex:
    """Pods by ``namespace/name`` and by the labels that are counted.

    Args:
        changed: Called with the key of a pod that appeared, changed or went away.
        labels: The label keys that :meth:`by_label` answers for.
    """

    def __init__(self, changed: Changed, labels: Iterable[str] = ()) -> None:
        self._changed = changed
        self._pods: dict[str, Pod] = {}
        self._labels: dict[str, dict[str, set[str]]] = {key: {} for key in labels}
        self._gone: OrderedDict[str, None] = OrderedDict()
        self.view: Mapping[str, Pod] = MappingProxyType(self._pods)

    def __contains__(self, ref: str) -> bool:
        return ref in self._pods

    def by_label(self, key: str, value: str) -> list[Pod]:
        """The pods whose label ``key`` is ``value``; KeyError for a label that is not indexed."""
        return [self._pods[ref] for ref in self._labels[key].get(value, ())]

    def namespaces(self) -> set[str]:
        """The namespaces that have a pod."""
        return {ref.partition("/")[0] for ref in self._pods}

    def put(self, pod: Pod, *, listed: bool = False) -> str:  # noqa: ARG002 - a pod's order does not matter
        """Take in a pod unless something newer is known; return its key.

        A pod that is known to be deleted does not come back: its ``uid`` is never given again.
        """
        metadata = pod["metadata"]
        ref = ref_of(metadata["namespace"], metadata["name"])
        known = self._pods.get(ref)
        if metadata.get("uid") in self._gone or (
            known is not None and not at_least(version_of(pod), version_of(known))
        ):
            return ref
        if known is not None and version_of(pod) == version_of(known) != "":
            return ref
        self._pods[ref] = kept = trimmed_pod(pod)
        self._file(ref, known, kept)
        self._changed(ref)
        return ref

    def drop(self, pod: Pod) -> None:
        """A pod is deleted; one of the same name that came after it stays."""
        metadata = pod["metadata"]
        ref = ref_of(metadata["namespace"], metadata["name"])
        known = self._pods.get(ref)
        uid = metadata.get("uid")
        self._bury(uid)
        if known is not None and (uid is None or known["metadata"].get("uid") in {uid, None}):
            self._remove(ref, known)

    def settle(self, namespace: str | None, version: str, seen: set[str]) -> None:
        """A complete list was read: forget what it did not hold, unless learned after it was made.

        Args:
            namespace: The namespace that was listed; None for all.
            version: The list's resourceVersion.
            seen: The keys that it held.
        """
        prefix = "" if namespace is None else f"{namespace}/"
        missing = [ref for ref in self._pods if ref not in seen and ref.startswith(prefix)]
        for ref in missing:
            pod = self._pods[ref]
            own = version_of(pod)
            if at_least(version, own) or not own:
                self._bury(pod["metadata"].get("uid"))
                self._remove(ref, pod)

    def _remove(self, ref: str, pod: Pod) -> None:
        del self._pods[ref]
        self._file(ref, pod, None)
        self._changed(ref)

    def _bury(self, uid: str | None) -> None:
        if uid:
            self._gone[uid] = None
            if len(self._gone) > REMEMBERED_DELETIONS:
                self._gone.popitem(last=False)

    def _file(self, ref: str, before: Pod | None, after: Pod | None) -> None:
        """Keep the label index in step with a pod that changed."""
        for key, values in self._labels.items():
            old, new = _label(before, key), _label(after, key)
            if old == new:
                continue
            if old is not None:
                values[old].discard(ref)
                if not values[old]:
                    del values[old]
            if new is not None:
                values.setdefault(new, set()).add(ref)


def _label(pod: Pod | None, key: str) -> str | None:
    return None if pod is None else (pod["metadata"].get("labels") or {}).get(key)


class EventIndex:
    """Events by the pod that they tell about, in the order in which they happened.

    Memory is bounded: a pod keeps its last events, and the events of pods that are gone, or were never
    seen, are dropped after a while.

    Args:
        changed: Called with the key of a pod that something new was told about.
        is_known: Whether a pod with this key exists.
        clock: Seconds that only grow.
        per_pod: The most events kept for one pod.
        unowned: The most pods without a pod (gone, or not seen yet) whose events are kept.
        keep_seconds: How long those are kept.
    """

    def __init__(
        self,
        changed: Changed,
        is_known: Callable[[str], bool],
        clock: Callable[[], float],
        *,
        per_pod: int = EVENTS_PER_POD,
        unowned: int = PODS_WITHOUT_OWNER,
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        self._changed = changed
        self._is_known = is_known
        self._clock = clock
        self._per_pod = per_pod
        self._unowned_limit = unowned
        self._keep_seconds = keep_seconds
        self._logs: dict[str, dict[str, Event]] = {}
        self._unsorted: set[str] = set()
        self._unowned: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._logs.values()))

    def of(self, ref: str, uid: str | None = None) -> list[Event]:
        """The events of one pod, oldest first; with ``uid``, only of that pod and no namesake before it."""
        log = self._logs.get(ref)
        if log is None:
            return []
        if ref in self._unsorted:
            self._unsorted.discard(ref)
            ordered = sorted(log.items(), key=lambda item: _order(item[1]))
            log.clear()
            log.update(ordered)
        if uid is None:
            return list(log.values())
        return [event for event in log.values() if event["involvedObject"].get("uid") in {uid, None}]

    def put(self, event: Event, *, listed: bool = False) -> str:
        """Take in an event; ``listed`` when it comes from a list, which is not ordered by time."""
        ref = pod_of(event)
        if ref is None:
            return ""
        log = self._logs.get(ref)
        if log is None:
            log = self._logs[ref] = {}
            if not self._is_known(ref):
                self._disown(ref)
        name = event["metadata"]["name"]
        known = log.get(name)
        if known is not None:
            if version_of(known) == version_of(event) or not at_least(version_of(event), version_of(known)):
                return ref
            del log[name]  # told again: it moves to the end
        log[name] = trimmed_event(event)
        if listed:
            self._unsorted.add(ref)
        if len(log) > self._per_pod:
            if ref in self._unsorted:
                self.of(ref)
            del log[next(iter(log))]
        self._changed(ref)
        return ref

    def drop(self, event: Event) -> None:
        """The server keeps events for an hour and then deletes them; so do we."""
        ref = pod_of(event)
        log = self._logs.get(ref or "")
        if log is not None and log.pop(event["metadata"]["name"], None) is not None and not log:
            self._drop(ref or "")

    def settle(self, namespace: str | None, version: str, seen: set[str]) -> None:
        """Events that a list no longer holds have only expired: what they told stays true."""

    def adopt(self, ref: str) -> None:
        """A pod exists: its events stay as long as it does."""
        self._unowned.pop(ref, None)

    def disown(self, ref: str) -> None:
        """A pod is gone: its events are still readable for a while, to say why."""
        if ref in self._logs and ref not in self._unowned:
            self._disown(ref)

    def sweep(self) -> None:
        """Drop the events of pods that have been gone for long."""
        now = self._clock()
        while self._unowned:
            ref, since = next(iter(self._unowned.items()))
            if now - since < self._keep_seconds:
                return
            self._drop(ref)

    def release(self, namespace: str) -> None:
        """Drop everything about a namespace that is no longer watched."""
        for ref in [ref for ref in self._logs if ref.startswith(f"{namespace}/")]:
            self._drop(ref)

    def _disown(self, ref: str) -> None:
        self._unowned[ref] = self._clock()
        if len(self._unowned) > self._unowned_limit:
            self._drop(next(iter(self._unowned)))

    def _drop(self, ref: str) -> None:
        self._unowned.pop(ref, None)
        self._unsorted.discard(ref)
        self._logs.pop(ref, None)


def _order(event: Event) -> tuple[int, str]:
    """Sort by resourceVersion, the order in which the server stored them; times have whole seconds only."""
    version = version_of(event)
    stamp = event["lastTimestamp"] or event["eventTime"] or event["metadata"].get("creationTimestamp") or ""
    return (int(version) if version.isdecimal() else 0, str(stamp))
