"""The folder of built things: keyed by content, made whole or not at all.

A thing is built in ``NAME-KEY.partial`` and gets its final name by one rename, after a manifest
with the size and checksum of each file was written into it. So a folder with a manifest is whole,
and what a killed build left is recognised by its name.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import BedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .pins import Part

MANIFEST = "manifest.json"


def folder() -> Path:
    """The cache of this user: ``$XDG_CACHE_HOME/jupyterhub-libretexts/kubernetes``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "jupyterhub-libretexts" / "kubernetes"


def key_of(parts: Iterable[tuple[str, bytes]]) -> str:
    """A short name for named contents; order does not matter, names and lengths do."""
    digest = hashlib.sha256()
    for name, content in sorted(parts):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def key_of_part(part: Part) -> str:
    """The key of a Go part: every file of its folder, and how it is compiled."""
    files = [path for path in sorted(part.folder.rglob("*")) if path.is_file()]
    named = [(str(path.relative_to(part.folder)), path.read_bytes()) for path in files]
    return key_of([*named, ("how", repr((part.packages, part.ldflags, part.tags, part.files)).encode())])


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(place: Path) -> bool:
    """Whether every file of the manifest is there in its size (checksums: ``damaged``)."""
    try:
        files = json.loads((place / MANIFEST).read_text())["files"]
        return all((place / name).stat().st_size == size for name, (size, _) in files.items())
    except (OSError, ValueError, KeyError):
        return False


def damaged(place: Path) -> list[str]:
    """The files whose content is not what was built."""
    files = json.loads((place / MANIFEST).read_text())["files"]
    return [name for name, (_, digest) in files.items() if checksum(place / name) != digest]


def keep(place: Path, make: Callable[[Path], None]) -> Path:
    """Return ``place``, made by ``make(folder)`` if it is not there whole."""
    if is_whole(place):
        return place
    partial = place.with_name(place.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        make(partial)
        write_manifest(partial)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        if error.errno == errno.ENOSPC:
            raise BedError(f"disk full: {place.parent} has no room left; free some and run again") from error
        raise
    except BedError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    partial.rename(place)
    return place


def write_manifest(place: Path) -> None:
    """Record the size and checksum of every regular file at the top three levels.

    Deeper trees (unpacked image layers) are recorded by their databases, which lie higher.
    """
    files = {
        str(path.relative_to(place)): (path.stat().st_size, checksum(path))
        for pattern in ("*", "*/*", "*/*/*")
        for path in sorted(place.glob(pattern))
        if path.is_file() and not path.is_symlink()
    }
    (place / MANIFEST).write_text(json.dumps({"files": files}, indent=1))


@contextlib.contextmanager
def locked(path: Path, waiting: str | None = None) -> Iterator[None]:
    """Hold a lock file; say ``waiting`` once if another process has it, or refuse if that is None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is None:
                raise BedError(f"{path.stem} is busy: another command works on it; wait for it") from None
            print(waiting, file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
