"""The hub's SQLite database, kept quick where its disk allows it.

With SQLite's defaults every commit waits for the disk twice, and a start commits a dozen times. With
write-ahead logging and ``synchronous=NORMAL`` a commit waits for nothing; what a power cut can take is
the last moment, never the database (https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html).
Write-ahead logging needs shared memory and is unsafe on network storage (same page, "all processes
using a database must be on the same host computer"), so the file system is looked at first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

__all__ = ["is_local", "sqlite_file", "tune"]

_LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay"})
"""File systems on which a file has one host; anything else counts as network storage."""


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database by its SQLAlchemy address; None for another kind or one in memory."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        # JupyterHub takes a bare path for an SQLite file.
        return Path(url) if url else None
    path = unquote(rest.partition("?")[0])
    if scheme.partition("+")[0] != "sqlite" or path in ("", "/", "/:memory:"):
        return None
    return Path(path.removeprefix("/"))


def is_local(path: Path, mounts: str | None = None) -> bool:
    """Whether a path is on a file system of this host.

    Args:
        path: A file that may not exist yet.
        mounts: Text of ``/proc/self/mountinfo`` (proc(5)); read where not given.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf8")
        except OSError:
            return False
    target = path.absolute()
    best, kind = -1, ""
    for line in mounts.splitlines():
        left, separator, right = line.partition(" - ")
        fields = left.split()
        if not separator or len(fields) < 5:  # noqa: PLR2004 (proc(5): the fifth field is the mount point)
            continue
        point = Path(fields[4].replace("\\040", " "))
        if target.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), right.split()[0]
    return kind in _LOCAL


def tune(url: str) -> bool:
    """Have every connection to a local SQLite file opened for speed; says whether it was done."""
    file = sqlite_file(url)
    if file is None or not is_local(file):
        return False
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    wanted = file.absolute()

    def opened(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        try:
            rows = cursor.execute("PRAGMA database_list").fetchall()
            if any(row[2] and Path(row[2]) == wanted for row in rows):
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.execute("PRAGMA synchronous=NORMAL")
        finally:
            cursor.close()

    event.listen(Engine, "connect", opened)
    return True
