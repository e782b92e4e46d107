"""Every error that this package raises on purpose.

    LibreTextsError                    never raised itself; catch it at a boundary
    ├── SettingsError                  a file has problems: all of them, located
    ├── Refusal                        a person cannot have what they asked for
    │   ├── MalformedChoice            the request itself makes no sense      (HTTP 400)
    │   ├── ClosedChoice               the request is clear and not allowed   (HTTP 403)
    │   └── NoRoom                     allowed, but nothing is free now       (HTTP 409)
    ├── PlanConflict                   two parts of a plan set one key: a mistake in the settings
    ├── ClusterError                   the cluster did not do what it was asked
    │   ├── ClusterUnavailable         it does not answer, or forbids us to ask
    │   └── StartFailed                a pod cannot succeed; says the cause in plain words
    └── UsageError                     a command was called wrongly; one line, exit status 2

Only boundary rooms (``hub``, ``cli``) turn these into HTTP answers or exit statuses.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ClosedChoice",
    "ClusterError",
    "ClusterUnavailable",
    "LibreTextsError",
    "MalformedChoice",
    "NoRoom",
    "Place",
    "PlanConflict",
    "Problem",
    "Refusal",
    "SettingsError",
    "StartFailed",
    "UsageError",
]


class LibreTextsError(Exception):
    """The root of the tree."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the settings, told so that it can be mended without asking."""

    place: Place
    key: str
    """The dotted path of the key, as the operator wrote it; empty for the file itself."""
    message: str
    """What is wrong, the offending value included."""
    allowed: str = ""
    """What would be right."""
    suggestion: str = ""
    """The nearest spelling that exists."""
    warning: bool = False
    """True when the file is usable all the same."""

    def __str__(self) -> str:
        parts = [self.message]
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.suggestion:
            parts.append(f"did you mean {self.suggestion!r}?")
        where = f"{self.place}: {self.key}: " if self.key else f"{self.place}: "
        return where + ("warning: " if self.warning else "") + "; ".join(parts)


class SettingsError(LibreTextsError):
    """The settings cannot be used; ``problems`` holds every reason, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class Refusal(LibreTextsError):
    """A person cannot have what they asked for.

    Attributes:
        message: One or two plain sentences: what was asked, why not, what is allowed.
        next_step: What the person can do now.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        self.message = message
        self.next_step = next_step
        super().__init__(f"{message} {next_step}".strip())


class MalformedChoice(Refusal):
    """The request makes no sense: an unknown key, a value of the wrong kind, too much of it."""


class ClosedChoice(Refusal):
    """The request is clear, and this person may not have it (now, or at all)."""


class NoRoom(Refusal):
    """The person may have it, and there is none left at this moment."""


class PlanConflict(LibreTextsError):
    """Two parts of one plan set the same key to different values."""

    def __init__(self, key: str, first: str, second: str) -> None:
        self.key = key
        super().__init__(
            f"{key} is set by {first} and, differently, by {second}; remove one of the two in the settings"
        )


class ClusterError(LibreTextsError):
    """The cluster did not do what it was asked."""


class ClusterUnavailable(ClusterError):
    """The cluster does not answer, or does not let us ask."""


class StartFailed(ClusterError):
    """A pod cannot succeed; the message says the cause and the next step in plain words."""


class UsageError(LibreTextsError):
    """A command was called wrongly."""
