"""Warns of days that have passed: a course that nobody can start any more, a line that nobody sees."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime

    from jupyterhub_libretexts.settings.models import Settings
    from jupyterhub_libretexts.settings.notes import Notes

__all__ = ["check"]


def check(notes: Notes, settings: Settings, now: datetime) -> None:
    """Note what ended before now.

    Args:
        notes: Where to note it.
        settings: What was validated.
        now: The moment, with its time zone.
    """
    zone = ZoneInfo(settings.hub.timezone)
    today = now.astimezone(zone).date()
    for name, course in settings.courses.items():
        if course.until is not None and course.until < today:
            notes.warn(
                ("courses", name, "until"), f"the course ended on {course.until}; it is not offered any more"
            )
    announcement = settings.branding.announcement
    if announcement is None or announcement.until is None:
        return
    until = announcement.until if announcement.until.tzinfo else announcement.until.replace(tzinfo=zone)
    if until < now:
        path = ("branding", "announcement", "until")
        notes.warn(path, f"the announcement ended at {announcement.until:%Y-%m-%d %H:%M}; nobody sees it")
