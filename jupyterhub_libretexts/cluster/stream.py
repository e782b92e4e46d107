"""Keep one kind of object current: list it, watch it, and begin again, for ever.

A stream ends only when it is cancelled (or, if asked, when it is refused): an API server that is away, a
namespace that is missing and rights that are not there yet are all waited for, at a growing distance.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from jupyterhub_libretexts.cluster.connection import ApiFailure, Connection
from jupyterhub_libretexts.cluster.listing import Breather, ListReader
from jupyterhub_libretexts.errors import ClusterUnavailable

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from jupyterhub_libretexts.cluster.turns import Turns

__all__ = ["Condition", "Pace", "Scope", "Stream", "Target"]

FORBIDDEN: Final = 403
MISSING: Final = 404
GONE: Final = 410
# After so many failures in a row the version that we would resume from is doubted and all is listed
# anew: a cluster restored from a backup counts its versions from an earlier number.
DOUBTFUL_FAILURES: Final = 4


class Condition(StrEnum):
    """How a stream stands."""

    STARTING = "starting"
    """Nothing was read yet."""
    CURRENT = "current"
    """It knows what the API server knows."""
    RETRYING = "retrying"
    """The API server is away; what is known is as old as ``age`` says."""
    REFUSED = "refused"
    """The hub has no right to read this; asked again from time to time."""
    MISSING = "missing"
    """The namespace does not exist; asked again from time to time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """All waiting times, in seconds, and sizes; tests shorten them."""

    first_retry: float = 0.2
    """The wait after a first failure; it doubles with each further one."""
    longest_retry: float = 30.0
    """The longest wait between two tries."""
    watch: float = 300.0
    """How long the API server is asked to keep a watch open."""
    silence: float = 90.0
    """After how long without a byte (bookmarks come every minute) a connection counts as dead."""
    settling: float = 10.0
    """How long what was allowed may be refused by an API server that has just begun: it answers before it
    has read its rules (kubernetes/plugin/pkg/auth/authorizer/rbac)."""
    chunk: int = 500
    """Items of one page of a list."""
    watches: int = 1000
    """Watch connections at once; beyond, they are shared in turns."""
    turn: float = 5.0
    """The shortest turn when watches share connections."""
    sweep: float = 30.0
    """How often what nobody needs any more is dropped."""
    idle_namespace: float = 900.0
    """After how long without a pod, a reader or a question a namespace is no longer watched."""
    heartbeat: float = 2.0
    """How often the API server is asked for a sign of life, where somebody must know how fresh things are."""
    probe: float = 600.0
    """How often, when only namespaces may be read, the right to read all of them is tried again."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a stream watches."""

    plural: str
    """``pods``, ``events`` or ``nodes``."""
    namespace: str | None
    """One namespace; None for all."""
    selectors: Mapping[str, str] = field(default_factory=dict)
    """``labelSelector`` or ``fieldSelector`` as the API takes them."""

    @property
    def path(self) -> str:
        """The collection's address."""
        return (
            f"/api/v1/{self.plural}"
            if self.namespace is None
            else (f"/api/v1/namespaces/{self.namespace}/{self.plural}")
        )

    def __str__(self) -> str:
        if self.plural == "nodes":
            return "nodes"
        return f"{self.plural} of " + (
            "all namespaces" if self.namespace is None else f"namespace {self.namespace}"
        )


class Target(Protocol):
    """Where a stream puts what it reads."""

    def put(self, thing: dict[str, Any], *, listed: bool) -> str:
        """Take in an object; return its key."""

    def drop(self, thing: dict[str, Any]) -> None:
        """The object was deleted."""

    def settle(self, namespace: str | None, version: str, seen: set[str]) -> None:
        """A whole list was read, which held exactly ``seen``."""


