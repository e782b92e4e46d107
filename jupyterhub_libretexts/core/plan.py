"""The plan: everything that happens to a pod because of who asked for what.

``plan`` checks the choice with the same offers that the form shows, and merges the parts of all
subjects. Whatever it returns can be printed, compared with a stored file, and reviewed.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.core.choice import Choice
from jupyterhub_libretexts.core.closed import Closed, Why
from jupyterhub_libretexts.core.gpus import gpu_part, keep_off_part
from jupyterhub_libretexts.core.merge import merged
from jupyterhub_libretexts.core.offers import Offer, is_listed, offer, offered_to
from jupyterhub_libretexts.core.parts import Part, assembled
from jupyterhub_libretexts.core.subjects import (
    home_part,
    identity_part,
    landing,
    network_part,
    rules_part,
)
from jupyterhub_libretexts.errors import ClosedChoice, MalformedChoice, NoRoom

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyterhub_libretexts.core.catalogue import Catalogue, Entry
    from jupyterhub_libretexts.core.circumstances import Circumstances
    from jupyterhub_libretexts.core.people import Person
    from jupyterhub_libretexts.quantities import Span

__all__ = ["PodPlan", "plan"]


@dataclass(frozen=True, slots=True)
class PodPlan:
    """One server as it will be."""

    choice: Choice
    """The choice with nothing left open."""
    namespace: str
    image: str
    cpu_guarantee: float
    """Cores."""
    cpu_limit: float
    """Cores."""
    memory_guarantee: int
    """Bytes."""
    memory_limit: int
    """Bytes."""
    default_url: str
    """Path at which the server opens."""
    arguments: tuple[str, ...]
    """Arguments of the single-user server, after those of the hub."""
    claims_home: bool
    """Whether the home is a claim, which must be there before the pod."""
    home_capacity: str
    """Size of a new claim, where homes are claims."""
    storage_class: str | None
    """Storage class of a new claim, where one is named."""
    idle: int | None
    """Seconds without activity after which the server is stopped."""
    longest: int | None
    """Seconds after which the server ends, whatever it does."""
    part: Part
    """All that is keyed, from every subject."""
    pod: Mapping[str, Any]
    """The operator's own words for the pod, merged last and never over what policy sets."""


def plan(catalogue: Catalogue, person: Person, choice: Choice, circumstances: Circumstances) -> PodPlan:
    """The plan for a choice.

    Args:
        catalogue: The settings, indexed.
        person: Who asks, or for whom an administrator asks.
        choice: What was asked for.
        circumstances: What the edge knows now.

    Raises:
        MalformedChoice: The choice names what does not exist, or leaves open what must be said.
        ClosedChoice: It is not open to this person; the message says what is.
        NoRoom: It is open, and nothing is free now.
        PlanConflict: The settings contradict themselves.
    """
    entry = _entry(catalogue, person, choice, circumstances)
    offered = offer(catalogue, person, entry, circumstances)
    if offered.closed is not None:
        _refuse(offered.title, offered.closed, _others(catalogue, person, circumstances))
    size = _size(offered, choice.size)
    gpu = _gpu(offered, choice.gpu)
    claim = circumstances.claim or f"claim-{person.key}"
    home = home_part(catalogue.settings.homes, entry.organization, person, claim)
    if gpu is not None:
        flavour = catalogue.settings.gpus[gpu]
        device = gpu_part(gpu, flavour, entry.organization, person, catalogue.groups_of(entry.organization))
    else:
        device = keep_off_part(catalogue.settings)
    return _planned(catalogue, entry, size, gpu, (home, device))


def _planned(
    catalogue: Catalogue, entry: Entry, size: str, gpu: str | None, of_person: tuple[Part, ...]
) -> PodPlan:
    settings = catalogue.settings
    environment, course = catalogue.environment(entry), catalogue.course(entry)
    rules = catalogue.rules(entry)
    of_gpu = settings.gpus[gpu] if gpu is not None else None
    parts = [
        identity_part(entry, size, gpu),
        *(rules_part(source, level) for source, level in rules),
        *of_person,
    ]
    network = catalogue.organization(entry).network
    if network is not None:
        parts.append(network_part(network, settings.networks[network], settings.cluster.calico))
    homes = catalogue.organization(entry).homes
    of_size = settings.sizes[size]
    pod: dict[str, Any] = {}
    for _, level in rules:
        pod = merged(pod, level.pod)
    return PodPlan(
        choice=Choice(entry.organization, entry.environment, size, gpu, entry.course),
        namespace=namespace_of(settings, entry.organization),
        image=environment.image,
        cpu_guarantee=float(of_size.cpu.guarantee.value),
        cpu_limit=float(of_size.cpu.limit.value),
        memory_guarantee=int(of_size.memory.guarantee.value),
        memory_limit=int(of_size.memory.limit.value),
        default_url=landing(environment, course),
        arguments=(
            ()
            if environment.kernel is None
            else (f"--MultiKernelManager.default_kernel_name={environment.kernel}",)
        ),
        claims_home=settings.homes.kind == "claim",
        home_capacity=str(homes.quota if homes is not None else settings.homes.quota),
        storage_class=settings.homes.storage_class,
        idle=_shortest(_most_specific(level.idle for _, level in rules), of_gpu.idle if of_gpu else None),
        longest=_shortest(
            _most_specific(level.longest for _, level in rules), of_gpu.longest if of_gpu else None
        ),
        part=assembled(parts),
        pod=pod,
    )


