"""``LibreTextsSpawner``: KubeSpawner, with every change to a pod coming from the plan.

Without settings it is KubeSpawner to the letter. With settings it starts what the check planned, and
nothing else; it survives a cluster that stumbles and a hub that ended in the middle of a start.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import (
    ClosedChoice,
    ClusterUnavailable,
    LibreTextsError,
)
from jupyterhub_libretexts.hub.checked import CheckedSpawner, result_of
from jupyterhub_libretexts.hub.clock import SteadyCallback
from jupyterhub_libretexts.hub.placing import final_manifest
from jupyterhub_libretexts.hub.starting import Starter, answers, overdue
from jupyterhub_libretexts.hub.times import ends_at, idle_for, time_left, told_of_idleness, why_over

if TYPE_CHECKING:
    from collections.abc import Awaitable


__all__ = ["LibreTextsSpawner"]


class LibreTextsSpawner(CheckedSpawner):
    """Spawns servers by the settings; see the module."""

    server_token_scopes: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.has_settings:
            # The first thing that JupyterHub awaits of a start, before its token and its database.
            self.server_token_scopes = partial(_paced, self.server_token_scopes)

    def run_pre_spawn_hook(self) -> Any:
        """Wait for a turn, then run the operator's hook.

        Here, before `start`, since JupyterHub's limit on the time of a start (``start_timeout``) must not
        count how many others came first. `_start` gives the turn back, or `clear_state` where it is not
        reached.
        """
        return self._in_line() if self.has_settings else super().run_pre_spawn_hook()

    async def _in_line(self) -> None:
        await self.shared.line.enter(self.pod_reference)
        await result_of(super().run_pre_spawn_hook())

    def start(self) -> Any:
        """Begin, and have JupyterHub write down where this server will be.

        It commits when this returns, and would ask for the state only when a start is over: a hub that ended
        in between would not know the pod again.
        """
        if self.has_settings:
            self.orm_spawner.user_options = dict(self._good_options)
            self.orm_spawner.state = self.get_state()
        return super().start()

    async def _start(self) -> Any:
        if not self.has_settings:
            return await super()._start()
        if self._plan is None or not self._plan_is_fresh:
            raise self._denial(
                ClosedChoice(
                    "This start was not checked against the settings.", "Start it from the hub's pages."
                )
            )
        self._plan_is_fresh = False
        # Tells this start's pod from an older one with the same name; nothing secret about it.
        self._start_mark = secrets.token_hex(8)
        try:
            return await self._started()
        except LibreTextsError as error:
            raise self._denial(error) from error
        finally:
            self._give_back()

    async def _started(self) -> str:
        await self.shared.informer.ensure(self.namespace)
        starter = self._starter
        make_claim = None
        if self.storage_pvc_ensure and self._pvc_exists:
            make_claim = partial(self._make_claim, starter)
        elif self.storage_pvc_ensure:
            await self._make_claim(starter)
        await self.shared.pace.turn()
        made = await self.manifest()
        try:
            await starter.create(made)
            if self.internal_ssl or self.services_enabled or self.after_pod_created_hook:
                await self._accompanied()
            pod = await starter.running(self.is_pod_running, self.start_timeout, make_claim)
        except BaseException:
            # The hub ends only what it can see; a pod whose answer was lost would stay for ever.
            with contextlib.suppress(LibreTextsError):
                await asyncio.shield(starter.delete(grace=0))
            raise
        self.pod_id = pod["metadata"]["uid"]
        url: str = self._get_pod_url(pod)
        await answers(url, self.http_timeout)
        await self.shared.pace.turn()
        return url

    async def _make_claim(self, starter: Starter) -> None:
        await starter.claim(final_manifest(self.get_pvc_manifest()))
        self._pvc_exists = True

    async def get_url(self) -> str:
        """Where a server of an earlier life of this hub answers; one that was starting is waited for.

        JupyterHub asks at its start, after ``poll``, and then looks whether the server is really there.
        """
        stored: str = await super().get_url()
        if not self.has_settings:
            return stored
        try:
            await self.shared.informer.ensure(self.namespace)
            pod = await self._starter.running(self.is_pod_running, self.start_timeout)
        except (LibreTextsError, TimeoutError) as error:
            # Raised from here it would end the hub (`app.py`, init_spawners); as it is, the server is
            # found not to answer, and ended.
            self.log.warning("%s cannot be taken over: %s", self._log_name, error)
            return stored
        return str(self._get_pod_url(pod))

    @property
    def _starter(self) -> Starter:
        return Starter(
            self.shared.informer, self.namespace, self.pod_name, self.k8s_api_request_retry_timeout, self.log
        )

    async def poll(self) -> int | None:
        """Whether the pod runs; while the cluster does not answer, it counts as running.

        A server past its idle time is ended here, where the hub asks anyway; past its longest time, by the
        cluster.
        """
        if not self.has_settings:
            unchecked: int | None = await super().poll()
            return unchecked
        await self._remember_end()
        try:
            status: int | None = await super().poll()
        except ClusterUnavailable as error:
            self.log.warning(
                "%s: taken to be running, since the cluster cannot be asked: %s", self._log_name, error
            )
            return None
        pod = self.pod
        if status is None and (pod or {}).get("status", {}).get("phase") in ("Failed", "Succeeded"):
            # Its container may still be told to be running (an evicted pod, a lost node).
            await self.stop(now=True)
            return 1
        if status is None and pod is not None and overdue(pod, self.shared.clock):
            self.log.warning("%s: its node seems to be lost; it can be started again", self._log_name)
            await self._starter.delete(grace=0)
            return 1
        idle = idle_for(self) if status is None else None
        if idle is not None:
            self.log.info("%s: nothing happened in it for %s seconds", self._log_name, idle)
            self._keep_end(told_of_idleness(idle))
            await self.stop()
            return 0
        return status

    def start_polling(self) -> None:
        """Look at this server every so often, also after the hub's clock was set back."""
        super().start_polling()
        stock: Any = self._poll_callback  # type: ignore[has-type]
        if stock is not None:
            stock.stop()
            self._poll_callback = SteadyCallback(stock.callback, stock.callback_time, stock.jitter)
            self._poll_callback.start()

    async def _remember_end(self) -> None:
        """Keep why the pod is over, before KubeSpawner's poll deletes it."""
        if self.server is None or self._spawn_pending or self._stop_pending or self._ended is not None:
            return
        with contextlib.suppress(ClusterUnavailable):
            await self.shared.informer.ensure(self.namespace)
            why = why_over(self.pod, self.events)
            if why is not None:
                self._keep_end(why)

    def _keep_end(self, why: str) -> None:
        self._ended = {"at": time.time(), "why": why}

    @property
    def ended(self) -> dict[str, Any] | None:
        """Why (``why``) and when (``at``, seconds since 1970) a server ended that nobody stopped."""
        return self._ended

    @property
    def ends_at(self) -> float | None:
        """When this server ends whatever it does, in seconds since 1970; None where it need not."""
        return ends_at(self) if self.has_settings and self.active else None

    @property
    def time_left(self) -> int | None:
        """Seconds until this server is ended by its rules, or None where it has none."""
        return time_left(self)

    async def stop(self, now: bool = False) -> None:
        """End the pod and wait until it is gone."""
        if not self.has_settings:
            await super().stop(now)
            return
        await self.shared.informer.ensure(self.namespace)
        grace = 0 if now else self.delete_grace_period
        await self._starter.delete(grace)
        await self._starter.gone(grace, self.start_timeout)

    # -- state ------------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What is needed to find this server again after the hub restarted."""
        state: dict[str, Any] = super().get_state()
        if self.has_settings and self._plan is not None:
            state["libretexts"] = {
                "choice": self._plan.choice.options(),
                "idle": self._plan.idle,
                "longest": self._plan.longest,
            }
        elif self.has_settings and self._ended is not None:
            state["libretexts"] = {"ended": self._ended}
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Find a running server again: its namespace, its choice and its times."""
        super().load_state(state)
        self._remembered = dict(state.get("libretexts") or {})
        self._ended = self._remembered.get("ended")

    def clear_state(self) -> None:
        """Forget the server that was; the next one is planned anew."""
        super().clear_state()
        self._remembered = {}
        if self._plan is not None:
            # A start that failed before it began (in a hook of the operator) gives back its share too.
            self._give_back()
        self._plan, self._plan_is_fresh = None, False
        # Progress of the next start must not take the end of this one for its own.
        self._start_future = None

    def _give_back(self) -> None:
        """A start is over: its share is in its pod or free, and the next one has its turn."""
        self.shared.ledger.release(self.pod_reference)
        self.shared.line.leave(self.pod_reference)


def _paced(configured: Any, spawner: LibreTextsSpawner) -> Awaitable[Any]:
    """The scopes that are configured, when it is this start's turn in the event loop."""
    # JupyterHub has a new server in its session here. What is not committed when the loop goes on, the end
    # of anybody's request rolls back (`handlers/base.py`, finish); so this is done before the first await.
    spawner.user.db.commit()
    return _in_turn(configured, spawner)


async def _in_turn(configured: Any, spawner: LibreTextsSpawner) -> Any:
    await spawner.shared.pace.turn()
    return await result_of(configured(spawner)) if callable(configured) else configured
