"""GPUs: what of a flavour is open to somebody now, and what one adds to a pod.

A share is the organisation's; in it a group, a course and each person may have limits of their own.
All of them are compared with what pods and starts hold at this moment, which the edge counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jupyterhub_libretexts.core.closed import Closed, Why, by_group
from jupyterhub_libretexts.core.parts import Part
from jupyterhub_libretexts.core.subjects import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from jupyterhub_libretexts.core.catalogue import Catalogue, Entry
    from jupyterhub_libretexts.core.circumstances import Circumstances, GpuUse
    from jupyterhub_libretexts.core.people import Person
    from jupyterhub_libretexts.settings.models import Gpu, GpuShare, Settings

__all__ = ["GROUPS_ANNOTATION", "QUEUE_LABEL", "GpuOffer", "gpu_offer", "gpu_part", "keep_off_part"]

GROUPS_ANNOTATION = f"{PREFIX}groups"
"""On a server with a GPU: the groups of its person in its organisation, by which limits count it."""


# https://kueue.sigs.k8s.io/docs/tasks/run/plain_pods/
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
LONGEST_LABEL = "kueue.x-k8s.io/max-exec-time-seconds"


@dataclass(frozen=True, slots=True)
class GpuOffer:
    """One GPU flavour of an offer."""

    name: str
    title: str
    free: int | None
    """How many this person's organisation could take now; None where nobody knows."""
    total: int
    """How many the organisation may use at a time."""
    held: int
    """How many the organisation's servers hold now."""
    per_person: int
    """How many one person may use at a time."""
    back: datetime | None
    """When the next one is expected back at the latest, to the minute; None where nobody knows."""
    waiting: int
    """How many of the organisation wait for one."""
    closed: Closed | None


def gpu_offer(
    catalogue: Catalogue, person: Person, entry: Entry, name: str, circumstances: Circumstances
) -> GpuOffer:
    """One flavour as one person finds it at an entry."""
    settings = catalogue.settings
    gpu, organization = settings.gpus[name], catalogue.organization(entry)
    share = organization.gpus[name]
    closed = by_group(share.groups, person)
    if closed is None and share.total == 0:
        closed = Closed(Why.GROUP, f"{organization.title} has none.")
    use = circumstances.gpus.get(name)
    free, held, back, waiting = None, 0, None, 0
    if use is not None:
        held = use.by_organization.get(entry.organization, 0)
        waiting = use.waiting.get(entry.organization, 0)
        total = gpu.total if gpu.total is not None else use.total
        left = share.total - held
        if total is not None:
            free = max(0, min(left, total - use.used))
        closed = (
            closed
            or _by_person(share, use.by_person.get(entry.organization, 0))
            or _by_limits(settings, person, entry, share, use)
            # Where Kueue keeps the line, it lets pods wait; here they are only told apart.
            or (_by_room(organization.title, share, left, free, waiting) if gpu.queue is None else None)
        )
        back = _minute(use.back.get(entry.organization) if left <= 0 else use.next_back, settings)
        if not use.fresh:
            free, back = None, None
    return GpuOffer(name, gpu.title, free, share.total, held, share.per_person, back, waiting, closed)


def _by_person(share: GpuShare, held: int) -> Closed | None:
    if held < share.per_person:
        return None
    return Closed(Why.LIMIT, f"You hold {held} of at most {share.per_person}. Stop one first.")


def _by_limits(
    settings: Settings, person: Person, entry: Entry, share: GpuShare, use: GpuUse
) -> Closed | None:
    for group, limit in share.limits.items():
        if group in settings.courses:
            concerned, whose = entry.course == group, f"The servers of {settings.courses[group].title} hold"
        else:
            concerned, whose = group in person.groups, f"The people of {group} hold"
        held = use.by_group.get(group, 0)
        if concerned and held >= limit:
            return Closed(Why.ROOM, f"{whose} {held} of at most {limit}.")
    return None


def _by_room(title: str, share: GpuShare, left: int, free: int | None, waiting: int) -> Closed | None:
    line = f" {waiting} wait for one." if waiting else ""
    if left <= 0:
        return Closed(Why.ROOM, f"All {share.total} of {title} are in use now.{line}")
    if free == 0:
        return Closed(Why.ROOM, f"All that the cluster has are in use now.{line}")
    return None


def _minute(moment: datetime | None, settings: Settings) -> datetime | None:
    """The next whole minute, in the hub's time zone; a page stays the same for that long."""
    if moment is None:
        return None
    whole = moment.replace(second=0, microsecond=0)
    if whole < moment:
        whole += timedelta(minutes=1)
    return whole.astimezone(ZoneInfo(settings.hub.timezone))


def gpu_part(name: str, gpu: Gpu, organization: str, person: Person, declared: frozenset[str]) -> Part:
    """One GPU of a flavour: the resource, the nodes that have it, and room for its frameworks.

    Args:
        name: The flavour.
        gpu: What the settings say of it.
        organization: Whose share it is of.
        person: Who gets it.
        declared: The organisation's groups; those of the person are written onto the pod, so that
            limits of groups are counted from live pods alone.
    """
    memory = (
        {}
        if gpu.shared_memory is None
        else {"shm": {"emptyDir": {"medium": "Memory", "sizeLimit": str(gpu.shared_memory)}}}
    )
    groups = sorted(group for group in person.groups & declared if group.partition("/")[0] == organization)
    labels = {}
    if gpu.queue is not None:
        labels[QUEUE_LABEL] = gpu.queue
        if gpu.longest is not None:
            labels[LONGEST_LABEL] = str(gpu.longest.seconds)
    return Part(
        f"gpus.{name}",
        labels=labels,
        annotations={GROUPS_ANNOTATION: ",".join(groups)} if groups else {},
        devices={gpu.resource: "1"},
        node_labels=gpu.node_labels,
        tolerations={
            f"{each.key}={each.value or ''}:{each.effect or ''}": _toleration(
                each.key, each.value, each.effect
            )
            for each in gpu.tolerations
        },
        volumes=memory,
        mounts={"/dev/shm": {"name": "shm"}} if memory else {},  # noqa: S108 (a mount in the pod)
    )


def _toleration(key: str, value: str | None, effect: str | None) -> Mapping[str, Any]:
    made: dict[str, Any] = {"key": key, "operator": "Exists" if value is None else "Equal"}
    if value is not None:
        made["value"] = value
    if effect is not None:
        made["effect"] = effect
    return made


def keep_off_part(settings: Settings) -> Part:
    """What keeps a server without a GPU off the nodes of every flavour, tainted or not."""
    return Part(
        "gpus",
        avoided_nodes={
            name: gpu.node_labels
            for name, gpu in settings.gpus.items()
            if gpu.node_labels and not gpu.cpu_servers
        },
    )
