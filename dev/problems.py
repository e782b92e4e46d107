"""What ends a command with one line for the person who called it."""

from __future__ import annotations


class Stop(Exception):
    """The command cannot go on; the message says what is missing and what to type."""
