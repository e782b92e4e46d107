"""What somebody chose, read from whatever their browser or program sent.

The five ways in (form, query, REST body, named server, stored options) all come through here, so
this is where hostile input ends. Whether the choice is open to the person is decided by ``plan``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields

from jupyterhub_libretexts.errors import MalformedChoice

__all__ = ["Choice", "choice"]

_LONGEST = 128
_MOST_KEYS = 32
# Options of stock KubeSpawner, which a site that moved here still has stored.
_STOCK = ("profile", "profile-option-")


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody asked for; None where they left it open."""

    organization: str | None = None
    environment: str | None = None
    size: str | None = None
    gpu: str | None = None
    course: str | None = None

    def options(self) -> dict[str, str]:
        """The choice as JupyterHub stores it."""
        pairs = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: value for name, value in pairs if value is not None}


_KEYS = tuple(item.name for item in fields(Choice))


def choice(raw: object) -> Choice:
    """Read a choice.

    Args:
        raw: What was sent: a mapping of names to text, or to lists with one text as browsers send it.

    Raises:
        MalformedChoice: It is none; the message says what would be.
    """
    if raw is None:
        return Choice()
    if not isinstance(raw, Mapping):
        raise MalformedChoice("The options must be names with values.", f"Allowed are: {', '.join(_KEYS)}.")
    if len(raw) > _MOST_KEYS:
        raise MalformedChoice(f"These are {len(raw)} options.", f"Allowed are: {', '.join(_KEYS)}.")
    given = {}
    for key, value in raw.items():
        if isinstance(key, str) and key.startswith(_STOCK):
            continue
        if key not in _KEYS:
            raise MalformedChoice(f"There is no option {_shown(key)}.", _allowed(key))
        text = _text(key, value)
        if text:
            given[key] = text
    return Choice(**given)


def _text(key: str, value: object) -> str:
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedChoice(f"The option {key} must be one text.", "Send one value for it.")
    if len(value) > _LONGEST:
        raise MalformedChoice(
            f"The value of {key} has {len(value)} characters.", f"At most {_LONGEST} are allowed."
        )
    if not value.isprintable():
        raise MalformedChoice(f"The value of {key} has characters that cannot be shown.", "Send plain text.")
    return value.strip()


def _allowed(key: object) -> str:
    near = difflib.get_close_matches(str(key)[:_LONGEST], _KEYS, n=1)
    return f"Allowed are: {', '.join(_KEYS)}." + (f" Did you mean {near[0]}?" if near else "")


def _shown(key: object) -> str:
    text = repr(key)
    return text if len(text) <= 40 else text[:37] + "…'"  # noqa: PLR2004 (a line's worth)
