"""The check of every start: a choice becomes a plan, or an answer that says why not.

It runs where JupyterHub applies options, whichever of the five ways they came. A plan sets traits for
what environment and arguments are made from; everything else of it goes onto the manifest, made fresh
at each start, and what the operator's own hooks made of that is compared with the plan before it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from traitlets import Dict, TraitError, default, validate

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
from jupyterhub_libretexts.hub.informed import InformedSpawner
from jupyterhub_libretexts.hub.ledger import holding_of_plan
from jupyterhub_libretexts.hub.placing import final_manifest, place
from jupyterhub_libretexts.hub.starting import START_ANNOTATION

if TYPE_CHECKING:
    from kubernetes_asyncio.client.models import V1Pod

    from jupyterhub_libretexts.core.circumstances import Circumstances
    from jupyterhub_libretexts.core.people import Person

__all__ = ["CheckedSpawner", "result_of"]

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


class _Options(Dict):
    """Whatever was sent: with settings, the check says what is wrong with it.

    JupyterHub 5.5 assigns a request's body before anything else sees it; what no mapping is would end
    there as an error of the hub, and count towards the failures that end it (`user.py`, ``spawn``).
    """

    def validate(self, obj: Any, value: Any) -> Any:
        """Take anything where the settings decide; KubeSpawner takes mappings only."""
        return value if obj.has_settings else super().validate(obj, value)


class CheckedSpawner(InformedSpawner):
    """Has a plan for each start, and the form on which it is chosen."""

    user_options = _Options()
    cmd: Any
    _plan: PodPlan | None = None
    _plan_is_fresh = False
    _start_mark = ""
    _ended: dict[str, Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._configured = {name: getattr(self, name) for name in PLANNED}
        self._good_options = self._stored_options()
        self._remembered: dict[str, Any] = {}

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
            self._put_back()
            raise self._denial(error) from error
        # Whichever way they came, `start` stores options in one form: names with plain text.
        self._good_options = chosen.options()
        self.user_options = dict(self._good_options)

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

    def _put_back(self) -> None:
        """Have the last good options be the ones of the next start; JupyterHub stored refused ones."""
        self.user_options = dict(self._good_options)
        if self.orm_spawner is not None:
            self.orm_spawner.user_options = dict(self._good_options)
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
            pod = await result_of(self.modify_pod_hook(self, pod))
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


async def result_of(value: Any) -> Any:
    """A value, or what a hook's coroutine or future comes to."""
    return await value if asyncio.iscoroutine(value) or asyncio.isfuture(value) else value
