"""What is offered to somebody, with the reason wherever something is closed.

The form shows what ``offered_to`` returns, and a start is checked with the same ``offer``: what a
student sees and what holds cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jupyterhub_libretexts.core.closed import Closed, Why, by_group
from jupyterhub_libretexts.core.gpus import GpuOffer, gpu_offer
from jupyterhub_libretexts.core.people import is_named

if TYPE_CHECKING:
    from decimal import Decimal

    from jupyterhub_libretexts.core.catalogue import Catalogue, Entry
    from jupyterhub_libretexts.core.circumstances import Circumstances
    from jupyterhub_libretexts.core.people import Person
    from jupyterhub_libretexts.settings.models import Course, ServerRules, Size

__all__ = ["Offer", "SizeOffer", "is_listed", "offer", "offered_to", "size_in_words"]


@dataclass(frozen=True, slots=True)
class SizeOffer:
    """One size of an offer."""

    name: str
    title: str
    default: bool
    closed: Closed | None


@dataclass(frozen=True, slots=True)
class Offer:
    """An environment or a course, as one person finds it."""

    entry: Entry
    organization_title: str
    title: str
    subject: str
    description: str
    sizes: tuple[SizeOffer, ...]
    gpus: tuple[GpuOffer, ...]
    closed: Closed | None

    @property
    def open_sizes(self) -> tuple[SizeOffer, ...]:
        """The sizes that this person can choose."""
        return tuple(size for size in self.sizes if size.closed is None)


def offered_to(catalogue: Catalogue, person: Person, circumstances: Circumstances) -> tuple[Offer, ...]:
    """Everything that a person's organisations list for them, open or closed with the reason.

    A course appears for those who take or teach it. Somebody without an organisation gets nothing.
    """
    return tuple(
        offer(catalogue, person, entry, circumstances)
        for organization in catalogue.organizations_of(person)
        for entry in catalogue.entries[organization]
        if is_listed(catalogue, person, entry)
    )


def is_listed(catalogue: Catalogue, person: Person, entry: Entry) -> bool:
    """Whether an entry of one of their organisations concerns a person at all."""
    course = catalogue.course(entry)
    return course is None or _takes(person, entry, course) or _teaches(person, course)


def offer(catalogue: Catalogue, person: Person, entry: Entry, circumstances: Circumstances) -> Offer:
    """One entry as one person finds it."""
    environment = catalogue.environment(entry)
    course = catalogue.course(entry)
    sizes = tuple(_size(catalogue, person, entry, name, circumstances) for name in entry.sizes)
    closed = (
        by_group(environment.groups, person)
        or _by_date(catalogue, person, course, circumstances)
        or _by_image(catalogue, entry, circumstances)
        or _by_limit(catalogue, entry, circumstances)
    )
    if closed is None and all(size.closed is not None for size in sizes):
        closed = sizes[0].closed
    return Offer(
        entry=entry,
        organization_title=catalogue.organization(entry).title,
        title=course.title if course is not None else environment.title,
        subject=environment.subject or "" if course is None else environment.title,
        description=environment.description or "",
        sizes=sizes,
        gpus=tuple(gpu_offer(catalogue, person, entry, name, circumstances) for name in entry.gpus),
        closed=closed,
    )


def _takes(person: Person, entry: Entry, course: Course) -> bool:
    return entry.course in person.groups or any(group in person.groups for group in course.members)


def _teaches(person: Person, course: Course) -> bool:
    return any(is_named(person, entry) for entry in course.instructors)


def _by_date(
    catalogue: Catalogue, person: Person, course: Course | None, circumstances: Circumstances
) -> Closed | None:
    if course is None or (course.from_ is None and course.until is None) or _teaches(person, course):
        return None
    today = circumstances.now.astimezone(ZoneInfo(catalogue.settings.hub.timezone)).date()
    if course.from_ is not None and today < course.from_:
        return Closed(Why.DATE, f"Opens on {course.from_:%d %B %Y}.")
    if course.until is not None and today > course.until:
        return Closed(Why.DATE, f"Ended on {course.until:%d %B %Y}.")
    return None


def _by_image(catalogue: Catalogue, entry: Entry, circumstances: Circumstances) -> Closed | None:
    environment = catalogue.environment(entry)
    facts = circumstances.images.get(environment.image)
    if facts is None:
        return None
    if environment.kernel is not None and environment.kernel not in facts.kernels:
        return Closed(Why.IMAGE, f"The image of this hub has no kernel {environment.kernel}.")
    opens = environment.opens
    if not opens.startswith("/") and facts.applications and opens not in facts.applications:
        return Closed(Why.IMAGE, f"The image of this hub has no {opens}.")
    return None


def _by_limit(catalogue: Catalogue, entry: Entry, circumstances: Circumstances) -> Closed | None:
    organization = catalogue.organization(entry)
    here = [other for other in circumstances.running if other.organization == entry.organization]
    levels: tuple[tuple[str, ServerRules | None, int], ...] = (
        (f"at {organization.title}", organization, len(here)),
        (
            "of this kind",
            catalogue.environment(entry),
            sum(other.environment == entry.environment for other in here),
        ),
        ("of this course", catalogue.course(entry), sum(other.course == entry.course for other in here)),
    )
    for where, rules, running in levels:
        if rules is None or rules.servers_per_person is None or running < rules.servers_per_person:
            continue
        return Closed(
            Why.LIMIT,
            f"You run {running} of at most {rules.servers_per_person} servers {where}. Stop one first.",
        )
    usage = circumstances.usage.get(entry.organization)
    limit = organization.limits.servers
    if usage is not None and limit is not None and usage.servers >= limit:
        return Closed(Why.ROOM, f"{organization.title} runs {usage.servers} servers, which is its limit.")
    return None


def _size(
    catalogue: Catalogue, person: Person, entry: Entry, name: str, circumstances: Circumstances
) -> SizeOffer:
    size = catalogue.settings.sizes[name]
    closed = by_group(size.groups, person)
    usage = circumstances.usage.get(entry.organization)
    if closed is None and usage is not None:
        organization = catalogue.organization(entry)
        memory, cpu = organization.limits.memory, organization.limits.cpu
        if memory is not None and usage.memory + size.memory.guarantee.value > memory.value:
            closed = Closed(Why.ROOM, f"The memory of {organization.title} ({memory}) is taken now.")
        elif cpu is not None and float(size.cpu.guarantee.value) + usage.cpu > float(cpu.value):
            closed = Closed(Why.ROOM, f"The processors of {organization.title} ({cpu} cores) are taken now.")
    return SizeOffer(name, size_in_words(size), name == entry.default_size, closed)


def size_in_words(size: Size) -> str:
    """A size as students read it: its title, or its numbers."""
    if size.title is not None:
        return size.title
    cores = _plain(size.cpu.limit.value)
    return (
        f"up to {cores} {'core' if cores == '1' else 'cores'}, {_gibibytes(size.memory.limit.value)} memory"
    )


def _gibibytes(amount: Decimal) -> str:
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20)):
        if amount >= factor:
            return f"{_plain(amount / factor)} {unit}"
    return f"{_plain(amount)} bytes"


def _plain(number: Decimal) -> str:
    return f"{round(number, 2):f}".rstrip("0").rstrip(".") if number % 1 else f"{int(number)}"
