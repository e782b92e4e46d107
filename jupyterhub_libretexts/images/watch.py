"""The lock of images as a hub follows it: a good edit is taken up, a bad one changes nothing."""

from __future__ import annotations

import os
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from jupyterhub_libretexts.images.lock import load_lock
from jupyterhub_libretexts.images.manifest import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jupyterhub_libretexts.core.circumstances import ImageFacts

__all__ = ["EVERY", "WatchedLock"]

EVERY = 1.0
"""Seconds between two looks at the file."""


class WatchedLock:
    """What images are known to hold, as good as the file last said; nothing where there is no file."""

    def __init__(
        self, path: Path, *, told: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Look at nothing yet.

        Args:
            path: The lock file.
            told: Called once for each state of the file that cannot be read.
            clock: Seconds that only grow.
        """
        self._path = path
        self._told = told
        self._clock = clock
        self._next = clock()
        self._seen: tuple[int, ...] | None = None
        self._facts: Mapping[str, ImageFacts] = MappingProxyType({})

    def current(self) -> Mapping[str, ImageFacts]:
        """What is known, by image; the same object for as long as it is the same."""
        now = self._clock()
        if now < self._next:
            return self._facts
        self._next = now + EVERY
        look = self._look()
        if look != self._seen:
            self._seen = look
            try:
                self._facts = MappingProxyType(load_lock(self._path).facts)
            except (ManifestError, OSError) as error:
                self._told(f"What is known of images stays as it was: {error}")
        return self._facts

    def _look(self) -> tuple[int, ...] | None:
        """What tells one state of the file from another, also behind the link of a ConfigMap."""
        try:
            state = os.stat(self._path)  # noqa: PTH116 (half the cost, and it is asked at each page)
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev
