"""Finds processes and namespaces again: by number and start time, never by number alone."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import BedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLONE_NEWNET = 0x40000000
NETWORK = "/proc/thread-self/ns/net"

_thread = threading.local()
"""The network from which a thread went into another; each thread has its own (setns(2))."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that cannot be taken for a later one with the same number."""

    pid: int
    started: int
    """Clock ticks between the machine's start and its own."""

    @property
    def lives(self) -> bool:
        """Whether this very process is there and not a zombie."""
        return start_of(self.pid) == self.started

    def kill(self) -> None:
        """End it at once, if it is still this one."""
        if self.lives:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def start_of(pid: int) -> int | None:
    """When a process started, in clock ticks; None if it is gone or only its status is left."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] in "ZX" else int(after_name[19])


def recorded(path: Path) -> Identity | None:
    """The process that a file names; None where there is no such file."""
    try:
        pid, started = path.read_text().split()
        return Identity(int(pid), int(started))
    except (OSError, ValueError):
        return None


def children_of(pid: int) -> list[int]:
    """The direct children of a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def programs_in(folder: Path) -> dict[str, dict[str, int | str]]:
    """What the supervisor of this folder says about its programs."""
    try:
        programs: dict[str, dict[str, int | str]] = json.loads((folder / "status.json").read_text())[
            "programs"
        ]
    except (OSError, ValueError):
        return {}
    return programs


def wait_until(
    true: Callable[[], bool], seconds: float, otherwise: Callable[[], str], every: float = 0.05
) -> None:
    """Look again and again; after ``seconds`` raise with the line that ``otherwise`` gives."""
    limit = time.monotonic() + seconds
    while not true():
        if time.monotonic() > limit:
            raise BedError(otherwise())
        time.sleep(every)


@contextlib.contextmanager
def inside_network_of(pid: int) -> Iterator[None]:
    """Move this thread, and what it starts, into the network of a process; come back at the end.

    Only the network changes: files, processes and cgroups stay the machine's. (``ip netns exec``
    would also mount a new /sys, which hides the cgroups.)
    """
    with Path(NETWORK).open() as home, Path(f"/proc/{pid}/ns/net").open() as away:
        before = getattr(_thread, "home", None)
        _thread.home = home.fileno() if before is None else before
        set_network(away.fileno())
        try:
            yield
        finally:
            set_network(home.fileno())
            _thread.home = before


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """Move this thread back into the network from which it came, for a while: a cluster's own has no internet."""
    home = getattr(_thread, "home", None)
    if home is None:
        yield
        return
    with Path(NETWORK).open() as here:
        set_network(home)
        try:
            yield
        finally:
            set_network(here.fileno())


def set_network(descriptor: int) -> None:
    """Enter the network namespace behind an open file."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")
