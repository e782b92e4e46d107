"""``LibreTextsSpawner``: KubeSpawner, with every change to a pod coming from the plan.

Without settings it is KubeSpawner to the letter. With settings, the one check of a choice runs where
JupyterHub applies options, on every way in; ``start`` refuses where that check left no plan; lists
and mappings of the plan go onto the manifest, made fresh; and what the operator's own hooks made of
it is compared with the plan before it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from jupyterhub.utils import url_path_join
from kubespawner import KubeSpawner
from traitlets import Bool, Dict, Float, List, TraitError, Unicode, Union, default, validate

from jupyterhub_libretexts.cluster.access import AccessSettings
from jupyterhub_libretexts.core.choice import Choice, choice
from jupyterhub_libretexts.core.offers import offered_to
from jupyterhub_libretexts.core.plan import PodPlan, plan
from jupyterhub_libretexts.core.pod import violations
from jupyterhub_libretexts.errors import (
    ClosedChoice,
    ClusterUnavailable,
    LibreTextsError,
    MalformedChoice,
    Refusal,
    SettingsError,
    StartFailed,
)
from jupyterhub_libretexts.hub.address import from_namespace, own_namespace
from jupyterhub_libretexts.hub.denial import answer, leave_uncounted
from jupyterhub_libretexts.hub.facts import circumstances, images, person_of
from jupyterhub_libretexts.hub.form import form
from jupyterhub_libretexts.hub.ledger import holding_of_plan
from jupyterhub_libretexts.hub.placing import final_manifest, place
from jupyterhub_libretexts.hub.progress import progress
from jupyterhub_libretexts.hub.shared import Shared, SharedRegistry
from jupyterhub_libretexts.hub.starting import START_ANNOTATION, Starter, answers, overdue
from jupyterhub_libretexts.hub.times import ended_by, ends_at, time_left, why_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

    from kubernetes_asyncio.client.models import V1Pod

    from jupyterhub_libretexts.cluster.objects import Event, Pod
    from jupyterhub_libretexts.core.circumstances import Circumstances
    from jupyterhub_libretexts.core.people import Person

__all__ = ["LibreTextsSpawner"]

# The traits that a plan sets, because environment and arguments of the server are made from them.
# They are set at every start, so nothing of an earlier choice can stay.
PLANNED = (
    "namespace",
    "image",
    "cpu_guarantee",
    "cpu_limit",
    "mem_guarantee",
    "mem_limit",
    "default_url",
    "storage_capacity",
    "storage_class",
    "storage_pvc_ensure",
    "hub_connect_url",
)


class _Pods:
    """Looks to KubeSpawner like its own reflector."""

    def __init__(self, pods: Mapping[str, Pod]) -> None:
        self.pods = pods


class LibreTextsSpawner(KubeSpawner):  # type: ignore[misc]  # KubeSpawner ships no types
    """Spawns servers by the settings; see the module."""

    settings_file = Union(
        [Unicode(), List(Unicode())],
        config=True,
        help="""
        The settings: one file, or a list of files of which each overlays those before it.

        Without it this spawner behaves as KubeSpawner. A changed file is taken up without a restart;
        a bad edit keeps the last good settings and is said in the log.
        """,
    )
    image_facts = Dict(
        config=True,
        help="""
        What images are known to hold: ``{image: {"kernels": [...], "applications": [...]}}``, over what
        ``images.lock.json`` beside the first settings file says (`image inspect --lock` writes it).

        An environment whose kernel or application its image lacks is shown with that reason and cannot
        be started. An image of which nothing is known is taken at its word.
        """,
    )
    store_url = Unicode(
        "sqlite://",
        config=True,
        help="""
        Where the waiting line and the usage are kept, as an address of SQLAlchemy.

        ``configure`` sets it beside the hub's database; without it nothing survives the hub.
        """,
    )
    allow_demo_accounts = Bool(
        False,
        config=True,
        help="Accept settings whose sign-in is the demonstration's. For trying out only.",
    )

    sweep_interval = Float(
        60.0,
        min=0.5,
        config=True,
        help="""
        Seconds between two looks for pods that this hub started and no longer knows.

        One that is found twice in a row is ended: after the hub's database was lost or set back, or
        after the cluster refused to delete it.
        """,
    )

    _shares: ClassVar[SharedRegistry] = SharedRegistry()
    cmd: Any
    server_token_scopes: Any
    _plan: PodPlan | None = None
    _plan_is_fresh = False
    _start_mark = ""
    _ended: dict[str, Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._configured = {name: getattr(self, name) for name in PLANNED}
        self._good_options = self._stored_options()
        self._remembered: dict[str, Any] = {}
        if self.has_settings:
            # The first thing that JupyterHub awaits of a start, before its token and its database.
            self.server_token_scopes = partial(_paced, self.server_token_scopes)

    # -- what is shared ---------------------------------------------------------------------------

    @property
    def has_settings(self) -> bool:
        """Whether this spawner works by settings, or as plain KubeSpawner."""
        return bool(self.settings_file)

    @property
    def shared(self) -> Shared:
        """What all spawners of this hub share.

        Raises:
            SettingsError: The files cannot be used and never could be.
        """
        files = (self.settings_file,) if isinstance(self.settings_file, str) else tuple(self.settings_file)
        access = AccessSettings(
            host=self.k8s_api_host, ca_file=self.k8s_api_ssl_ca_cert, verify=self.k8s_api_verify_ssl
        )
        return self._shares.shared(files, access, self.log, self.store_url)

    @property
    def reports_to(self) -> str:
        """Where servers report to, as JupyterHub writes it into their environment (`Spawner.get_env`)."""
        address: str = self.hub.api_url
        if self.hub_connect_url is not None:
            return str(url_path_join(self.hub_connect_url, urlsplit(address).path))
        return address

    @validate("profile_list")
    def _no_profiles(self, proposal: Any) -> Any:
        if self.has_settings and proposal.value:
            raise TraitError(
                "profile_list and settings_file are both set. Environments come from the settings; "
                "remove profile_list (`jupyterhub-libretexts import` turns it into settings)."
            )
        return proposal.value

    # -- the check, on every way in ---------------------------------------------------------------

    async def _run_apply_user_options(self, user_options: Any) -> None:
        """Check a choice and keep the plan for it. JupyterHub calls this before every start.

        It is overridden rather than configured, so that a line of configuration that sets
        ``apply_user_options`` adds to the check and cannot replace it.
        """
        if not self.has_settings:
            await super()._run_apply_user_options(user_options)
            return
        self._plan, self._plan_is_fresh = None, False
        if self.apply_user_options:
            await super()._run_apply_user_options(user_options)
        try:
            chosen = choice(user_options)
            self._accept(await self._planned(chosen))
        except LibreTextsError as error:
            self._store(self._good_options)
            raise self._denial(error) from error
        # Whichever way they came, options are stored in one form: names with plain text.
        self._good_options = chosen.options()
        self._store(self._good_options)

    async def _planned(self, chosen: Choice) -> tuple[PodPlan, Person]:
        shared = self.shared
        who = await person_of(self.user)
        await shared.known(who)
        if chosen.gpu is not None:
            # What is free belongs to those who wait, before it belongs to whoever asks.
            shared.waiting.settle()
        return plan(shared.catalogue, who, chosen, self._circumstances(who, chosen.gpu)), who

    def _circumstances(self, who: Person, gpu: str | None = None) -> Circumstances:
        shared = self.shared
        return circumstances(
            shared.catalogue,
            shared.ledger,
            who,
            server_name=self.name,
            # Their turn in the waiting line is held for this very start.
            left_out=(self.pod_reference, *shared.waiting.promises(who.username, gpu)),
            claim=self.pvc_name,
            image_facts={**shared.images.current(), **images(self.image_facts)},
            totals=shared.totals(),
            fresh=shared.fresh(who),
            waiting=shared.waiting.counts(),
        )

    def _accept(self, planned: tuple[PodPlan, Person]) -> None:
        accepted, who = planned
        if accepted.namespace != self.namespace:
            # A claim of the same name in another namespace is another claim.
            self._pvc_exists = False
        values = {
            **self._configured,
            "namespace": accepted.namespace,
            "image": accepted.image,
            "cpu_guarantee": accepted.cpu_guarantee,
            "cpu_limit": accepted.cpu_limit,
            "mem_guarantee": accepted.memory_guarantee,
            "mem_limit": accepted.memory_limit,
            "default_url": accepted.default_url,
            "storage_pvc_ensure": accepted.claims_home,
            "storage_capacity": accepted.home_capacity,
        }
        told = self._configured["hub_connect_url"] or self.hub.api_url
        here = own_namespace(self._configured["namespace"])
        elsewhere = from_namespace(told, here, accepted.namespace)
        if elsewhere is not None:
            values["hub_connect_url"] = elsewhere
        if accepted.storage_class is not None:
            values["storage_class"] = accepted.storage_class
        for name, value in values.items():
            setattr(self, name, value)
        self.dns_name = self.dns_name_template.format(namespace=self.namespace, name=self.pod_name)
        self._plan, self._plan_is_fresh, self._ended = accepted, True, None
        self.shared.ledger.promise(self.pod_reference, holding_of_plan(accepted, who))
        self.shared.waiting.took(who.username, accepted.choice.gpu)

    def _denial(self, error: LibreTextsError) -> Exception:
        """The answer to a person, in the log as one line, and outside the hub's count of failures."""
        if isinstance(error, SettingsError):
            self.log.error("The settings cannot be used:\n%s", error)
            return answer(ClusterUnavailable("This hub is being set up. Its settings have mistakes."))
        if isinstance(error, (Refusal, StartFailed)):
            leave_uncounted(self)
        self.log.warning("Not starting %s: %s", self._log_name, error)
        return answer(error)

    def _stored_options(self) -> dict[str, Any]:
        stored = getattr(self.orm_spawner, "user_options", None) if self.orm_spawner else None
        return dict(stored or {})

    def _store(self, options: dict[str, Any]) -> None:
        """Have these options be the ones of the next start; JupyterHub stored others before the check."""
        self.user_options = dict(options)
        if self.orm_spawner is not None:
            self.orm_spawner.user_options = dict(options)
            self.user.db.commit()

    # -- the form ---------------------------------------------------------------------------------

    @default("options_form")
    def _options_form_default(self) -> Any:
        return type(self).rendered_form if self.has_settings else super()._options_form_default()

    async def rendered_form(self) -> str:
        """The form for this server's user, as they find it now."""
        shared = self.shared
        who = await person_of(self.user)
        with contextlib.suppress(ClusterUnavailable):
            # Without the cluster the page still shows what there is; a start then says what is wrong.
            await shared.known(who)
        offers = offered_to(shared.catalogue, who, self._circumstances(who))
        try:
            last = choice(self._good_options)
        except MalformedChoice:
            last = Choice()
        return form.rendered(
            offers,
            last,
            settings=shared.catalogue.settings,
            username=self.user.name,
            base_url=self.hub.base_url,
        )

    def _options_from_form(self, formdata: Any) -> Any:
        if not self.has_settings:
            return super()._options_from_form(formdata)
        try:
            return form.options(formdata)
        except MalformedChoice as error:
            raise answer(error) from error

    def options_from_query(self, query_data: Any) -> Any:
        """Read a link: the options stand in it by their own names, or as the form names them."""
        return self._options_from_form(query_data)

    # -- the pod ----------------------------------------------------------------------------------

    @property
    def pod_reference(self) -> str:
        """This server's pod as ``namespace/name``."""
        return f"{self.namespace}/{self.pod_name}"

    async def load_user_options(self) -> None:
        """Nothing is left to load with settings: the plan was made when the options were checked."""
        if not self.has_settings:
            await super().load_user_options()

    def get_args(self) -> list[str]:
        """The arguments of the server; the plan's come last."""
        arguments: list[str] = super().get_args()
        return arguments + list(self._plan.arguments) if self._plan is not None else arguments

    def get_env(self) -> dict[str, str]:
        """The environment of the server; the plan's own variables never replace the hub's."""
        env: dict[str, str] = super().get_env()
        if self._plan is None:
            return env
        added = {
            name: value
            for name, value in self._plan.part.variables.items()
            if not name.startswith("JUPYTERHUB_")
        }
        if self._plan.longest is not None:
            # The kubelet counts from when a node took the pod, which is later: the warning is never late.
            added["LIBRETEXTS_ENDS_AT"] = str(int(time.time()) + self._plan.longest)
        return {**env, **added}

    async def get_pod_manifest(self) -> V1Pod:
        """KubeSpawner's manifest with the plan placed on it, for the operator's hooks to see."""
        pod: V1Pod
        if self._plan is None:
            pod = await super().get_pod_manifest()
            return pod
        configured = self.cmd
        if not configured:
            # Arguments are lost with the image's own command; this is what every image must have.
            self.cmd = ["jupyterhub-singleuser"]
        try:
            pod = await super().get_pod_manifest()
        finally:
            self.cmd = configured
        pod.metadata.annotations[START_ANNOTATION] = self._start_mark
        return place(pod, self._plan)

    async def manifest(self) -> dict[str, Any]:
        """The very manifest that a start sends now, hooks included.

        Raises:
            ClosedChoice: A hook widened what the plan allows.
        """
        pod = await self.get_pod_manifest()
        if self.modify_pod_hook:
            pod = await _maybe(self.modify_pod_hook(self, pod))
        if self._plan is None:
            return final_manifest(pod)
        made = final_manifest(pod, self._plan)
        found = violations(made, self._plan)
        if found:
            self.log.error("A hook of this hub changed the pod against the settings: %s", "; ".join(found))
            raise ClosedChoice(
                "A hook of this hub changed your server against its settings.", "Ask for help."
            )
        return made

    @property
    def current_plan(self) -> PodPlan | None:
        """The plan of the server that starts or runs; None after a restart of the hub."""
        return self._plan

    @property
    def chosen_gpu(self) -> str | None:
        """The flavour of GPU of the server that starts or runs."""
        if self._plan is not None:
            return self._plan.choice.gpu
        gpu: str | None = self._remembered.get("choice", {}).get("gpu")
        return gpu

    @property
    def remembered(self) -> dict[str, Any]:
        """What was stored of the plan of a server that ran before the hub restarted."""
        return self._remembered

    # -- start, poll, stop ------------------------------------------------------------------------

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
            async with self.shared.line.turn(self.pod_reference):
                return await self._started()
        except LibreTextsError as error:
            raise self._denial(error) from error
        finally:
            self.shared.ledger.release(self.pod_reference)

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
        # JupyterHub stores it when a start is over. A hub that ends before would not know this pod again.
        self.orm_spawner.state = self.get_state()
        self.user.db.commit()
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

        A server past its idle time or its longest time is ended here, where the hub asks anyway.
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
        if status is None and pod is not None and overdue(pod, datetime.now(UTC)):
            self.log.warning("%s: its node seems to be lost; it can be started again", self._log_name)
            await self._starter.delete(grace=0)
            return 1
        reason = ended_by(self) if status is None else None
        if reason is not None:
            self.log.info("%s: %s", self._log_name, reason)
            self._keep_end(reason.told)
            await self.stop()
            return 0
        return status

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
    def pod(self) -> Pod | None:
        """This server's pod as it is known now."""
        return self.shared.informer.pod(self.namespace, self.pod_name) if self.has_settings else None

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

    # -- what KubeSpawner asks of its reflectors ---------------------------------------------------

    async def _start_watching_pods(self, replace: bool = False) -> Any:
        if not self.has_settings:
            return await super()._start_watching_pods(replace)
        await self.shared.informer.ensure(self.namespace)
        return None

    async def _start_watching_events(self, replace: bool = False) -> Any:
        if not self.has_settings:
            return await super()._start_watching_events(replace)
        return await self._start_watching_pods(replace)

    @property
    def pod_reflector(self) -> Any:
        """Pods as KubeSpawner looks them up."""
        return _Pods(self.shared.informer.pods) if self.has_settings else super().pod_reflector

    @property
    def events(self) -> list[Event]:
        """What the cluster told about this start's pod, oldest first."""
        if not self.has_settings:
            return super().events  # type: ignore[no-any-return]
        pod = self.shared.informer.pod(self.namespace, self.pod_name)
        uid = pod["metadata"].get("uid") if pod is not None else None
        return self.shared.informer.events(self.namespace, self.pod_name, uid)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What happens to a start, in plain words."""
        steps = progress(self) if self.has_settings else super().progress()
        async for step in steps:
            yield step

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
            self.shared.ledger.release(self.pod_reference)
        self._plan, self._plan_is_fresh = None, False


def _paced(configured: Any, spawner: LibreTextsSpawner) -> Awaitable[Any]:
    """The scopes that are configured, when it is this start's turn in the event loop."""
    # JupyterHub has a new server in its session here. What is not committed when the loop goes on, the end
    # of anybody's request rolls back (`handlers/base.py`, finish); so this is done before the first await.
    spawner.user.db.commit()
    return _in_turn(configured, spawner)


async def _in_turn(configured: Any, spawner: LibreTextsSpawner) -> Any:
    await spawner.shared.pace.turn()
    return await _maybe(configured(spawner)) if callable(configured) else configured


async def _maybe(value: Any) -> Any:
    return await value if asyncio.iscoroutine(value) or asyncio.isfuture(value) else value
