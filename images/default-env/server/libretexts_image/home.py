"""Look at a home before anything writes to it. Nothing here changes the home."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

# Below this a server can start, but not save a notebook.
FULL_BELOW_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a home cannot be used, or only with care.

    Attributes:
        title: One short line.
        explanation: What it means and what to do, for the student.
        fatal: Whether a server in this home would lose work.
    """

    title: str
    explanation: str
    fatal: bool


def problem_with(home: Path) -> Problem | None:
    """Say what is wrong with a home, or None."""
    try:
        status = home.stat()
        room = os.statvfs(home)
    except OSError as error:
        return Problem(
            "Your home folder is not there",
            f"The folder {home} could not be opened ({error.strerror}). Nothing was changed. "
            "Please tell your support contact; they can look at the storage behind it.",
            fatal=True,
        )
    if room.f_flag & os.ST_RDONLY:
        return Problem(
            "Your home folder cannot be written",
            f"The storage behind {home} is read-only at the moment, so nothing that you do could be saved. "
            "Your files are all there and nothing was changed. Please try again later, or tell your "
            "support contact.",
            fatal=True,
        )
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return _not_ours(home, status)
    return _full(home, room)


def _not_ours(home: Path, status: os.stat_result) -> Problem:
    user = os.geteuid()
    if status.st_uid != user:
        return Problem(
            "Your home folder belongs to somebody else",
            f"The folder {home} belongs to {_account(status.st_uid)}, and this server runs as "
            f"{_account(user)}, so it may not write there. Nothing was changed. Please tell your support "
            "contact: the owner of the folder has to be corrected on the storage.",
            fatal=True,
        )
    return Problem(
        "Your home folder cannot be written",
        f"The folder {home} is yours, but its permissions ({status.st_mode & 0o777:o}) do not let you write. "
        "Nothing was changed. Please tell your support contact.",
        fatal=True,
    )


def _full(home: Path, room: os.statvfs_result) -> Problem | None:
    free = room.f_bavail * room.f_frsize
    size = room.f_blocks * room.f_frsize
    if free < FULL_BELOW_BYTES:
        return Problem(
            "Your home folder is full",
            f"All of its {_in_words(size)} are used. You can open, download and delete your files, but nothing "
            "new can be saved until you delete something. What you delete frees its space at once.",
            fatal=False,
        )
    if room.f_files and room.f_favail == 0:
        return Problem(
            "Your home folder has too many files",
            f"The folder {home} may hold {room.f_files} files and has that many. Delete a folder with many "
            "small files (an unpacked archive, an old environment) before you save anything new.",
            fatal=False,
        )
    return None


def _account(user: int) -> str:
    try:
        return f"{pwd.getpwuid(user).pw_name} (number {user})"
    except KeyError:
        return f"account number {user}"


def _in_words(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
