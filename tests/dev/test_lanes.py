"""Several suites at a time: none is lost, none is mixed with another, Ctrl-C ends them all."""

from __future__ import annotations

import _thread
import dataclasses
import json
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from dev.lanes import run_in_lanes
from dev.results import Counts, Outcome, Verdict

if TYPE_CHECKING:
    from pathlib import Path

DONE = Outcome("one", Verdict.PASSED, Counts(passed=3), 0.5, ("a remark",), 0.4)


def writing(outcome: Outcome, script: str = "pass"):
    """A command that does something and leaves an outcome."""

    def command(name: str, file: Path) -> list[str]:
        document = json.dumps(dataclasses.asdict(dataclasses.replace(outcome, suite=name)))
        words = f"import sys, time; name = sys.argv[1]; {script}; open(sys.argv[2], 'w').write(sys.argv[3])"
        return [sys.executable, "-c", words, name, str(file), document]

    return command


def test_what_a_suite_found_reaches_the_table_as_it_was() -> None:
    """Else numbers are lost on the way, or green comes out of red."""
    outcomes: list[Outcome] = []
    run_in_lanes(["one"], 2, writing(DONE), outcomes)
    assert outcomes == [DONE]


def test_lanes_run_at_the_same_time_and_no_more_than_there_are(tmp_path) -> None:
    """Else a run takes as long as all suites after each other, or the machine is drowned."""
    script = f"open(f'{tmp_path}/{{name}}', 'w').write(str(time.time())); time.sleep(1.5)"
    outcomes: list[Outcome] = []
    run_in_lanes(["a", "b", "c"], 2, writing(DONE, script), outcomes)
    begun = {name: float((tmp_path / name).read_text()) for name in "abc"}
    assert begun["c"] - max(begun["a"], begun["b"]) > 1
    assert abs(begun["a"] - begun["b"]) < 1
    assert [outcome.suite for outcome in outcomes][2] == "c"


def test_what_two_suites_print_is_not_mixed(capfd) -> None:
    """Else nobody finds the failure in the text of another suite."""
    script = "[(print(name, flush=True), time.sleep(0.05)) for _ in range(5)]"
    run_in_lanes(["one", "two"], 2, writing(DONE, script), [])
    said = [line for line in capfd.readouterr().out.splitlines() if line in {"one", "two"}]
    assert said in (["one"] * 5 + ["two"] * 5, ["two"] * 5 + ["one"] * 5)


@pytest.mark.parametrize(
    "script", ["raise SystemExit(3)", "open(sys.argv[2], 'w').write('{'); raise SystemExit(3)"]
)
def test_a_harness_that_dies_is_a_failure(script) -> None:
    """Else a suite that never ran its tests is missing from the table."""
    outcomes: list[Outcome] = []
    run_in_lanes(["one"], 1, writing(DONE, script), outcomes)
    assert (outcomes[0].verdict, outcomes[0].remarks) == (
        Verdict.FAILED,
        ("its harness ended with status 3",),
    )


def test_ctrl_c_ends_what_runs_and_keeps_what_is_known(tmp_path) -> None:
    """Else tests go on in the background after somebody gave up on them."""
    ended = tmp_path / "ended"
    script = f"""
try:
    open({str(tmp_path / "begun")!r}, 'w').close(); time.sleep(60)
except KeyboardInterrupt:
    open({str(ended)!r}, 'w').close()
"""

    def command(name: str, file: Path) -> list[str]:
        return (
            [sys.executable, "-c", f"import time\n{script}"] if name == "slow" else writing(DONE)(name, file)
        )

    def give_up() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        time.sleep(0.5)
        _thread.interrupt_main()

    threading.Thread(target=give_up).start()
    outcomes: list[Outcome] = []
    with pytest.raises(KeyboardInterrupt):
        run_in_lanes(["one", "slow"], 2, command, outcomes)
    assert ended.exists()
    assert {outcome.suite: outcome.verdict for outcome in outcomes} == {
        "one": Verdict.PASSED,
        "slow": Verdict.FAILED,
    }
