"""Who holds what: kept from live pods and from starts in flight, never counted anew.

A decision reads a few numbers, however many servers run. A start that was allowed holds its share
from that very moment, so that two requests in the same instant cannot both take the last one; when
its pod appears, the pod takes the place of the promise.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.circumstances import GpuUse, Running, Usage
from jupyterhub_libretexts.core.gpus import GROUPS_ANNOTATION
from jupyterhub_libretexts.core.subjects import PREFIX
from jupyterhub_libretexts.quantities import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from jupyterhub_libretexts.cluster.objects import Pod
    from jupyterhub_libretexts.core.people import Person
    from jupyterhub_libretexts.core.plan import PodPlan
    from jupyterhub_libretexts.settings.models import Gpu

__all__ = ["Holding", "Ledger", "holding_of_plan", "holding_of_pod"]

_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Holding:
    """What one server holds."""

    username: str
    """As the value of KubeSpawner's username label."""
    running: Running
    memory: int
    """Bytes guaranteed."""
    cpu: float
    """Cores guaranteed."""
    devices: tuple[tuple[str, int], ...] = ()
    """Extended resources."""
    groups: tuple[str, ...] = ()
    """Groups of the person by which limits on GPUs count."""
    ends: float | None = None
    """When it ends at the latest, in seconds since 1970; None where nothing ends it."""

    @property
    def counted_groups(self) -> tuple[str, ...]:
        """What limits count it by: the person's groups, and the course that it belongs to."""
        return self.groups if self.running.course is None else (*self.groups, self.running.course)


def holding_of_plan(plan: PodPlan, person: Person) -> Holding:
    """What a server will hold."""
    choice = plan.choice
    return Holding(
        username=names.label_value(person.username),
        running=Running(choice.organization or "", choice.environment or "", choice.course, choice.gpu),
        memory=plan.memory_guarantee,
        cpu=plan.cpu_guarantee,
        devices=tuple((resource, int(amount)) for resource, amount in plan.part.devices.items()),
        groups=_groups(plan.part.annotations),
    )


def holding_of_pod(pod: Pod) -> Holding | None:
    """What a pod holds; None for one that has ended or is not of an organisation."""
    metadata, status, spec = pod["metadata"], pod.get("status") or {}, pod.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    organization = annotations.get(f"{PREFIX}organization")
    if organization is None or status.get("phase") in _ENDED:
        return None
    memory, cpu, devices = 0, 0.0, Counter[str]()
    for container in spec.get("containers") or ():
        resources = container.get("resources") or {}
        requests = resources.get("requests") or {}
        memory += int(Quantity.parse(requests.get("memory", 0)).value)
        cpu += float(Quantity.parse(requests.get("cpu", 0)).value)
        devices.update(
            {name: int(amount) for name, amount in (resources.get("limits") or {}).items() if "/" in name}
        )
    return Holding(
        username=(metadata.get("labels") or {}).get("hub.jupyter.org/username", ""),
        running=Running(
            organization,
            annotations.get(f"{PREFIX}environment", ""),
            annotations.get(f"{PREFIX}course"),
            annotations.get(f"{PREFIX}gpu"),
        ),
        memory=memory,
        cpu=cpu,
        devices=tuple(devices.items()),
        groups=_groups(annotations),
        ends=_ends(status.get("startTime"), spec.get("activeDeadlineSeconds")),
    )


def _groups(annotations: Mapping[str, str]) -> tuple[str, ...]:
    told = annotations.get(GROUPS_ANNOTATION)
    return tuple(told.split(",")) if told else ()


def _ends(started: str | None, deadline: int | None) -> float | None:
    """When the kubelet ends a pod: its deadline counts from the moment at which the kubelet took it."""
    if started is None or deadline is None:
        return None
    return datetime.fromisoformat(started).timestamp() + deadline


