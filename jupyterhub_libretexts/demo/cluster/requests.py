"""How many requests came, of what kind, and how many bytes went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class RequestCounts:
    """Counters by verb and resource (``create pods``, ``get pods/log``)."""

    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    received: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Bytes of request bodies."""
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Bytes of answers' bodies; those of a watch grow while it lasts."""
    codes: Counter[int] = field(default_factory=Counter)

    def count(self, verb: str = "", resource: str = "") -> int:
        """Requests of a verb and a resource; an empty word means any."""
        return sum(
            number
            for (each_verb, each_resource), number in self.requests.items()
            if verb in ("", each_verb) and resource in ("", each_resource)
        )

    def clear(self) -> None:
        """Start again from nothing."""
        for counter in (self.requests, self.received, self.sent):
            counter.clear()
        self.codes.clear()

    def rows(self) -> Iterator[dict[str, str | int]]:
        """The counters as plain data, busiest first."""
        for (verb, resource), number in self.requests.most_common():
            key = (verb, resource)
            yield {
                "verb": verb,
                "resource": resource,
                "requests": number,
                "received": self.received[key],
                "sent": self.sent[key],
            }
