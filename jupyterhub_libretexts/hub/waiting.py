"""The waiting line for GPUs: who waits, whose turn it is, and what is held for them meanwhile.

A line is no pending start: nothing of the hub waits but a row in a table. When a GPU comes back it is
promised in the ledger to whoever is next, in the same instant, so that nobody who merely asks again
can be quicker. What then becomes of a turn is up to ``turns``.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from jupyterhub_libretexts.core.choice import choice
from jupyterhub_libretexts.core.closed import Why
from jupyterhub_libretexts.core.offers import offered_to
from jupyterhub_libretexts.core.people import Person, person
from jupyterhub_libretexts.core.plan import plan
from jupyterhub_libretexts.core.turns import Waiter, expected, in_order
from jupyterhub_libretexts.errors import ClosedChoice, LibreTextsError, MalformedChoice, Refusal
from jupyterhub_libretexts.hub.ledger import holding_of_plan
from jupyterhub_libretexts.hub.store import WAITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jupyterhub_libretexts.core.catalogue import Catalogue
    from jupyterhub_libretexts.core.choice import Choice
    from jupyterhub_libretexts.core.circumstances import Circumstances
    from jupyterhub_libretexts.hub.ledger import Ledger
    from jupyterhub_libretexts.hub.store import Store

__all__ = ["Place", "Waiting"]

_DAY = 86_400.0
_NOBODY = person("", ())
_CHECKS = 50
"""The most choices that are checked when GPUs come back; who is passed over is checked the next time."""


@dataclass(frozen=True, slots=True)
class Place:
    """One person's place in the line for one flavour; times in seconds since 1970."""

    number: int
    username: str
    server: str
    """Name of the server that shall start; empty for the default one."""
    organization: str
    gpu: str
    options: Mapping[str, str]
    """The choice that shall start."""
    groups: tuple[str, ...]
    email: str | None
    joined: float
    seen: float
    """When they last looked."""
    called: float | None = None
    """Since when it is their turn."""
    lost: float | None = None
    """Since when their turn is over without a server."""
    reason: str = ""
    """Why it was lost, for them to read."""

    @property
    def waits(self) -> bool:
        """Whether their turn is still to come."""
        return self.called is None and self.lost is None

    @property
    def promise(self) -> str:
        """Under what the ledger holds a GPU for them."""
        return f"turn/{self.number}"

    @property
    def person(self) -> Person:
        """Who they were when they joined; a start looks again."""
        return person(self.username, frozenset(self.groups), self.email)


