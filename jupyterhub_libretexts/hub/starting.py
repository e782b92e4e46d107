"""Start a pod and end it: create, wait, answer, delete, each surviving a cluster that stumbles.

What the pod is was decided before; here are requests, retries and waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from jupyterhub_libretexts.cluster.connection import ApiFailure
from jupyterhub_libretexts.cluster.explain import refused, situation
from jupyterhub_libretexts.core.subjects import PREFIX
from jupyterhub_libretexts.errors import ClusterUnavailable, StartFailed

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Mapping

    from jupyterhub_libretexts.cluster.informer import Informer
    from jupyterhub_libretexts.cluster.objects import Pod
    from jupyterhub_libretexts.hub.clock import Clock

__all__ = ["START_ANNOTATION", "Starter", "answers", "overdue"]

Result = TypeVar("Result")

START_ANNOTATION = f"{PREFIX}start"
"""Tells the pod of this start from one of an earlier start with the same name."""

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 3.0
_NOT_FOUND, _CONFLICT, _TOO_MANY, _SERVER_ERROR = 404, 409, 429, 500
LOST_AFTER_SECONDS = 20.0
"""How long after its time a pod that should have ended is taken to be on a node that does not answer."""
_HASTY_REFUSALS = (
    # A controller counts a namespace's quota again after each deletion: until then a pod that is gone still
    # takes its part (kubernetes/pkg/controller/resourcequota).
    (re.compile("exceeded quota"), 3.0),
    # An API server listens before it has read who may do what, and before its admission plugins have read
    # the namespaces: kubernetes/plugin/pkg/auth/authorizer/rbac answers from what it has, and
    # k8s.io/apiserver/pkg/admission waits ten seconds and refuses.
    (re.compile(r"cannot \w+ resource"), 5.0),
    (re.compile("not yet ready to handle request"), 20.0),
)
"""What may not be the cluster's last word, and for how many seconds it may not."""
_PROBE_PAUSE = 0.03
_PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Starter:
    """The requests of one server, with the time that each may take in all."""

    informer: Informer
    namespace: str
    name: str
    retry_seconds: float
    """How long a request is tried again before it counts as failed."""
    log: logging.Logger

    @property
    def _pods(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"

    async def create(self, manifest: Mapping[str, Any]) -> Pod:
        """Create the pod; an older one with the same name is ended first.

        Raises:
            StartFailed: The cluster refuses it, in plain words.
            ClusterUnavailable: No answer in time.
        """
        mark = manifest["metadata"]["annotations"][START_ANNOTATION]

        async def attempt() -> Pod | None:
            try:
                return await self.informer.connection.create(self._pods, manifest)
            except ApiFailure as failure:
                if failure.status != _CONFLICT:
                    raise
            # It may be ours: an answer that was lost on the way is followed by this conflict.
            present = await self._read()
            if present is None:
                return None
            if (present["metadata"].get("annotations") or {}).get(START_ANNOTATION) == mark:
                return present
            self.log.info("An older pod %s/%s is in the way and is ended", self.namespace, self.name)
            await self.delete(grace=0)
            return None

        pod = await self._retried(attempt, f"The pod {self.name} could not be created")
        self.informer.remember(pod)
        return pod

    async def claim(self, manifest: Mapping[str, Any]) -> None:
        """Create the claim of the home, unless it is there.

        Raises:
            StartFailed: The cluster refuses it, in plain words.
            ClusterUnavailable: No answer in time.
        """
        path = f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims"

        async def attempt() -> bool:
            try:
                await self.informer.connection.create(path, manifest)
            except ApiFailure as failure:
                if failure.status == _CONFLICT:
                    return True
                # Quota is looked at before existence; an existing claim needs none.
                if failure.status == 403 and await self._exists(f"{path}/{manifest['metadata']['name']}"):  # noqa: PLR2004
                    return True
                raise
            return True

        await self._retried(attempt, "The home could not be made")

    async def running(
        self,
        is_running: Callable[[Pod | None], bool],
        seconds: float,
        make_claim: Callable[[], Awaitable[None]] | None = None,
    ) -> Pod:
        """Wait until the pod runs, or until it is clear that it never will.

        Args:
            is_running: Says so of a pod.
            seconds: How long to wait.
            make_claim: Makes the claim of the home, for a start that found it gone: somebody deleted it
                after an earlier start had made it.

        Raises:
            StartFailed: It cannot succeed, or it vanished; says why in plain words.
            TimeoutError: It did not run within ``seconds``.
        """
        seen = self.informer.pod(self.namespace, self.name) is not None

        def settled(pod: Pod | None) -> bool:
            nonlocal seen
            if pod is None:
                return seen
            seen = True
            if is_running(pod):
                return True
            found = self._situation(pod)
            return found.hopeless or (make_claim is not None and found.lacks_claim)

        end = time.monotonic() + seconds
        pod = await self.informer.wait_for(self.namespace, self.name, settled, seconds)
        if pod is not None and make_claim is not None and self._situation(pod).lacks_claim:
            await make_claim()
            return await self.running(is_running, end - time.monotonic())
        if pod is None:
            raise StartFailed("Your server was ended while it started. Start it again.")
        if not is_running(pod):
            raise StartFailed(self._situation(pod).message)
        return pod

    async def delete(self, grace: float | None) -> None:
        """Delete the pod; one that is gone is as good.

        Args:
            grace: Seconds that it gets to end by itself; None for its own.

        Raises:
            ClusterUnavailable: No answer in time.
        """
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace is not None:
            options["gracePeriodSeconds"] = int(grace)

        async def attempt() -> bool:
            try:
                await self.informer.connection.delete(f"{self._pods}/{self.name}", options)
            except ApiFailure as failure:
                if failure.status != _NOT_FOUND:
                    raise
                self.informer.forget(self.namespace, self.name)
            return True

        await self._retried(attempt, f"The pod {self.name} could not be deleted")

    async def gone(self, grace: float, seconds: float) -> None:
        """Wait until the pod is gone; one whose node is lost is taken out of the cluster's books.

        Args:
            grace: Seconds that it was given to end by itself.
            seconds: How long to wait in all.

        Raises:
            TimeoutError: It was there after ``seconds``.
        """
        patience = min(grace + LOST_AFTER_SECONDS, seconds)
        with contextlib.suppress(TimeoutError):
            await self.informer.wait_for(self.namespace, self.name, lambda pod: pod is None, patience)
            return
        self.log.warning("%s/%s does not end: its node seems to be lost", self.namespace, self.name)
        await self.delete(grace=0)
        rest = max(seconds - patience, LOST_AFTER_SECONDS)
        await self.informer.wait_for(self.namespace, self.name, lambda pod: pod is None, rest)

    def _situation(self, pod: Pod) -> Any:
        uid = pod["metadata"].get("uid")
        return situation(pod, self.informer.events(self.namespace, self.name, uid))

    async def _read(self) -> Pod | None:
        try:
            return await self.informer.connection.get(f"{self._pods}/{self.name}")
        except ApiFailure as failure:
            if failure.status == _NOT_FOUND:
                return None
            raise

    async def _exists(self, path: str) -> bool:
        try:
            await self.informer.connection.get(path)
        except ApiFailure:
            return False
        return True

    async def _retried(self, attempt: Callable[[], Awaitable[Result | None]], what: str) -> Result:
        """Try until there is a result; what may pass is tried again, what is final is raised."""
        began = time.monotonic()
        end = began + self.retry_seconds
        pause = _FIRST_PAUSE
        trouble = "it kept being in the way"
        while True:
            wait = pause
            try:
                result = await attempt()
            except ApiFailure as failure:
                if _final(failure, time.monotonic() - began):
                    told = refused(failure.status, failure.reason, failure.message)
                    self.log.warning("%s: %s", what, failure)
                    raise StartFailed(told.message) from failure
                trouble, wait = str(failure), max(pause, failure.retry_after or 0.0)
            except (ClusterUnavailable, TimeoutError) as failure:
                trouble = str(failure) or "no answer in time"
            else:
                if result is not None:
                    return result
            if time.monotonic() + wait > end:
                raise ClusterUnavailable(f"{what}: {trouble}. Try again in a minute; nothing was lost.")
            await asyncio.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _final(failure: ApiFailure, seconds: float) -> bool:
    """Whether a refusal, so long after the first try, stays one."""
    if failure.status == _TOO_MANY or failure.status >= _SERVER_ERROR:
        return False
    return not any(seconds < passing and words.search(failure.message) for words, passing in _HASTY_REFUSALS)


def overdue(pod: Pod, clock: Clock) -> bool:
    """Whether a pod that was to end is long past its time: nothing on its node ends it.

    The API keeps such a pod until the node is back or somebody deletes it without grace
    (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-forced).
    """
    due = pod["metadata"].get("deletionTimestamp")
    return due is not None and clock.since(datetime.fromisoformat(due).timestamp()) > LOST_AFTER_SECONDS


async def answers(url: str, seconds: float) -> None:
    """Return as soon as something listens at a URL, or after ``seconds``.

    JupyterHub then asks once and finds it there, instead of asking too early and backing off
    (`utils.exponential_backoff`), which costs a student more than half a second at each start.
    """
    address = urlsplit(url)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PROBE_SECONDS):
                _, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.close()
            return
        await asyncio.sleep(_PROBE_PAUSE)
