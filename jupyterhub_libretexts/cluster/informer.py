"""One informer for all namespaces of a hub: its pods and their events, current without asking.

It watches cluster-wide where the hub may (one list and watch for pods, one for events), and otherwise
each namespace that somebody asked for. Which of the two, it finds out itself and says once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Final

from jupyterhub_libretexts.cluster.capacity import Capacity
from jupyterhub_libretexts.cluster.connection import ApiFailure, Connection
from jupyterhub_libretexts.cluster.indexes import EventIndex, PodIndex
from jupyterhub_libretexts.cluster.objects import Event, Pod, ref_of
from jupyterhub_libretexts.cluster.stream import Condition, Pace, Scope, Stream, Target
from jupyterhub_libretexts.cluster.turns import Turns
from jupyterhub_libretexts.cluster.waiting import Listeners, Subscription
from jupyterhub_libretexts.errors import ClusterUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Informer"]

USERNAME_LABEL: Final = "hub.jupyter.org/username"
SERVERS: Final = {"component": "singleuser-server"}
EVENTS_OF_PODS: Final = "involvedObject.kind=Pod"
READY_SECONDS: Final = 15.0


@dataclass(slots=True)
class _Watched:
    """One namespace that is watched by itself, or all of them together."""

    pods: Stream
    events: Stream
    task: asyncio.Task[None] | None = None

    async def run(self, *, until_refused: bool = False) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.pods.run(until_refused=until_refused))
            # Pods first: an event is kept for as long as its pod is known.
            await self.pods.ready.wait()
            group.create_task(self.events.run(until_refused=until_refused))

    def cancel(self) -> None:
        """Stop watching."""
        if self.task is not None:
            self.task.cancel()

    @property
    def loaded(self) -> bool:
        """Whether everything was read at least once."""
        return self.pods.ready.is_set() and self.events.ready.is_set()


class Informer:
    """What the hub knows about its cluster.

    Args:
        connection: The way to the API server; the informer closes it with itself.
        pod_labels: The labels that our pods carry.
        indexed_labels: The label keys that :meth:`by_label` answers for.
        pace: Waiting times and bounds.
        log: Where changes are said, once each.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        pod_labels: Mapping[str, str] = SERVERS,
        indexed_labels: Iterable[str] = (USERNAME_LABEL,),
        pace: Pace = Pace(),  # noqa: B008 - frozen
        log: logging.Logger | None = None,
    ) -> None:
        self.connection = connection
        self._pace = pace
        self._log = log or logging.getLogger(__name__)
        self._listeners = Listeners()
        self._observers: list[Callable[[str, Pod | None], None]] = []
        self._pods = PodIndex(self._pod_changed, indexed_labels)
        self._events = EventIndex(self._listeners.tell, self._pods.__contains__, time.monotonic)
        self._selector = ",".join(f"{key}={value}" for key, value in pod_labels.items())
        self._turns = Turns(pace.watches, pace.turn)
        self._everything: _Watched | None = None
        self._namespaces: dict[str, _Watched] = {}
        self._wanted: dict[str, float] = {}
        self._group: asyncio.TaskGroup | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._news = asyncio.Event()
        self.capacity = Capacity(connection, self._stream, pace.heartbeat)
        """What the nodes have; counts from the first time on that somebody asks."""

    @property
    def pods(self) -> Mapping[str, Pod]:
        """All known pods by ``namespace/name``; read-only."""
        return self._pods.view

    def pod(self, namespace: str, name: str) -> Pod | None:
        """One pod, or None when there is none."""
        return self._pods.view.get(ref_of(namespace, name))

    def by_label(self, key: str, value: str) -> list[Pod]:
        """The pods whose label ``key`` is ``value``; KeyError when ``key`` is not indexed."""
        return self._pods.by_label(key, value)

    def events(self, namespace: str, name: str, uid: str | None = None) -> list[Event]:
        """What the cluster told about one pod, oldest first; with ``uid``, nothing about a namesake."""
        return self._events.of(ref_of(namespace, name), uid)

    def age(self, namespace: str) -> float:
        """How many seconds ago the API server last confirmed what is known about ``namespace``'s pods."""
        watched = self._watching(namespace)
        return math.inf if watched is None else watched.pods.age()

    def condition(self, namespace: str) -> tuple[Condition, str]:
        """How the knowledge about ``namespace`` stands, and the reason when it is not current."""
        watched = self._watching(namespace)
        if watched is None:
            return Condition.STARTING, "not watched yet"
        return watched.pods.condition, watched.pods.problem

    def fresh(self, namespaces: Iterable[str]) -> bool:
        """Whether what is known of these namespaces' pods is the present, or at most five seconds old.

        Signs of life are listened for once ``capacity`` counts; before, the answer is no.
        """
        return self.capacity.answers and all(
            self.condition(namespace)[0] is Condition.CURRENT for namespace in namespaces
        )

    @property
    def cluster_wide(self) -> bool:
        """Whether all namespaces are watched together; False also until that is known."""
        return self._everything is not None and self._everything.loaded

    def observe(self, observer: Callable[[str, Pod | None], None]) -> None:
        """Tell ``observer`` of every pod that is known and of every change, as ``namespace/name`` and pod.

        The pod is None when it is gone. The observer is called from the watch and must be quick.
        """
        self._observers.append(observer)
        for ref, pod in self.pods.items():
            observer(ref, pod)

    def start(self) -> None:
        """Begin to watch; returns at once. Call it from the loop that the informer shall live in."""
        if self._task is None:
            self._closing = False
            self._task = asyncio.create_task(self._run(), name="libretexts-informer")

    async def close(self) -> None:
        """End all watches and close all connections."""
        await self.capacity.close()
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.connection.close()

    async def ensure(self, namespace: str, timeout: float = READY_SECONDS) -> None:  # noqa: ASYNC109
        """Return once the pods and events of ``namespace`` are known; instantly when they are already.

        Raises:
            ClusterUnavailable: They could not be read within ``timeout`` seconds; says why.
        """
        self._wanted[namespace] = asyncio.get_running_loop().time()
        watched = self._watching(namespace) or self._open(namespace)
        if watched is not None and watched.loaded:
            return
        if watched is not None:
            watched.pods.poke()
            watched.events.poke()
        try:
            async with asyncio.timeout(timeout):
                while not self._is_loaded(namespace):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            condition, problem = self.condition(namespace)
            raise ClusterUnavailable(
                f"The servers of namespace {namespace} cannot be read ({condition}: {problem})"
            ) from None

    def remember(self, pod: Pod) -> None:
        """Take in a pod that a request of ours was answered with, unless the watch knows better."""
        self._pods.put(pod)

    def forget(self, namespace: str, name: str) -> None:
        """A request of ours was told that this pod does not exist."""
        pod = self.pod(namespace, name)
        if pod is not None:
            self._pods.drop(pod)

    async def wait_for(
        self,
        namespace: str,
        name: str,
        predicate: Callable[[Pod | None], bool],
        timeout: float | None,  # noqa: ASYNC109 - the deadline belongs to the question
    ) -> Pod | None:
        """Wait until ``predicate`` is true of a pod (None when it does not exist), and return the pod.

        The predicate is asked at once, and then whenever the pod or its events change.

        Raises:
            TimeoutError: It did not become true within ``timeout`` seconds.
        """
        with self.subscribe(namespace, name) as changes:
            async with asyncio.timeout(timeout):
                while not predicate(pod := self.pod(namespace, name)):
                    await changes.next()
        return pod

    def subscribe(self, namespace: str, name: str) -> Subscription:
        """Changes of one pod or its events, to wait for; see :class:`Subscription`."""
        return Subscription(self._listeners, ref_of(namespace, name))

    def _watching(self, namespace: str) -> _Watched | None:
        return self._everything or self._namespaces.get(namespace)

    def _is_loaded(self, namespace: str) -> bool:
        watched = self._watching(namespace)
        return watched is not None and watched.loaded

    def _pod_changed(self, ref: str) -> None:
        if ref in self._pods:
            self._events.adopt(ref)
        else:
            self._events.disown(ref)
        pod = self._pods.view.get(ref)
        for observer in self._observers:
            observer(ref, pod)
        self._listeners.tell(ref)

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._sweep())
                group.create_task(self._watch())
        finally:
            await self.connection.close()

    async def _watch(self) -> None:
        for way in cycle((self._watch_everything, self._watch_namespaces)):
            # A cancellation that meets the end of a TaskGroup is lost before Python 3.13 (CPython gh-116720).
            if self._closing:
                return
            await way()

    async def _watch_everything(self) -> None:
        """Watch all namespaces together; return when the API server forbids it."""
        self._everything = self._new(None)
        try:
            await self._everything.run(until_refused=True)
        except* ApiFailure as refused:
            self._log.warning(
                "The hub may not read the pods and events of all namespaces (%s), so it watches each "
                "namespace by itself. A read-only ClusterRole for pods and events needs fewer connections.",
                refused.exceptions[0],
            )
        finally:
            self._everything = None
            self._news.set()

    async def _watch_namespaces(self) -> None:
        """Watch each wanted namespace by itself; return when all may be read together."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                for namespace in self._wanted:
                    self._open(namespace)
                await self._until_allowed()
            finally:
                self._group = None
            for watched in self._namespaces.values():
                watched.cancel()
        self._namespaces.clear()
        self._log.warning("The hub may read all namespaces now and watches them together.")

    async def _until_allowed(self) -> None:
        while True:
            await asyncio.sleep(self._pace.probe)
            try:
                for scope in self._scopes(None):
                    await self.connection.page(scope.path, {**scope.selectors, "limit": "1"})
                    watch = {
                        **scope.selectors,
                        "watch": "true",
                        "resourceVersion": "0",
                        "timeoutSeconds": "1",
                    }
                    async with self.connection.watch(scope.path, watch, self._pace.silence):
                        pass
            except (ApiFailure, ClusterUnavailable):
                continue
            return

    def _scopes(self, namespace: str | None) -> tuple[Scope, Scope]:
        return (
            Scope("pods", namespace, {"labelSelector": self._selector}),
            Scope("events", namespace, {"fieldSelector": EVENTS_OF_PODS}),
        )

    def _new(self, namespace: str | None) -> _Watched:
        pods, events = self._scopes(namespace)
        told = self._news.set
        return _Watched(self._stream(pods, self._pods, told), self._stream(events, self._events, told))

    def _stream(self, scope: Scope, target: Target, changed: Callable[[], None]) -> Stream:
        return Stream(
            self.connection,
            scope,
            target,
            pace=self._pace,
            turns=self._turns,
            log=self._log,
            changed=changed,
        )

    def _open(self, namespace: str) -> _Watched | None:
        """Begin to watch one namespace, when namespaces are watched by themselves."""
        if self._group is None:
            return None
        watched = self._namespaces[namespace] = self._new(namespace)
        watched.task = self._group.create_task(watched.run())
        return watched

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._pace.sweep)
            self._events.sweep()
            self._retire()

    def _retire(self) -> None:
        """Stop watching namespaces that have no pod and that nobody asked for in a long time."""
        long_ago = asyncio.get_running_loop().time() - self._pace.idle_namespace
        idle = {namespace for namespace, asked in self._wanted.items() if asked < long_ago}
        for namespace in idle - self._pods.namespaces() - self._listeners.namespaces():
            del self._wanted[namespace]
            watched = self._namespaces.pop(namespace, None)
            if watched is not None:
                watched.cancel()
                self._events.release(namespace)
