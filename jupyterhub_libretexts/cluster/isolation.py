"""Measures with packets who reaches whom: short-lived probes in the cluster, gone at the end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jupyterhub_libretexts.cluster import probes
from jupyterhub_libretexts.cluster.connection import ApiFailure, Connection
from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.core.policies import HUB_PORT, PROXY_PORT, SERVER_PORT
from jupyterhub_libretexts.core.reach import HUB, HUB_SERVICE, NAMES, PROXY, SERVERS, Measured, Source, Target
from jupyterhub_libretexts.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from jupyterhub_libretexts.core.objects import HubPlace
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["NODE_PORT", "Wanted", "measure"]

NODE_PORT: Final = 10250
"""Where every node's kubelet answers."""
API_NAME: Final = "kubernetes.default.svc"
_NODE_OF_CALICO: Final = "fe80::ecee:eeff:feee:eeee%eth0"
"""The node's end of every pod's cable: Calico gives each the same hardware address, from which this follows
(RFC 4291, appendix A). It answers where nobody filters IPv6, also in a cluster that has no IPv6."""
_MISSING: Final = 404
_NO_ACCOUNT: Final = "error looking up service account"
_PAUSE: Final = 0.3
_LONGEST_MESSAGE: Final = 4000
"""Targets of one probe: a termination message holds 4096 characters, one for each."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured."""

    hub: HubPlace
    organizations: tuple[str, ...]
    outside: tuple[Target, ...]
    """Targets beyond the cluster: internet, metadata, storage."""
    outside_ipv6: tuple[Target, ...] = ()
    """The same over IPv6; tried where servers have addresses of it."""
    hub_service: str = "hub"
    """Name of the hub's Service."""
    image: str | None = None
    """An image with python3; by default the one of each organisation's first environment."""
    seconds: float = 6.0
    """How long a probe keeps trying what it does not reach."""
    timeout: float = 180.0
    """Seconds that all probes together may take to start or to end."""
    without: frozenset[str] = frozenset()
    """Columns that this cluster does not have."""


