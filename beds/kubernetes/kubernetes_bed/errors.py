"""The one error that a person meets: a line that says what to do next."""

from __future__ import annotations


class BedError(Exception):
    """Something that the person at the keyboard can put right; its text is one line."""
