"""Who holds what: kept from live pods and from starts in flight, never counted anew.

A decision reads a few numbers, however many servers run. A start that was allowed holds its share
from that very moment, so that two requests in the same instant cannot both take the last one; when
its pod appears, the pod takes the place of the promise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.circumstances import GpuUse, Running, Usage
from jupyterhub_libretexts.core.subjects import PREFIX
from jupyterhub_libretexts.quantities import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyterhub_libretexts.cluster.objects import Pod
    from jupyterhub_libretexts.core.people import Person
    from jupyterhub_libretexts.core.plan import PodPlan

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


def holding_of_plan(plan: PodPlan, person: Person) -> Holding:
    """What a server will hold."""
    choice = plan.choice
    return Holding(
        username=names.label_value(person.username),
        running=Running(choice.organization or "", choice.environment or "", choice.course, choice.gpu),
        memory=plan.memory_guarantee,
        cpu=plan.cpu_guarantee,
        devices=tuple((resource, int(amount)) for resource, amount in plan.part.devices.items()),
    )


def holding_of_pod(pod: Pod) -> Holding | None:
    """What a pod holds; None for one that has ended or is not of an organisation."""
    metadata = pod["metadata"]
    annotations = metadata.get("annotations") or {}
    organization = annotations.get(f"{PREFIX}organization")
    if organization is None or (pod.get("status") or {}).get("phase") in _ENDED:
        return None
    memory, cpu, devices = 0, 0.0, Counter[str]()
    for container in (pod.get("spec") or {}).get("containers") or ():
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
    )


class Ledger:
    """Sums of holdings by organisation and by person, kept as they change."""

    def __init__(self) -> None:
        self._live: dict[str, Holding] = {}
        self._promised: dict[str, Holding] = {}
        self._servers: Counter[str] = Counter()
        self._memory: Counter[str] = Counter()
        self._cpu: defaultdict[str, float] = defaultdict(float)
        self._devices: defaultdict[str, Counter[str]] = defaultdict(Counter)
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

    def running(self, person: Person, but: str) -> tuple[Running, ...]:
        """The servers of a person, one left out."""
        mine = self._of_person.get(names.label_value(person.username), {})
        return tuple(holding.running for ref, holding in mine.items() if ref != but)

    def usage(self, organization: str, but: str) -> Usage:
        """What all servers of an organisation hold, one left out."""
        own = self._own(organization, but)
        return Usage(
            self._servers[organization] - (own is not None),
            self._memory[organization] - (own.memory if own else 0),
            self._cpu[organization] - (own.cpu if own else 0.0),
        )

    def gpus(self, resource: str, total: int | None, person: Person, but: str) -> GpuUse:
        """Who holds how many of one extended resource, one server left out.

        Args:
            resource: Its name in the cluster.
            total: How many the cluster has, where known.
            person: Whose own are counted besides.
            but: The server that is left out, as ``namespace/name``.
        """
        held: Mapping[str, int] = self._devices.get(resource, Counter())
        left_out = self._holding(but)
        if left_out is not None and dict(left_out.devices).get(resource):
            held = Counter(held)
            held.subtract({left_out.running.organization: dict(left_out.devices)[resource]})
        mine = self._of_person.get(names.label_value(person.username), {})
        own = sum(dict(item.devices).get(resource, 0) for ref, item in mine.items() if ref != but)
        return GpuUse(total, MappingProxyType(dict(held)), own)

    def _holding(self, ref: str) -> Holding | None:
        # A promise may be for a newer pod of the same name than the live one; both cannot hold.
        return self._promised.get(ref) or self._live.get(ref)

    def _own(self, organization: str, ref: str) -> Holding | None:
        holding = self._holding(ref)
        return holding if holding is not None and holding.running.organization == organization else None

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

    def _count(self, holding: Holding, sign: int) -> None:
        organization = holding.running.organization
        self._servers[organization] += sign
        self._memory[organization] += sign * holding.memory
        self._cpu[organization] += sign * holding.cpu
        for resource, amount in holding.devices:
            self._devices[resource][organization] += sign * amount
