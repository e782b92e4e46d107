"""Running one command so that it ends in time and leaves no process behind.

The caller becomes the reaper of everything below it: a process that leaves its group, its session or its
parent is still found as our descendant, so that "nothing is left" is a fact and not a hope.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Ending", "adopt_orphans", "descendants", "run_bounded"]

PR_SET_CHILD_SUBREAPER = 36
POLITE_SECONDS = 30.0
"""How long an interrupted suite may take to put its things away."""
LAST_SECONDS = 10.0
"""How long stragglers may take, once asked to end, before they are killed."""
SETTLE_SECONDS = 5.0
"""How long processes of a suite that ended by itself may take to follow it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended."""

    status: int
    seconds: float
    out_of_time: bool
    left_behind: tuple[str, ...]
    """Processes that outlived it (their command lines); they are ended by now."""


def adopt_orphans() -> None:
    """Make this process the parent of every orphan below it, instead of the machine's init."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def run_bounded(
    command: Sequence[str], seconds: float, *, folder: Path, environment: Mapping[str, str]
) -> Ending:
    """Run a command for at most so many seconds; afterwards nothing that it started is alive."""
    began = time.monotonic()
    before = set(descendants())
    process = subprocess.Popen(
        command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, start_new_session=True
    )
    out_of_time = False
    try:
        process.wait(timeout=max(seconds, 0))
    except subprocess.TimeoutExpired:
        out_of_time = True
        interrupt(process)
    except BaseException:
        interrupt(process)
        end_all(before)
        raise
    stragglers = () if out_of_time else wait_for_followers(before)
    end_all(before)
    return Ending(process.wait(), time.monotonic() - began, out_of_time, stragglers)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask a command to end as Ctrl-C does, so that it puts its things away."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=POLITE_SECONDS)


def wait_for_followers(before: set[int]) -> tuple[str, ...]:
    """Give processes a moment to follow their parent; what stays is named."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while alive := set(descendants()) - before:
        if time.monotonic() > deadline:
            return tuple(sorted(command_line(pid) for pid in alive))
        time.sleep(0.05)
    return ()


def end_all(before: set[int]) -> None:
    """End every descendant that was not there before: politely, then for certain."""
    for number, patience in ((signal.SIGTERM, LAST_SECONDS), (signal.SIGKILL, LAST_SECONDS)):
        deadline = time.monotonic() + patience
        while alive := set(descendants()) - before:
            for pid in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)


def descendants() -> list[int]:
    """Every living process below this one; ended orphans among them are reaped."""
    children: dict[int, list[tuple[int, str]]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := parent_and_state(entry)):
            children.setdefault(found[0], []).append((int(entry.name), found[1]))
    alive: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        for pid, state in children.get(waiting.pop(), []):
            waiting.append(pid)
            if state != "Z":
                alive.append(pid)
            else:
                with contextlib.suppress(ChildProcessError):  # somebody else's child is left to them
                    os.waitpid(pid, os.WNOHANG)
    return alive


def parent_and_state(entry: Path) -> tuple[int, str] | None:
    """The parent's number and the state letter from ``/proc/PID/stat``; None when it is gone."""
    try:
        fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[0]


def command_line(pid: int) -> str:
    """How a process was called, shortened for one line."""
    try:
        words = (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        )
    except OSError:
        words = "(ended meanwhile)"
    return f"{pid} {words[:100]}"
