"""Time limits, and that nothing outlives a suite."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from dev import processes


@pytest.fixture(autouse=True)
def _impatient(monkeypatch) -> None:
    processes.adopt_orphans()
    monkeypatch.setattr(processes, "POLITE_SECONDS", 0.5)
    monkeypatch.setattr(processes, "LAST_SECONDS", 0.5)
    monkeypatch.setattr(processes, "SETTLE_SECONDS", 0.3)


def run(script: str, seconds: float) -> processes.Ending:
    return processes.run_bounded(
        [sys.executable, "-c", script], seconds, folder=Path.cwd(), environment={"PATH": os.environ["PATH"]}
    )


def test_a_command_that_ends_in_time_keeps_its_status() -> None:
    """Otherwise a failing command would pass."""
    ending = run("raise SystemExit(3)", 20)
    assert (ending.status, ending.out_of_time, ending.left_behind) == (3, False, ())


def test_a_command_out_of_time_is_interrupted_first_so_that_it_can_tidy_up(tmp_path) -> None:
    """A bed that is killed without warning leaves mounts and namespaces behind."""
    note, ready = tmp_path / "tidied", tmp_path / "ready"
    ending = run(
        f"import time, pathlib\ntry:\n  pathlib.Path({str(ready)!r}).touch(); time.sleep(60)\n"
        f"except KeyboardInterrupt:\n  pathlib.Path({str(note)!r}).touch()",
        1.0,
    )
    assert ending.out_of_time
    assert ready.exists()
    assert note.exists()


def test_a_command_deaf_to_every_signal_is_killed() -> None:
    """One hanging suite must not eat the time of the others."""
    began = time.monotonic()
    ending = run(
        "import signal, time\n"
        "for each in (signal.SIGINT, signal.SIGTERM): signal.signal(each, signal.SIG_IGN)\n"
        "time.sleep(60)",
        0.5,
    )
    assert ending.out_of_time
    assert time.monotonic() - began < 10
    assert processes.descendants() == []


def test_a_process_that_left_its_session_is_found_named_and_ended() -> None:
    """A hub left running would hold ports and memory of the next suite."""
    ending = run(
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(61)'], start_new_session=True)",
        20,
    )
    assert ending.status == 0
    (words,) = ending.left_behind
    assert "time.sleep(61)" in words
    assert processes.descendants() == []
