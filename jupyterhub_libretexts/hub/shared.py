"""What all spawners of one hub share: the settings, their catalogue, the informer and the line of starts."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from jupyterhub_libretexts.cluster.informer import USERNAME_LABEL
from jupyterhub_libretexts.cluster.kueue import Queues
from jupyterhub_libretexts.cluster.registry import Registry, View
from jupyterhub_libretexts.cluster.stream import Condition
from jupyterhub_libretexts.core.catalogue import Catalogue, catalogue, namespace_of, namespaces_of
from jupyterhub_libretexts.core.subjects import PREFIX
from jupyterhub_libretexts.errors import ClusterUnavailable
from jupyterhub_libretexts.hub.clock import Clock
from jupyterhub_libretexts.hub.facts import circumstances
from jupyterhub_libretexts.hub.ledger import Ledger
from jupyterhub_libretexts.hub.line import Line, Pace
from jupyterhub_libretexts.hub.metrics import Totals
from jupyterhub_libretexts.hub.store import Store
from jupyterhub_libretexts.hub.usage import Usage
from jupyterhub_libretexts.hub.waiting import Waiting
from jupyterhub_libretexts.images.compare import lock_beside
from jupyterhub_libretexts.images.watch import WatchedLock
from jupyterhub_libretexts.settings.watch import Watched

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from jupyterhub_libretexts.cluster.access import AccessSettings
    from jupyterhub_libretexts.cluster.informer import Informer
    from jupyterhub_libretexts.core.circumstances import Circumstances
    from jupyterhub_libretexts.core.people import Person
    from jupyterhub_libretexts.errors import Problem
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["ORGANIZATION_LABEL", "Shared", "SharedRegistry"]

ORGANIZATION_LABEL = f"{PREFIX}organization"

_OTHERS_SECONDS = 5.0
"""How long a page or a start waits, once, for the servers of other organisations to be read."""


@dataclass(slots=True)
class Shared:
    """One hub's knowledge, for one set of settings files."""

    watched: Watched
    images: WatchedLock
    informers: Registry
    view: View
    line: Line
    pace: Pace
    ledger: Ledger
    log: logging.Logger
    store: Store
    waiting: Waiting = field(init=False)
    clock: Clock = field(default_factory=Clock)
    totals_of_usage: Totals = field(default_factory=Totals)
    usage: Usage = field(init=False)
    _queues: Queues | None = field(default=None)
    _catalogue: Catalogue | None = field(default=None)
    _observed: Informer | None = field(default=None)

    def __post_init__(self) -> None:
        self.waiting = Waiting(self.store, self.ledger, lambda: self.catalogue, self._facts)
        self.usage = Usage(self.store, self.totals_of_usage)

    def _facts(self, person: Person, left_out: tuple[str, ...]) -> Circumstances:
        """What is known at this moment for somebody, apart from a server of theirs."""
        return circumstances(
            self.catalogue,
            self.ledger,
            person,
            left_out=left_out,
            totals=self.totals(),
            fresh=self.fresh(person),
        )

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the last good settings; looks at the files at most once a second."""
        settings: Settings = self.watched.current()
        if self._catalogue is None or self._catalogue.settings is not settings:
            self._catalogue = catalogue(settings)
            self.line.limit = settings.hub.starts_at_once
        return self._catalogue

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the newest edit of the files, for administrators; empty when it is in use."""
        return self.watched.problems

    @property
    def informer(self) -> Informer:
        """The informer of the running event loop."""
        informer = self.informers.informer(self.view)
        if informer is not self._observed:
            self._observed = informer
            informer.observe(self.ledger.observe)
            informer.observe(self.usage.observe)
        return informer

    async def close(self) -> None:
        """End the watches and close the store."""
        await self.informers.close()
        self.store.close()

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Where the servers of all organisations are."""
        return namespaces_of(self.catalogue.settings)

    async def all_known(self) -> None:
        """Return once all servers are known, as far as they can be read now.

        An organisation whose namespace is not there yet is no reason to leave the others alone.
        """

        async def ensured(namespace: str) -> None:
            with contextlib.suppress(ClusterUnavailable):
                await self.informer.ensure(namespace)

        await asyncio.gather(*map(ensured, self.namespaces))

    async def known(self, person: Person) -> None:
        """Return once the servers of a person's organisations are known.

        Raises:
            ClusterUnavailable: They cannot be read now.
        """
        settings = self.catalogue.settings
        mine = self.catalogue.organizations_of(person)
        for name in mine:
            await self.informer.ensure(namespace_of(settings, name))
        if any(settings.organizations[name].gpus for name in mine):
            await self.informer.capacity.known()
            await self._others_known(mine)

    async def _others_known(self, mine: tuple[str, ...]) -> None:
        """Know the servers of those with whom these organisations share GPUs, as far as they can be read.

        Where shares cannot exceed what there is, nobody else's servers matter.
        """
        settings = self.catalogue.settings
        for name in _sharers(settings, mine):
            namespace = namespace_of(settings, name)
            # An organisation whose namespace is not there holds nothing, and must not keep others waiting.
            if self.informer.condition(namespace)[0] in (Condition.REFUSED, Condition.MISSING):
                continue
            with contextlib.suppress(ClusterUnavailable):
                await self.informer.ensure(namespace, _OTHERS_SECONDS)

    @property
    def queues(self) -> Queues:
        """Kueue's lines, where a flavour names one."""
        if self._queues is None:
            self._queues = Queues(self.informer.connection)
        return self._queues

    def totals(self) -> Mapping[str, int | None]:
        """How many of each flavour the cluster has, where the settings leave it to be counted."""
        return {
            name: self.informer.capacity.of(gpu.resource, gpu.node_labels)
            for name, gpu in self.catalogue.settings.gpus.items()
            if gpu.total is None
        }

    def fresh(self, person: Person) -> bool:
        """Whether what is known of the servers that concern a person is the present."""
        settings = self.catalogue.settings
        mine = self.catalogue.organizations_of(person)
        return self.informer.fresh(namespace_of(settings, name) for name in mine)