class Stream:
    """One kind of object in one scope.

    Args:
        connection: The way to the API server.
        scope: What to watch.
        target: What to tell.
        pace: Waiting times.
        turns: The watch connections that all streams share.
        log: Where changes of condition are said, once each.
        changed: Called after each change of condition.
    """

    def __init__(
        self,
        connection: Connection,
        scope: Scope,
        target: Target,
        *,
        pace: Pace,
        turns: Turns,
        log: logging.Logger,
        changed: Callable[[], None],
    ) -> None:
        self.scope = scope
        self.condition = Condition.STARTING
        """How it stands."""
        self.problem = ""
        """Why it is not current."""
        self.ready = asyncio.Event()
        """Set once everything was read for the first time."""
        self._connection = connection
        self._target = target
        self._pace = pace
        self._turns = turns
        self._log = log
        self._changed = changed
        self._confirmed = -math.inf
        self._version: str | None = None
        self._failures = 0
        self._watched = False
        """Whether it was ever allowed to watch; a list says nothing about that."""
        self._refused_since: float | None = None
        self._poked = asyncio.Event()

    def age(self) -> float:
        """Seconds since the API server last confirmed what is known; infinite before the first list."""
        return asyncio.get_running_loop().time() - self._confirmed

    def poke(self) -> None:
        """Somebody needs this now: a long wait for rights or a namespace ends early."""
        if self.condition in {Condition.REFUSED, Condition.MISSING}:
            self._poked.set()

    async def run(self, *, until_refused: bool = False) -> None:
        """Keep the target current until cancelled.

        Args:
            until_refused: Raise when the API server forbids, rather than to wait for the right.

        Raises:
            ApiFailure: Status 403, with ``until_refused`` only.
        """
        while True:
            try:
                if self._version is None:
                    self._version = await self._list()
                await self._watch()
            except ApiFailure as failure:
                if failure.status == GONE:
                    self._version = None
                    if self.condition is Condition.CURRENT:
                        self._condition(Condition.RETRYING, "the list is read anew")
                        continue
                elif failure.status == FORBIDDEN and until_refused and self._refused_for_good():
                    raise
                await self._rest(failure, failure.retry_after or 0.0)
            except ClusterUnavailable as failure:
                await self._rest(failure)
            except Exception as failure:  # noqa: BLE001 - see below
                # Whatever an answer makes fail in here must not end the watch without a word: polls
                # would read old pods for ever.
                self._log.exception("Reading %s failed; it is read anew", self.scope)
                self._version = None
                await self._rest(failure)

    def _refused_for_good(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._refused_since is None:
            self._refused_since = now
        return not self._watched or now - self._refused_since >= self._pace.settling

    async def _list(self) -> str:
        """Read all objects page by page; return the version to watch from."""
        seen: set[str] = set()
        params = {**self.scope.selectors, "limit": str(self._pace.chunk)}
        breather = Breather()
        while True:
            reader = ListReader(await self._connection.page(self.scope.path, params))
            for thing in reader:
                seen.add(self._target.put(thing, listed=True))
                await breather.breathe()
            token = reader.metadata.get("continue")
            if not token:
                break
            params["continue"] = token
        version = str(reader.metadata.get("resourceVersion") or "")
        self._target.settle(self.scope.namespace, version, seen)
        self.ready.set()
        self._changed()
        self._confirm()
        return version

    async def _watch(self) -> None:
        params = {
            **self.scope.selectors,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version or "",
            # Spread, so that two hundred watches that began together do not end together.
            "timeoutSeconds": str(math.ceil(self._pace.watch * random.uniform(0.75, 1.0))),  # noqa: S311
        }
        breather = Breather()
        async with (
            self._turns.turn() as opened,
            self._connection.watch(self.scope.path, params, self._pace.silence) as batches,
        ):
            opened()
            self._watched, self._refused_since = True, None
            self._confirm()
            async for lines in batches:
                self._confirm()
                for line in lines:
                    if line.strip():
                        self._take(json.loads(line))
                        await breather.breathe()

    def _take(self, told: dict[str, Any]) -> None:
        """Act on one line of a watch."""
        kind, thing = told["type"], told["object"]
        if kind == "ERROR":
            raise ApiFailure.of_status(thing)
        if kind == "DELETED":
            self._target.drop(thing)
        elif kind != "BOOKMARK":
            self._target.put(thing, listed=False)
        self._version = thing["metadata"]["resourceVersion"]

    def _confirm(self) -> None:
        self._confirmed = asyncio.get_running_loop().time()
        self._failures = 0
        self._condition(Condition.CURRENT, "")

    async def _rest(self, failure: Exception, at_least: float = 0.0) -> None:
        """Note a failure and wait before the next try, longer each time, never the same as others do."""
        status = failure.status if isinstance(failure, ApiFailure) else 0
        condition = {FORBIDDEN: Condition.REFUSED, MISSING: Condition.MISSING}.get(status, Condition.RETRYING)
        self._failures += 1
        if self._failures >= DOUBTFUL_FAILURES or condition is not Condition.RETRYING:
            self._version = None
        self._condition(condition, str(failure))
        longest = min(self._pace.longest_retry, self._pace.first_retry * 2 ** min(self._failures, 16))
        wait = max(at_least, random.uniform(longest / 2, longest))  # noqa: S311 - spreads load, no secret
        self._poked.clear()
        try:
            async with asyncio.timeout(wait):
                # Not less than one first retry, so that a crowd of questions is not a crowd of requests.
                await asyncio.sleep(min(wait, self._pace.first_retry))
                await self._poked.wait()
        except TimeoutError:
            pass

    def _condition(self, condition: Condition, problem: str) -> None:
        if condition is not self.condition:
            if condition is not Condition.CURRENT:
                self._log.warning(
                    "Watching %s: %s (%s); trying again until it works", self.scope, condition, problem
                )
            elif self.condition is not Condition.STARTING:
                self._log.warning("Watching %s: %s again", self.scope, condition)
        changed = condition is not self.condition
        self.condition, self.problem = condition, problem
        if changed:
            self._changed()
