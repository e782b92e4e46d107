"""What is printed: plain lines, colour only for people, nothing that a terminal would obey."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Paint", "paint", "say", "shown", "tell"]


def shown(text: str) -> str:
    """One line in which nothing steers the terminal: what cannot be shown is escaped."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def tell(text: str = "") -> None:
    """Print to standard output."""
    sys.stdout.write(f"{text}\n")


def say(text: str) -> None:
    """Print to standard error, one line or several, after everything that was told before."""
    sys.stdout.flush()
    lines = "\n".join(shown(line) for line in text.splitlines())
    sys.stderr.write(f"{lines}\n")
    sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours, or nothing where nobody would see them."""

    on: bool

    def bold(self, text: str) -> str:
        """What the eye should find first."""
        return self._in(text, "1")

    def good(self, text: str) -> str:
        """What is open or right."""
        return self._in(text, "32")

    def bad(self, text: str) -> str:
        """What is wrong."""
        return self._in(text, "31")

    def careful(self, text: str) -> str:
        """What is closed, or worth a look."""
        return self._in(text, "33")

    def faint(self, text: str) -> str:
        """What is said in passing."""
        return self._in(text, "2")

    def _in(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


def paint(stream: TextIO | None = None, environment: Callable[[str], str | None] = os.environ.get) -> Paint:
    """The colours for a stream: https://no-color.org and https://force-color.org, else for terminals."""
    if environment("NO_COLOR"):
        return Paint(on=False)
    if environment("FORCE_COLOR"):
        return Paint(on=True)
    terminal = (stream or sys.stdout).isatty() and environment("TERM") != "dumb"
    return Paint(on=terminal)