class Waiting:
    """All lines of a hub.

    Args:
        store: Where places are kept.
        ledger: Where what is held for a turn is promised.
        catalogue: The settings as they are now.
        facts: What is known at this moment for a person, some of the ledger left out.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        catalogue: Callable[[], Catalogue],
        facts: Callable[[Person, tuple[str, ...]], Circumstances],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._catalogue = catalogue
        self._facts = facts
        self._clock = clock
        self._places = {
            row["number"]: Place(**{**row, "groups": tuple(row["groups"])})
            for row in store.rows(sql.select(WAITING))
        }

    # -- who waits ---------------------------------------------------------------------------------

    def of(self, username: str) -> tuple[Place, ...]:
        """Somebody's places."""
        return tuple(place for place in self._places.values() if place.username == username)

    def called(self) -> tuple[Place, ...]:
        """Those whose turn it is."""
        return tuple(place for place in self._places.values() if place.called is not None and not place.lost)

    def counts(self) -> dict[str, Counter[str]]:
        """How many wait, by flavour and organisation."""
        found: dict[str, Counter[str]] = {}
        for place in self._places.values():
            if place.waits:
                found.setdefault(place.gpu, Counter())[place.organization] += 1
        return found

    def position(self, place: Place) -> int | None:
        """How many turns come before somebody's; None for somebody who does not wait."""
        order = [number for number in self._order(place.gpu) if self._concerns(place, self._places[number])]
        return order.index(place.number) if place.number in order else None

    def expected(self, place: Place) -> float | None:
        """When somebody's turn comes at the latest, in seconds since 1970; None where nobody can say."""
        settings = self._catalogue().settings
        gpu = settings.gpus.get(place.gpu)
        position = self.position(place)
        if gpu is None or position is None:
            return None
        ends = self._ledger.ends(place.gpu, settings.gpus)
        if not gpu.overcommit:
            ends = {place.organization: ends.get(place.organization, ())}
        longest = gpu.longest.seconds if gpu.longest is not None else None
        return expected(position, sorted(end for of_one in ends.values() for end in of_one), longest)

    def _concerns(self, place: Place, other: Place) -> bool:
        """Whether somebody else's turn can come before somebody's: not where each has their own share."""
        gpu = self._catalogue().settings.gpus[place.gpu]
        return gpu.overcommit or other.organization == place.organization

    # -- come and go -------------------------------------------------------------------------------

    def join(self, who: Person, server: str, wanted: Choice) -> Place:
        """Somebody joins, or is there already.

        Raises:
            MalformedChoice: The choice names no GPU, or makes no sense.
            ClosedChoice: It is not open to them, or there is nothing to wait for.
            NoRoom: A limit of their own is in the way, which waiting does not change.
        """
        if wanted.gpu is None:
            raise MalformedChoice("There is a line for GPUs only, and the choice names none.")
        known = next((one for one in self.of(who.username) if one.gpu == wanted.gpu), None)
        if known is not None and known.lost is None:
            return known
        facts = self._facts(who, ())
        try:
            plan(self._catalogue(), who, wanted, facts)
        except Refusal:
            if not self._is_a_matter_of_waiting(who, wanted, facts):
                raise
        else:
            raise ClosedChoice("One is free now: you need not wait.", "Start it from the hub's pages.")
        if known is not None:
            self._remove(known)
        now = self._clock()
        values = {
            "username": who.username,
            "server": server,
            "organization": self._organization(who, wanted),
            "gpu": wanted.gpu,
            "options": wanted.options(),
            "groups": sorted(who.groups),
            "email": who.email,
            "joined": now,
            "seen": now,
        }
        number = self._store.add(WAITING, values)
        made = Place(**{**values, "number": number, "groups": tuple(sorted(who.groups))})  # type: ignore[arg-type]
        self._places[number] = made
        return made

    def leave(self, place: Place) -> None:
        """Somebody leaves; what was held for them is free again."""
        self._remove(place)
        self.settle()

    def look(self, username: str) -> None:
        """Somebody looks at their place: they are there."""
        for place in self.of(username):
            self._change(place, seen=self._clock())

    def forget(self, username: str) -> int:
        """Erase everything about somebody; says how many places that were."""
        mine = self.of(username)
        for place in mine:
            self._remove(place)
        return len(mine)

    # -- turns -------------------------------------------------------------------------------------

    def settle(self) -> tuple[Place, ...]:
        """Give each GPU that is free to whoever is next; returns those whose turn has come."""
        gpus = self._catalogue().settings.gpus
        called: list[Place] = []
        for gpu in dict.fromkeys(place.gpu for place in self._places.values() if place.waits):
            if gpu in gpus:
                called.extend(self._settle(gpu))
        return tuple(called)

    def _settle(self, gpu: str) -> Iterator[Place]:
        passed: set[int] = set()
        while len(passed) < _CHECKS and (room := self._with_room(gpu)):
            for number in self._order(gpu):
                place = self._places[number]
                if number in passed or place.organization not in room:
                    continue
                # Their own servers are left out: one of them may be what the new one replaces.
                facts = self._facts(place.person, self._ledger.refs_of(place.username))
                try:
                    made = plan(self._catalogue(), place.person, choice(place.options), facts)
                except LibreTextsError:
                    # A limit of their group, course or person is reached; whoever is next may go first.
                    passed.add(number)
                    continue
                self._ledger.promise(place.promise, holding_of_plan(made, place.person))
                yield self._change(place, called=self._clock())
                break
            else:
                return

    def _with_room(self, gpu: str) -> frozenset[str]:
        """The organisations for which one is free; most of the time there is none, and hundreds wait."""
        settings = self._catalogue().settings
        use = self._ledger.gpus(gpu, settings.gpus, _NOBODY, ())
        total = settings.gpus[gpu].total
        if total is not None and total <= use.used:
            return frozenset()
        return frozenset(
            name
            for name, organization in settings.organizations.items()
            if gpu in organization.gpus and organization.gpus[gpu].total > use.by_organization.get(name, 0)
        )

    def restore(self, holds: Callable[[Place], bool]) -> None:
        """After a restart of the hub: hold for each turn what it had, and let its time begin anew.

        Args:
            holds: Whether somebody's server with their GPU runs already.
        """
        for place in self.called():
            # Nobody could be there while the hub was not.
            again = self._change(place, called=self._clock())
            if holds(again):
                continue
            try:
                facts = self._facts(again.person, self._ledger.refs_of(again.username))
                made = plan(self._catalogue(), again.person, choice(again.options), facts)
            except LibreTextsError:
                # It went to others meanwhile; they are still among the first.
                self._change(again, called=None)
            else:
                self._ledger.promise(again.promise, holding_of_plan(made, again.person))

    def promises(self, username: str, gpu: str | None) -> tuple[str, ...]:
        """What the ledger holds for somebody's turn for a flavour."""
        return tuple(place.promise for place in self.of(username) if place.called and place.gpu == gpu)

    def took(self, username: str, gpu: str | None) -> None:
        """A start of somebody was allowed: it holds its GPU from now on, and no longer their turn."""
        for place in self.of(username):
            if place.gpu == gpu and not place.lost:
                if place.called is None:
                    self._change(place, called=self._clock())
                self._ledger.release(place.promise)

    def done(self, place: Place) -> None:
        """Somebody has their server and is there."""
        self._remove(place)

    def lose(self, place: Place, reason: str) -> None:
        """A turn is over without a server; the reason stays for a day, to be read."""
        self._ledger.release(place.promise)
        self._change(place, lost=self._clock(), reason=reason)
        self.settle()

    def tidy(self) -> None:
        """Drop what nobody will read any more: lost turns, and places that the settings no longer know."""
        settings, now = self._catalogue().settings, self._clock()
        for place in list(self._places.values()):
            organization = settings.organizations.get(place.organization)
            known = organization is not None and place.gpu in organization.gpus
            if not known or (place.lost is not None and now - place.lost > _DAY):
                self._remove(place)

    # -- inside ------------------------------------------------------------------------------------

    def _order(self, gpu: str) -> tuple[int, ...]:
        settings = self._catalogue().settings
        if gpu not in settings.gpus:
            return ()
        waiters = [
            Waiter(place.number, place.organization, place.joined)
            for place in self._places.values()
            if place.waits and place.gpu == gpu
        ]
        shares = {
            name: organization.gpus[gpu].total
            for name, organization in settings.organizations.items()
            if gpu in organization.gpus
        }
        use = self._ledger.gpus(gpu, settings.gpus, _NOBODY, ())
        return tuple(waiter.number for waiter in in_order(waiters, use.by_organization, shares))

    def _is_a_matter_of_waiting(self, who: Person, wanted: Choice, facts: Circumstances) -> bool:
        for offered in offered_to(self._catalogue(), who, facts):
            entry = offered.entry
            same = entry.course == wanted.course and wanted.environment in (None, entry.environment)
            if not same or wanted.organization not in (None, entry.organization) or offered.closed:
                continue
            for gpu in offered.gpus:
                if gpu.name == wanted.gpu and gpu.closed is not None and gpu.closed.why is Why.ROOM:
                    return True
        return False

    def _organization(self, who: Person, wanted: Choice) -> str:
        if wanted.organization is not None:
            return wanted.organization
        if wanted.course is not None:
            return wanted.course.partition("/")[0]
        mine = self._catalogue().organizations_of(who)
        if len(mine) != 1:
            raise MalformedChoice("You belong to several organisations, and the choice names none.")
        return mine[0]

    def _change(self, place: Place, **values: Any) -> Place:
        changed = replace(place, **values)
        self._places[place.number] = changed
        self._store.write(WAITING.update().where(WAITING.c.number == place.number).values(**values))
        return changed

    def _remove(self, place: Place) -> None:
        self._ledger.release(place.promise)
        self._places.pop(place.number, None)
        self._store.write(WAITING.delete().where(WAITING.c.number == place.number))