@dataclass(slots=True)
class _Run:
    """One run: its mark, its probes and what they found."""

    connection: Connection
    settings: Settings
    wanted: Wanted
    say: Callable[[str], None]
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    made: list[tuple[str, str]] = field(default_factory=list)
    """Namespace and name of each pod."""

    async def measured(self) -> tuple[Measured, ...]:
        of_organizations = self._places()
        controls = probes.places(self.wanted.hub, of_organizations[0].image)
        self.say(f"probes of run {self.mark} start")
        listeners = await self._all(
            [probes.listener(self.mark, number, place) for number, place in enumerate(of_organizations)],
            _runs,
        )
        targets: list[Target] = [
            *self._servers(of_organizations, listeners),
            *await self._own(HUB, self.wanted.hub.hub_labels, HUB_PORT),
            # By its Service, as servers reach it: an address that changes on the way meets other policies.
            Target(HUB_SERVICE, f"{self.wanted.hub_service}.{self.wanted.hub.namespace}.svc", HUB_PORT),
            *await self._own(PROXY, self.wanted.hub.proxy_labels, PROXY_PORT),
            Target(NAMES, API_NAME, 0),
            Target("API server", API_NAME, 443),
            *_nodes(listeners),
            *self.wanted.outside,
        ]
        if self.settings.cluster.calico is not None:
            targets.append(Target("its node over IPv6", _NODE_OF_CALICO, NODE_PORT))
        if any(":" in address for pod in listeners for address in _addresses(pod)):
            targets += self.wanted.outside_ipv6
        else:
            self.say(
                "no server has an address of IPv6 but for its own cable; nothing else is measured over it"
            )
        targets = [target for target in targets if target.column not in self.wanted.without]
        if len(targets) > _LONGEST_MESSAGE:
            raise ClusterError(
                f"{len(targets)} targets are more than one probe can tell; name fewer organisations"
            )
        everybody = (*of_organizations, *controls)
        ended = await self._all(
            [
                probes.prober(self.mark, number, place, targets, self.wanted.seconds)
                for number, place in enumerate(everybody)
            ],
            _has_ended,
        )
        return tuple(
            Measured(_source(place, pod), target, reached)
            for place, pod in zip(everybody, ended, strict=True)
            for target, reached in zip(targets, _found(pod, targets), strict=True)
        )

    def _places(self) -> tuple[probes.Place, ...]:
        settings = self.settings
        return tuple(
            place
            for name in self.wanted.organizations
            for place in probes.of_organization(
                name,
                namespace_of(settings, name),
                self.wanted.image or _image(settings, name),
                settings.organizations[name].node_labels,
                settings.organizations[name].pull_secrets,
            )
        )

    def _servers(self, places: Sequence[probes.Place], pods: Iterable[Mapping[str, Any]]) -> list[Target]:
        return [
            Target(SERVERS, address, SERVER_PORT, _node(pod), place.organization)
            for place, pod in zip(places, pods, strict=True)
            for address in _addresses(pod)
        ]

    async def _own(self, column: str, labels: tuple[tuple[str, str], ...], port: int) -> list[Target]:
        """The hub or the proxy that really runs."""
        if column in self.wanted.without:
            return []
        namespace = self.wanted.hub.namespace
        selector = ",".join([*(f"{key}={value}" for key, value in labels), f"!{probes.PROBE_LABEL}"])
        path = f"/api/v1/namespaces/{namespace}/pods"
        answer = await self.connection.get(path, {"labelSelector": selector})
        pods = [
            pod
            for pod in answer.get("items") or []
            if (pod.get("status") or {}).get("phase") == "Running"
            and not pod["metadata"].get("deletionTimestamp")
        ]
        if not pods:
            raise ClusterError(
                f"No pod of the {column} runs in the namespace {namespace} (labels {selector}). Say where it "
                f"runs (--hub-namespace, --{column}-labels), or --without {column} where this hub has none."
            )
        return [Target(column, address, port, _node(pod)) for pod in pods for address in _addresses(pod)]

    async def _all(
        self, pods: Sequence[Mapping[str, Any]], done: Callable[[Mapping[str, Any]], bool]
    ) -> list[Mapping[str, Any]]:
        """Make pods and wait until each is done; they come back in the same order."""
        for pod in pods:
            await self._make(pod)
        keys = [(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in pods]
        seen: dict[tuple[str, str], Mapping[str, Any]] = {}
        try:
            async with asyncio.timeout(self.wanted.timeout):
                while True:
                    for namespace in dict.fromkeys(namespace for namespace, _ in keys):
                        seen |= {
                            (namespace, pod["metadata"]["name"]): pod for pod in await self._list(namespace)
                        }
                    waiting = [key for key in keys if key not in seen or not done(seen[key])]
                    for key in waiting:
                        if key in seen and _failed(seen[key]):
                            raise ClusterError(f"The probe {key[1]} in {key[0]} failed: {_why(seen[key])}")
                    if not waiting:
                        return [seen[key] for key in keys]
                    await asyncio.sleep(_PAUSE)
        except TimeoutError:
            late = next(key for key in keys if key not in seen or not done(seen[key]))
            why = _why(seen[late]) if late in seen else "it is not there"
            raise ClusterError(
                f"After {self.wanted.timeout:.0f} s the probe {late[1]} in {late[0]} is not done: {why}"
            ) from None

    async def _make(self, pod: Mapping[str, Any]) -> None:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        self.made.append((namespace, name))
        path = f"/api/v1/namespaces/{namespace}/pods"
        # A namespace has its service account a moment after it is made.
        for _ in range(20):
            try:
                await self.connection.create(path, pod)
            except ApiFailure as failure:
                if _NO_ACCOUNT not in failure.message:
                    raise ClusterError(f"A probe in {namespace} is refused: {failure.message}") from failure
                await asyncio.sleep(_PAUSE)
            else:
                return
        raise ClusterError(f"The namespace {namespace} has no service account 'default'")

    async def _list(self, namespace: str) -> list[dict[str, Any]]:
        selector = {"labelSelector": f"{probes.PROBE_LABEL}={self.mark}"}
        answer = await self.connection.get(f"/api/v1/namespaces/{namespace}/pods", selector)
        return list(answer.get("items") or [])

    async def clean(self) -> None:
        """End every probe of this run."""
        namespaces = dict.fromkeys(namespace for namespace, _ in self.made)
        for namespace, name in self.made:
            with contextlib.suppress(ApiFailure):
                await self.connection.delete(
                    f"/api/v1/namespaces/{namespace}/pods/{name}",
                    {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0},
                )
        async with asyncio.timeout(self.wanted.timeout):
            for namespace in namespaces:
                while await self._list(namespace):  # noqa: ASYNC110 (nobody tells; the rights are to list)
                    await asyncio.sleep(_PAUSE)


async def measure(
    connection: Connection, settings: Settings, wanted: Wanted, say: Callable[[str], None]
) -> tuple[Measured, ...]:
    """Try every way from every kind of pod, and leave nothing behind.

    Args:
        connection: The way to the cluster.
        settings: The settings; what is expected is not looked at here.
        wanted: What to measure.
        say: Told what happens, in one line each.

    Raises:
        ClusterError: A probe cannot be made, does not start or does not end; says which and why.
    """
    run = _Run(connection, settings, wanted, say)
    async with _controls(connection, wanted.timeout):
        try:
            return await run.measured()
        finally:
            # An interrupted command still ends its probes.
            await asyncio.shield(run.clean())


@contextlib.asynccontextmanager
async def _controls(connection: Connection, seconds: float) -> AsyncIterator[None]:
    """The namespace that no policy touches; one that was there stays there."""
    path = f"/api/v1/namespaces/{probes.CONTROLS}"
    async with asyncio.timeout(seconds):
        # One that an earlier run removed takes a few seconds to go.
        while (phase := await _phase(connection, path)) == "Terminating":  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(_PAUSE)
    if not phase:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": probes.CONTROLS}}
        await connection.create("/api/v1/namespaces", namespace)
    try:
        yield
    finally:
        if not phase:
            with contextlib.suppress(ApiFailure):
                await asyncio.shield(connection.delete(path))


async def _phase(connection: Connection, path: str) -> str:
    """A namespace's phase; empty where there is none."""
    try:
        namespace = await connection.get(path)
    except ApiFailure as failure:
        if failure.status == _MISSING:
            return ""
        raise
    return str(namespace["status"]["phase"])


def _image(settings: Settings, name: str) -> str:
    organization = settings.organizations[name]
    courses = (course for key, course in settings.courses.items() if key.partition("/")[0] == name)
    offered = [*organization.environments, *(course.environment for course in courses)]
    if not offered:
        raise ClusterError(
            f"The organisation {name} offers no environment, so no image; name one with --image"
        )
    return settings.environments[offered[0]].image


def _source(place: probes.Place, pod: Mapping[str, Any]) -> Source:
    return Source(place.row, _node(pod), place.organization)


def _nodes(pods: Iterable[Mapping[str, Any]]) -> list[Target]:
    """The nodes on which probes stand."""
    found = {
        (str(item["ip"]), _node(pod))
        for pod in pods
        for item in (pod["status"].get("hostIPs") or [{"ip": pod["status"]["hostIP"]}])
    }
    return [Target("nodes", address, NODE_PORT, node) for address, node in sorted(found)]


def _node(pod: Mapping[str, Any]) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")


def _addresses(pod: Mapping[str, Any]) -> list[str]:
    status = pod["status"]
    return [str(item["ip"]) for item in status.get("podIPs") or [{"ip": status["podIP"]}]]


def _runs(pod: Mapping[str, Any]) -> bool:
    status = pod.get("status") or {}
    return status.get("phase") == "Running" and bool(status.get("podIP"))


def _has_ended(pod: Mapping[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") == "Succeeded"


def _failed(pod: Mapping[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") == "Failed"


def _why(pod: Mapping[str, Any]) -> str:
    """What the cluster says of a pod that is not as it should be, in its own words."""
    status = pod.get("status") or {}
    told = [str(status[key]) for key in ("reason", "message") if status.get(key)]
    told += [
        f"{condition.get('reason', '')}: {condition.get('message', '')}"
        for condition in status.get("conditions") or []
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False"
    ]
    for container in status.get("containerStatuses") or []:
        for state in (container.get("state") or {}).values():
            told += [str(state[key]) for key in ("reason", "message") if state.get(key)]
    return "; ".join(told) or f"its phase is {status.get('phase', 'unknown')}"


def _found(pod: Mapping[str, Any], targets: Sequence[Target]) -> tuple[bool, ...]:
    told = probes.found(pod, targets)
    if told is None:
        raise ClusterError(f"The probe {pod['metadata']['name']} ended and did not say what it found")
    return told