def _entry(catalogue: Catalogue, person: Person, choice: Choice, circumstances: Circumstances) -> Entry:
    organizations = catalogue.organizations_of(person)
    if not organizations:
        raise ClosedChoice(
            f"No organisation of this hub has a rule that admits {person.username}.",
            "Ask for help and say with which account you signed in.",
        )
    if choice.organization is not None:
        if choice.organization not in organizations:
            raise ClosedChoice(
                f"You do not belong to the organisation {choice.organization!r}.",
                f"You belong to: {', '.join(organizations)}.",
            )
        organizations = (choice.organization,)
    listed = [
        entry
        for organization in organizations
        for entry in catalogue.entries[organization]
        if is_listed(catalogue, person, entry)
    ]
    if choice.course is None and choice.environment is None:
        return _default(catalogue, person, listed, circumstances)
    if choice.course is not None:
        return _of_course(catalogue, listed, choice)
    return _of_environment(catalogue, listed, choice)


def _default(
    catalogue: Catalogue, person: Person, listed: list[Entry], circumstances: Circumstances
) -> Entry:
    open_entries = [
        entry for entry in listed if offer(catalogue, person, entry, circumstances).closed is None
    ]
    organizations = {entry.organization for entry in open_entries or listed}
    if len(organizations) > 1:
        raise MalformedChoice(
            "You belong to several organisations, and the choice names none.",
            f"Choose one of: {', '.join(sorted(organizations))}.",
        )
    if not listed:
        raise ClosedChoice("Your organisation offers no environment.", "Ask for help.")
    # With nothing open, the first entry's own reason is the one that the person reads.
    return (open_entries or listed)[0]


def _of_course(catalogue: Catalogue, listed: list[Entry], choice: Choice) -> Entry:
    course = choice.course
    for entry in listed:
        if entry.course == course:
            if choice.environment not in (None, entry.environment):
                raise MalformedChoice(
                    f"The course {course} uses {entry.environment}, not {choice.environment}.",
                    "Leave the environment out.",
                )
            return entry
    yours = [entry.course for entry in listed if entry.course is not None]
    if course in catalogue.settings.courses:
        raise ClosedChoice(f"You are not in the course {course}.", _these(yours, "Your courses are"))
    raise MalformedChoice(f"There is no course {course!r}.", _these(yours, "Your courses are", course))


def _of_environment(catalogue: Catalogue, listed: list[Entry], choice: Choice) -> Entry:
    wanted = choice.environment
    found = [entry for entry in listed if entry.course is None and entry.environment == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise MalformedChoice(
            f"Several of your organisations offer {wanted}.",
            f"Say which: {', '.join(entry.organization for entry in found)}.",
        )
    yours = list(dict.fromkeys(entry.environment for entry in listed if entry.course is None))
    if wanted in catalogue.settings.environments:
        raise ClosedChoice(f"{wanted} is not offered to you.", _these(yours, "Offered are"))
    raise MalformedChoice(f"There is no environment {wanted!r}.", _these(yours, "Offered are", wanted))


def _size(offered: Offer, wanted: str | None) -> str:
    if wanted is None:
        return next((size.name for size in offered.open_sizes if size.default), offered.open_sizes[0].name)
    names = [size.name for size in offered.open_sizes]
    for size in offered.sizes:
        if size.name == wanted:
            if size.closed is not None:
                _refuse(f"The size {wanted}", size.closed, _these(names, "Open sizes are"))
            return wanted
    raise MalformedChoice(
        f"{offered.title} does not come in the size {wanted!r}.", _these(names, "Open sizes are", wanted)
    )


def _gpu(offered: Offer, wanted: str | None) -> str | None:
    if wanted is None:
        return None
    names = [gpu.name for gpu in offered.gpus if gpu.closed is None]
    for gpu in offered.gpus:
        if gpu.name == wanted:
            if gpu.closed is not None:
                _refuse(gpu.title, gpu.closed, _these(names, "Open GPUs are"))
            return wanted
    raise MalformedChoice(
        f"{offered.title} does not come with the GPU {wanted!r}.", _these(names, "Open GPUs are", wanted)
    )


def _others(catalogue: Catalogue, person: Person, circumstances: Circumstances) -> str:
    return _these(
        [
            other.entry.course or other.entry.environment
            for other in offered_to(catalogue, person, circumstances)
            if other.closed is None
        ],
        "Open to you are",
    )


def _refuse(what: str, closed: Closed, next_step: str) -> NoReturn:
    error = NoRoom if closed.why in (Why.ROOM, Why.LIMIT) else ClosedChoice
    raise error(f"{what} is closed to you now: {closed.text}", next_step)


def _these(names: Iterable[str], words: str, wanted: str | None = None) -> str:
    known = list(dict.fromkeys(names))
    if not known:
        return ""
    near = difflib.get_close_matches(wanted, known, n=1) if wanted is not None else []
    return f"{words}: {', '.join(known)}." + (f" Did you mean {near[0]}?" if near else "")


def _most_specific(spans: Iterable[Span | None]) -> Span | None:
    found = [span for span in spans if span is not None]
    return found[-1] if found else None


def _shortest(*spans: Span | None) -> int | None:
    return min((span.seconds for span in spans if span is not None), default=None)