def _sharers(settings: Settings, mine: tuple[str, ...]) -> list[str]:
    """Other organisations whose servers can take what these could have."""
    flavours = {
        flavour
        for name in mine
        for flavour in settings.organizations[name].gpus
        if settings.gpus[flavour].overcommit or settings.gpus[flavour].total is None
    }
    return [
        name
        for name, organization in settings.organizations.items()
        if name not in mine and not flavours.isdisjoint(organization.gpus)
    ]


class SharedRegistry:
    """One ``Shared`` for each event loop and set of settings files; made by the first who asks."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[object, ...], Shared]] = (
            WeakKeyDictionary()
        )

    def shared(
        self, files: tuple[str, ...], access: AccessSettings, log: logging.Logger, store: str = "sqlite://"
    ) -> Shared:
        """The ``Shared`` of the running loop for these files, this cluster and this database.

        Raises:
            SettingsError: The files cannot be used and never could be.
        """
        mine = self._known.setdefault(asyncio.get_running_loop(), {})
        key = (files, access, store)
        if key not in mine:
            watched = Watched(files, told=_teller(log))
            mine[key] = Shared(
                watched=watched,
                images=WatchedLock(lock_beside(files), told=log.error),
                informers=Registry(log),
                view=View(access=access, indexed_labels=(USERNAME_LABEL, ORGANIZATION_LABEL)),
                line=Line(watched.current().hub.starts_at_once),
                pace=Pace(),
                ledger=Ledger(),
                log=log,
                store=Store(store),
            )
        return mine[key]

    async def close(self) -> None:
        """End the watches of the running loop."""
        for shared in self._known.pop(asyncio.get_running_loop(), {}).values():
            await shared.close()


def _teller(log: logging.Logger) -> Callable[[tuple[Problem, ...]], None]:
    def tell(problems: tuple[Problem, ...]) -> None:
        for problem in problems:
            if problem.warning:
                log.info("%s", problem)
            else:
                log.error("The settings stay as they were: %s", problem)

    return tell