@dataclass(slots=True)
class _Held:
    """What is held of one resource by the servers of one flavour."""

    by_organization: Counter[str] = field(default_factory=Counter)
    by_group: Counter[str] = field(default_factory=Counter)
    ends: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By organisation, the soonest first."""

    def count(self, holding: Holding, amount: int, sign: int) -> None:
        """Add what a holding holds (sign 1), or take it away (sign -1)."""
        organization = holding.running.organization
        self.by_organization[organization] += sign * amount
        for group in holding.counted_groups:
            self.by_group[group] += sign * amount
        if holding.ends is None:
            return
        ends = self.ends[organization]
        if sign > 0:
            insort(ends, holding.ends)
        else:
            del ends[bisect_left(ends, holding.ends)]


class Ledger:
    """Sums of holdings by organisation, by flavour of GPU and by person, kept as they change."""

    def __init__(self) -> None:
        self._live: dict[str, Holding] = {}
        self._promised: dict[str, Holding] = {}
        self._servers: Counter[str] = Counter()
        self._memory: Counter[str] = Counter()
        self._cpu: defaultdict[str, float] = defaultdict(float)
        self._devices: defaultdict[str, dict[str, _Held]] = defaultdict(dict)
        self.changed: Callable[[], None] = lambda: None
        """Called when somebody holds more or less than before."""
        self._of_person: defaultdict[str, dict[str, Holding]] = defaultdict(dict)

    def observe(self, ref: str, pod: Pod | None) -> None:
        """A pod is new, changed or gone (an informer calls this)."""
        holding = holding_of_pod(pod) if pod is not None else None
        before = self._holding(ref)
        if holding is None:
            self._live.pop(ref, None)
        else:
            self._live[ref] = holding
        self._changed(ref, before)

    def promise(self, ref: str, holding: Holding) -> None:
        """A start was allowed; it holds its share until ``release``."""
        before = self._holding(ref)
        self._promised[ref] = holding
        self._changed(ref, before)

    def release(self, ref: str) -> None:
        """A start has ended, well or badly; what its pod holds is counted from the pod."""
        before = self._holding(ref)
        self._promised.pop(ref, None)
        self._changed(ref, before)

    def running(self, person: Person, but: Collection[str]) -> tuple[Running, ...]:
        """The servers of a person, some left out."""
        mine = self._of_person.get(names.label_value(person.username), {})
        return tuple(holding.running for ref, holding in mine.items() if ref not in but)

    def refs_of(self, username: str) -> tuple[str, ...]:
        """Everything of somebody that is counted, as ``namespace/name``."""
        return tuple(self._of_person.get(names.label_value(username), {}))

    def usage(self, organization: str, but: Collection[str]) -> Usage:
        """What all servers of an organisation hold, some left out."""
        own = [holding for holding in self._left_out(but) if holding.running.organization == organization]
        return Usage(
            self._servers[organization] - len(own),
            self._memory[organization] - sum(holding.memory for holding in own),
            self._cpu[organization] - sum(holding.cpu for holding in own),
        )

    def gpus(
        self,
        flavour: str,
        gpus: Mapping[str, Gpu],
        person: Person,
        but: Collection[str],
        *,
        total: int | None = None,
        fresh: bool = True,
        waiting: Mapping[str, int] = MappingProxyType({}),
    ) -> GpuUse:
        """Who holds how many of one flavour, some servers left out.

        A server whose flavour the settings no longer name holds its resource all the same, and counts
        for each flavour of that resource.

        Args:
            flavour: Its name.
            gpus: All flavours, by name.
            person: Whose own are counted besides.
            but: The servers that are left out, as ``namespace/name``.
            total: How many the cluster has, where the settings do not say it and somebody knows.
            fresh: Whether the ledger is told at once of what happens in the cluster.
            waiting: How many wait for one, by organisation.
        """
        resource = gpus[flavour].resource
        by_organization, by_group = Counter[str](), Counter[str]()
        back: dict[str, float] = {}
        soonest: list[float] = []
        for name, held in self._devices.get(resource, {}).items():
            if name != flavour and name in gpus:
                continue
            by_organization.update(held.by_organization)
            by_group.update(held.by_group)
            for organization, ends in held.ends.items():
                if ends:
                    soonest.append(ends[0])
                    if organization in person.organizations:
                        back[organization] = min(ends[0], back.get(organization, ends[0]))
        for holding in self._left_out(but):
            amount = _amount(holding, flavour, resource, gpus)
            by_organization[holding.running.organization] -= amount
            by_group.subtract(dict.fromkeys(holding.counted_groups, amount))
        mine = Counter[str]()
        for ref, holding in self._of_person.get(names.label_value(person.username), {}).items():
            if ref not in but:
                mine[holding.running.organization] += _amount(holding, flavour, resource, gpus)
        return GpuUse(
            total=total,
            fresh=fresh,
            by_organization=MappingProxyType(by_organization),
            by_group=MappingProxyType(by_group),
            by_person=MappingProxyType(mine),
            back=MappingProxyType({name: datetime.fromtimestamp(end, UTC) for name, end in back.items()}),
            next_back=datetime.fromtimestamp(min(soonest), UTC) if soonest else None,
            waiting=waiting,
        )

    def ends(self, flavour: str, gpus: Mapping[str, Gpu]) -> Mapping[str, tuple[float, ...]]:
        """When the servers of a flavour end at the latest, by organisation, the soonest first."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        for name, held in self._devices.get(gpus[flavour].resource, {}).items():
            if name == flavour or name not in gpus:
                for organization, ends in held.ends.items():
                    found[organization].extend(ends)
        return {organization: tuple(sorted(ends)) for organization, ends in found.items()}

    def held(self, flavour: str, gpus: Mapping[str, Gpu]) -> Mapping[str, int]:
        """How many of a flavour are held, by organisation."""
        found = Counter[str]()
        for name, held in self._devices.get(gpus[flavour].resource, {}).items():
            if name == flavour or name not in gpus:
                found.update(held.by_organization)
        return found

    def _left_out(self, refs: Iterable[str]) -> list[Holding]:
        return [holding for ref in refs if (holding := self._holding(ref)) is not None]

    def _holding(self, ref: str) -> Holding | None:
        # A promise may be for a newer pod of the same name than the live one; both cannot hold.
        return self._promised.get(ref) or self._live.get(ref)

    def _changed(self, ref: str, before: Holding | None) -> None:
        after = self._holding(ref)
        if before == after:
            return
        if before is not None:
            self._count(before, -1)
            of_person = self._of_person[before.username]
            of_person.pop(ref, None)
            if not of_person:
                del self._of_person[before.username]
        if after is not None:
            self._count(after, 1)
            self._of_person[after.username][ref] = after
        self.changed()

    def _count(self, holding: Holding, sign: int) -> None:
        organization = holding.running.organization
        self._servers[organization] += sign
        self._memory[organization] += sign * holding.memory
        self._cpu[organization] += sign * holding.cpu
        for resource, amount in holding.devices:
            held = self._devices[resource].setdefault(holding.running.gpu or "", _Held())
            held.count(holding, amount, sign)


def _amount(holding: Holding, flavour: str, resource: str, gpus: Mapping[str, Gpu]) -> int:
    """How many of a flavour a server holds."""
    name = holding.running.gpu or ""
    if name != flavour and name in gpus:
        return 0
    return dict(holding.devices).get(resource, 0)
