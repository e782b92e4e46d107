"""The lock of images, as the commands that judge by it take and find it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from jupyterhub_libretexts.cli.parsers import Parser
    from jupyterhub_libretexts.images.lock import ImagesLock

__all__ = ["add_lock", "known_images"]


def add_lock(made: Parser) -> None:
    """The option that names a lock elsewhere."""
    made.add_argument(
        "--images",
        metavar="LOCK",
        type=Path,
        help="what images hold (default: images.lock.json beside the first file, where it is there)",
    )


def known_images(arguments: argparse.Namespace) -> tuple[Path, ImagesLock | None]:
    """Where the lock is, and what it says; None where no file is there and none was named.

    Raises:
        UsageError: A file that was named is not there.
        ManifestError: It cannot be read.
    """
    from jupyterhub_libretexts.images.compare import lock_beside
    from jupyterhub_libretexts.images.lock import load_lock

    place = arguments.images or lock_beside(arguments.files)
    if place.exists():
        return place, load_lock(place)
    if arguments.images is not None:
        raise UsageError(f"--images {place}: there is no such file")
    return place, None
