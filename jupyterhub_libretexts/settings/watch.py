"""Settings that follow their files while a hub runs: a good edit is taken up, a bad one changes nothing.

Reading happens when somebody asks, at most once a second, and only when a file changed; there is
no thread. What is done with new settings is decided by who asks.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import SettingsError
from jupyterhub_libretexts.settings.load import review

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyterhub_libretexts.errors import Problem
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["EVERY", "Watched"]

EVERY = 1.0
"""Seconds between two looks at the files."""

Look = tuple[tuple[int, int, int, int] | None, ...]


class Watched:
    """The settings of files, as good as they last were."""

    def __init__(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        told: Callable[[tuple[Problem, ...]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the files for the first time.

        Args:
            paths: One file, or several of which each overlays those before it.
            told: Called once for each change of the files, with everything to say about them:
                mistakes, which keep the settings as they are, or warnings.
            clock: Seconds that only grow.

        Raises:
            SettingsError: The files cannot be used, and there is nothing good to go on with.
        """
        listed = [paths] if isinstance(paths, (str, Path)) else paths
        self._paths = tuple(Path(path) for path in listed)
        self._told = told
        self._clock = clock
        self._seen = self._look()
        first = review(self._paths)
        if first.settings is None:
            raise SettingsError(tuple(problem for problem in first.problems if not problem.warning))
        self._settings = first.settings
        self._problems = first.problems
        self._next = clock() + EVERY
        self._tell()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What there is to say about the files as last read; mistakes keep older settings in use."""
        return self._problems

    @property
    def stale(self) -> bool:
        """Whether the files have mistakes, so that the settings in use are older than the files."""
        return any(not problem.warning for problem in self._problems)

    def current(self) -> Settings:
        """The last good settings; the same object for as long as they are the same."""
        now = self._clock()
        if now < self._next:
            return self._settings
        self._next = now + EVERY
        look = self._look()
        if look != self._seen:
            # Taken before the reading: what is written during it is seen at the next look.
            self._seen = look
            again = review(self._paths)
            self._problems = again.problems
            if again.settings is not None:
                self._settings = again.settings
            self._tell()
        return self._settings

    def _tell(self) -> None:
        if self._told is not None and self._problems:
            self._told(self._problems)

    def _look(self) -> Look:
        """What tells one state of the files from another.

        ``stat`` follows links, and a ConfigMap is swapped by one link of its folder, so the file
        behind the path has another inode.
        """
        return tuple(_state(path) for path in self._paths)


def _state(path: Path) -> tuple[int, int, int, int] | None:
    try:
        state = os.stat(path)  # noqa: PTH116 (half the cost, and it is asked at each page)
    except (OSError, ValueError):
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev
