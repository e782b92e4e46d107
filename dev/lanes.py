"""Several suites at a time, each in a harness process of its own, which knows and ends what it started."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dev.results import Counts, Outcome, verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["run_in_lanes"]

LOOK_SECONDS = 0.1


class Lane:
    """One suite that runs; what it prints is kept until it is over, so that no two are mixed."""

    def __init__(self, suite: str, command_of: Callable[[str, Path], Sequence[str]]) -> None:
        self.suite = suite
        self.began = time.monotonic()
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the lane is over
        self.folder = tempfile.TemporaryDirectory(prefix="dev-test-")
        self.file = Path(self.folder.name) / "outcome.json"
        self.process = subprocess.Popen(
            command_of(suite, self.file),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def is_over(self) -> bool:
        """Whether its process has ended."""
        return self.process.poll() is not None

    def outcome(self) -> Outcome:
        """Wait for the end, show what was printed, and say what came of it."""
        status = self.process.wait()
        self.output.seek(0)
        sys.stdout.write(self.output.read().decode(errors="replace"))
        sys.stdout.flush()
        try:
            found = Outcome.from_json(json.loads(self.file.read_text()))
        except (OSError, ValueError):
            minutes = (time.monotonic() - self.began) / 60
            found = verdict_of(self.suite, Counts(), [f"its harness ended with status {status}"], [], minutes)
        self.output.close()
        self.folder.cleanup()
        return found

    def interrupt(self) -> None:
        """Ask it to end as Ctrl-C does."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)


def run_in_lanes(
    suites: Sequence[str],
    lanes: int,
    command_of: Callable[[str, Path], Sequence[str]],
    outcomes: list[Outcome],
) -> None:
    """Run suites, so many at a time; each outcome is added as soon as it is known.

    Args:
        suites: Their names, in the order in which they begin.
        lanes: How many run at a time.
        command_of: Gives a suite's command when it begins; the command writes its outcome into the file.
        outcomes: Takes what came of them.
    """
    waiting = list(suites)
    running: list[Lane] = []
    try:
        while waiting or running:
            while waiting and len(running) < lanes:
                running.append(Lane(waiting[0], command_of))
                print(f"… {waiting.pop(0)} runs", flush=True)
            for lane in [each for each in running if each.is_over]:
                running.remove(lane)
                outcomes.append(lane.outcome())
            time.sleep(LOOK_SECONDS)
    except BaseException:
        for lane in running:
            lane.interrupt()
        outcomes += [lane.outcome() for lane in running]
        raise
