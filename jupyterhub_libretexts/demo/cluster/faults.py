"""Faults that a test switches on: what goes wrong, for which requests, how many times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from jupyterhub_libretexts.errors import UsageError

Action = Literal["delay", "refuse", "expire", "lose_answer", "hang_up", "drop_watch"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. The patterns are those of a shell: ``*``, ``pod*``."""

    action: Action
    """delay: answer ``seconds`` late. refuse: answer ``status`` instead. expire: answer 410.
    lose_answer: do the work, then cut the connection without an answer. hang_up: cut the
    connection without doing the work. drop_watch: cut a watch ``seconds`` after it began."""
    verb: str = "*"
    """get, list, watch, create, update, patch, delete or deletecollection."""
    resource: str = "*"
    """The plural: ``pods``; a subresource as ``pods/log``."""
    namespace: str = "*"
    name: str = "*"
    count: int | None = None
    """How many requests it hits; None for all until it is cleared."""
    status: int = 500
    retry_after: int | None = None
    """Seconds in the ``Retry-After`` header of a refusal."""
    seconds: float = 0.0

    def hits(self, verb: str, resource: str, namespace: str, name: str) -> bool:
        """Whether a request is meant."""
        return (
            fnmatchcase(verb, self.verb)
            and fnmatchcase(resource, self.resource)
            and fnmatchcase(namespace, self.namespace)
            and fnmatchcase(name, self.name)
        )


class Faults:
    """The faults in force. With none, a request costs one look at an empty list."""

    def __init__(self) -> None:
        self._active: list[Fault] = []
        self.injected = 0
        """How many requests were hit so far."""

    def add(self, fault: Fault) -> Fault:
        """Switch a fault on."""
        if fault.action not in get_args(Action):
            allowed = ", ".join(get_args(Action))
            raise UsageError(f"a fault cannot {fault.action!r}; allowed actions: {allowed}")
        self._active.append(fault)
        return fault

    def clear(self) -> None:
        """Switch every fault off."""
        self._active.clear()

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults in force."""
        return tuple(self._active)

    def take(self, verb: str, resource: str, namespace: str, name: str) -> list[Fault]:
        """The faults that hit one request; each counts down."""
        hit: list[Fault] = []
        left: list[Fault] = []
        for fault in self._active:
            if not fault.hits(verb, resource, namespace, name):
                left.append(fault)
                continue
            hit.append(fault)
            if fault.count is None:
                left.append(fault)
            elif fault.count > 1:
                left.append(replace(fault, count=fault.count - 1))
        if hit:
            self._active = left
            self.injected += len(hit)
        return hit


def fault_from(document: dict[str, Any]) -> Fault:
    """A fault from its JSON form.

    Raises:
        UsageError: A key is unknown or missing.
    """
    try:
        return Fault(**document)
    except TypeError:
        allowed = ", ".join(Fault.__slots__)
        raise UsageError(
            f"a fault has an action and may have these keys: {allowed}; got {document}"
        ) from None
