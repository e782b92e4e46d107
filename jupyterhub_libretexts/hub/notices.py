"""What a person should know when they come to the hub: what ends soon, what ended and why, their turn."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jupyterhub_libretexts.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyterhub.user import User

__all__ = ["Notice", "notices"]

_SOON = 30 * 60
"""Seconds before an end from which on it is a warning."""
_OLD = 86_400
"""Seconds after which an end is no news any more."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know."""

    text: str
    warning: bool = False
    line: bool = False
    """Whether the page of the waiting line says more."""


def notices(user: User | None) -> tuple[Notice, ...]:
    """Everything that somebody should know now; JupyterHub calls this with the user, for each page."""
    if user is None or not getattr(user.spawner, "has_settings", False):
        return ()
    try:
        shared = user.spawner.shared
        zone = ZoneInfo(shared.catalogue.settings.hub.timezone)
    except SettingsError:
        return ()
    found = [notice for spawner in user.spawners.values() for notice in _of_server(spawner, zone)]
    found.extend(
        Notice("It is your turn in the waiting line.", warning=True, line=True)
        if place.called is not None
        else Notice("You wait in line for a GPU.", line=True)
        for place in shared.waiting.of(user.name)
        if place.lost is None
    )
    return tuple(found)


def _of_server(spawner: Any, zone: ZoneInfo) -> Iterator[Notice]:
    name = f"Your server {spawner.name}" if spawner.name else "Your server"
    now = time.time()
    if spawner.ends_at is not None:
        left = spawner.ends_at - now
        minutes = max(0, int(left // 60))
        text = f"{name} ends at {_clock(spawner.ends_at, zone)} at the latest"
        if left < _SOON:
            in_words = "in a minute" if minutes <= 1 else f"in {minutes} minutes"
            yield Notice(f"{text}, {in_words}. Save your work; files that are saved stay.", warning=True)
        else:
            yield Notice(f"{text}. Files that are saved stay.")
    elif spawner.ended is not None and now - spawner.ended["at"] < _OLD:
        yield Notice(f"{_clock(spawner.ended['at'], zone)}: {spawner.ended['why']}", warning=True)


def _clock(moment: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(moment, UTC).astimezone(zone):%H:%M}"
