"""Keeps the programs of one folder running: the first process of a node, and of the switch.

    python3 supervisor.py FOLDER

``FOLDER/programs/NAME.json`` says that NAME is wanted: ``{"argv": [...], "env": {...}}``. A program
that ends is started again, after 0.2 s at first and up to 5 s when it keeps ending. A file that
appears starts its program, one that changes restarts it, one that goes away ends it. Output goes to
``FOLDER/log/NAME.log``; ``FOLDER/status.json`` says what runs.

Felix needs this: it ends itself whenever its configuration changes, and while it is away policies
are not enforced for new pods. As the first process of a PID namespace it also collects orphans
(containerd's shims), and its end is the end of everything inside.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.1
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
STEADY_SECONDS = 5.0
"""A program that lived this long is well: the next delay is the first one again."""
GRACE_SECONDS = 5.0
"""Between the polite end of a program and the hard one."""


@dataclass(slots=True)
class Program:
    """One wanted program and what became of it."""

    name: str
    text: str
    """The file as it was read; another text means another program."""
    pid: int = 0
    """0 while it does not run."""
    started: float = 0.0
    starts: int = 0
    ended: str = ""
    """How it ended last: a status or a signal."""
    delay: float = 0.0
    due: float = 0.0
    """Not to be started before this moment."""
    ending_since: float = 0.0
    """When it was asked to end; 0 if it was not."""


def next_delay(previous: float, lived: float) -> float:
    """Seconds to wait before the next start, from the last wait and how long the program lived."""
    if lived >= STEADY_SECONDS or previous == 0.0:
        return FIRST_DELAY_SECONDS
    return min(previous * 2, LONGEST_DELAY_SECONDS)


class Supervisor:
    """The loop and its table of programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs: dict[str, Program] = {}
        self.asked_to_end = False
        (folder / "programs").mkdir(parents=True, exist_ok=True)
        (folder / "log").mkdir(exist_ok=True)

    def run(self) -> None:
        """Reconcile for ever; end everything on SIGTERM."""
        awaited = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        self.write_status()
        while not (self.asked_to_end and not self.programs):
            changed = self.collect()
            changed |= self.reconcile(time.monotonic())
            if changed:
                self.write_status()
            arrived = signal.sigtimedwait(awaited, POLL_SECONDS)
            if arrived is not None and arrived.si_signo != signal.SIGCHLD:
                self.asked_to_end = True

    def collect(self) -> bool:
        """Take note of every child that ended, orphans included."""
        changed = False
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                for program in self.programs.values():
                    if program.pid == pid:
                        self.note_end(program, status)
                        changed = True
        return changed

    def note_end(self, program: Program, status: int) -> None:
        """Record how a program ended and when it may start again."""
        now = time.monotonic()
        code = os.waitstatus_to_exitcode(status)
        program.ended = f"signal {-code}" if code < 0 else f"status {code}"
        program.delay = next_delay(program.delay, now - program.started)
        program.due = now + program.delay
        program.pid = 0

    def reconcile(self, now: float) -> bool:
        """Bring what runs nearer to what is wanted."""
        wanted = {} if self.asked_to_end else self.wanted()
        changed = False
        for name, text in wanted.items():
            if name not in self.programs:
                self.programs[name] = Program(name, text)
                changed = True
        for program in list(self.programs.values()):
            if wanted.get(program.name) == program.text:
                if not program.pid and now >= program.due:
                    self.start(program)
                    changed = True
            elif program.pid:
                self.end(program, now)
            else:
                del self.programs[program.name]
                changed = True
        return changed

    def wanted(self) -> dict[str, str]:
        """Name and text of every program file; a half-written one is read at the next look."""
        found = {}
        for path in sorted((self.folder / "programs").glob("*.json")):
            with contextlib.suppress(OSError, ValueError):
                text = path.read_text()
                json.loads(text)
                found[path.stem] = text
        return found

    def start(self, program: Program) -> None:
        """Start a program with its output in its log; signals are as in a fresh process."""
        description = json.loads(program.text)
        argv = description["argv"]
        log = str(self.folder / "log" / f"{program.name}.log")
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        program.started = time.monotonic()
        program.starts += 1
        program.ending_since = 0.0
        try:
            program.pid = os.posix_spawn(
                argv[0],
                argv,
                {**os.environ, **description.get("env", {})},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, log, append, 0o644),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsigmask=[],
                setsid=True,
            )
        except OSError as error:
            program.ended = f"not started: {error}"
            program.delay = next_delay(program.delay, 0.0)
            program.due = time.monotonic() + program.delay

    def end(self, program: Program, now: float) -> None:
        """Ask a program to end, and make it after a while."""
        with contextlib.suppress(ProcessLookupError):
            if not program.ending_since:
                program.ending_since = now
                os.kill(program.pid, signal.SIGTERM)
            elif now - program.ending_since > GRACE_SECONDS:
                os.kill(program.pid, signal.SIGKILL)

    def write_status(self) -> None:
        """Publish what runs, whole or not at all."""
        programs = {
            program.name: {"pid": program.pid, "starts": program.starts, "ended": program.ended}
            for program in self.programs.values()
        }
        fresh = self.folder / "status.json.new"
        fresh.write_text(json.dumps({"pid": os.getpid(), "programs": programs}, indent=1))
        fresh.rename(self.folder / "status.json")


if __name__ == "__main__":
    Supervisor(Path(sys.argv[1])).run()
