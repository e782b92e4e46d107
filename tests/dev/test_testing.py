"""`./dev/test` as a whole, on small suites of its own."""

from __future__ import annotations

import argparse
import sys

import pytest

from dev import processes, testing
from dev.results import Counts, Verdict
from dev.suites import EnvironmentEntry, Step, Suite, Table


@pytest.fixture(autouse=True)
def _in_this_environment(monkeypatch) -> None:
    """The environment that runs these tests is there already; making it is not their subject."""
    monkeypatch.setattr(testing.Environment, "ensure", lambda self: None)
    monkeypatch.setattr(processes, "POLITE_SECONDS", 0.5)
    monkeypatch.setattr(processes, "SETTLE_SECONDS", 0.3)


def suite(*steps: Step, **more) -> Suite:
    return Suite("one", "proves nothing", (), more.pop("minutes", 0), more.pop("limit", 1), steps, **more)


def python(script: str, **more) -> Step:
    return Step((sys.executable, "-c", script), is_pytest=False, **more)


def run(*suites: Suite, seconds: float | None = None, arguments=(), environments=None):
    table = Table({}, environments or {})
    return testing.run_suites(suites, table, testing.Budget.starting_now(seconds), arguments)


def pytest_file(tmp_path, source: str) -> Step:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    file = tmp_path / "test_it.py"
    file.write_text(source)
    return Step(
        (f"--rootdir={tmp_path}", "-c", str(tmp_path / "pytest.ini"), "-q", str(file)), is_pytest=True
    )


def test_numbers_come_from_pytest_itself(tmp_path) -> None:
    """Sums that were guessed from text would be wrong one day."""
    step = pytest_file(
        tmp_path,
        "import pytest\ndef test_a(): pass\ndef test_b(): pass\ndef test_c(): assert 0\n"
        "def test_d(): pytest.skip('no')\n",
    )
    (outcome,) = run(suite(step))
    assert (outcome.verdict, outcome.counts) == (Verdict.FAILED, Counts(2, 1, 1))


def test_a_file_that_cannot_be_collected_fails_its_suite(tmp_path) -> None:
    """A broken import takes all tests of a file away."""
    (outcome,) = run(suite(pytest_file(tmp_path, "import no_such_module\n")))
    assert (outcome.verdict, outcome.counts) == (Verdict.FAILED, Counts(failed=1))


def test_an_empty_selection_fails(tmp_path) -> None:
    """`-- -k mistyped` deselects everything, and must say so."""
    (outcome,) = run(suite(pytest_file(tmp_path, "def test_a(): pass\n")), arguments=("-k", "nothing"))
    assert outcome.verdict is Verdict.FAILED
    assert "ran no test" in outcome.remarks[0]


def test_one_empty_step_fails_a_suite_whose_other_steps_pass(tmp_path) -> None:
    """One environment of a matrix that collects nothing must not hide behind the others."""
    (outcome,) = run(suite(python("pass"), pytest_file(tmp_path, "")))
    assert outcome.verdict is Verdict.FAILED


def test_a_command_counts_as_one_test() -> None:
    """Linters have no report; each is one thing that held or did not."""
    (outcome,) = run(suite(python("pass"), python("raise SystemExit(1)")))
    assert (outcome.verdict, outcome.counts) == (Verdict.FAILED, Counts(1, 1, 0))


def test_a_suite_beyond_its_limit_is_ended_and_failed() -> None:
    """A hang must cost one suite, not the run."""
    first, second = run(suite(python("import time; time.sleep(60)"), limit=0.01), suite(python("pass")))
    assert first.verdict is Verdict.FAILED
    assert "ended at its time limit" in first.remarks[0]
    assert second.verdict is Verdict.PASSED


def test_a_suite_that_no_longer_fits_is_not_run_and_never_passed() -> None:
    """Someone reads the table to know what was proved."""
    (outcome,) = run(suite(python("pass"), minutes=3), seconds=120)
    assert outcome.verdict is Verdict.NOT_RUN
    assert outcome.counts == Counts(skipped=1)
    assert "no time left" in outcome.remarks[0]


def test_a_suite_cut_off_by_the_whole_budget_is_not_run(monkeypatch) -> None:
    """It neither failed nor passed: the time was over."""
    monkeypatch.setattr(testing, "SECONDS_TO_TIDY_UP", 1)
    (outcome,) = run(suite(python("import time; time.sleep(60)")), seconds=1.5)
    assert outcome.verdict is Verdict.NOT_RUN
    assert "cut off: no time left" in outcome.remarks


def test_what_the_machine_lacks_is_the_reason_why_a_suite_is_not_run() -> None:
    """A skipped bed must say what would make it run."""
    (outcome,) = run(suite(python("pass"), programs=("no-such-program",)))
    assert (outcome.verdict, outcome.remarks) == (Verdict.NOT_RUN, ("needs no-such-program",))


def test_missing_packages_are_asked_for_in_one_line_when_we_are_not_root(monkeypatch) -> None:
    """Nobody should have to guess what a browser test needs."""
    monkeypatch.setattr(testing.machine, "is_root", lambda: False)
    monkeypatch.setattr(testing.machine, "missing_packages", list)
    (outcome,) = run(suite(python("pass"), packages=("chromium",)))
    assert outcome.remarks == ("needs, as root: apt-get install chromium",)


def test_a_python_that_is_not_here_is_named_as_unproven() -> None:
    """Supported and not run must look different from supported and run."""
    environments = {"future": EnvironmentEntry("future", python="3.99")}
    (outcome,) = run(suite(python("pass"), python("pass", environment="future")), environments=environments)
    assert (outcome.verdict, outcome.counts) == (Verdict.PASSED, Counts(passed=1, skipped=1))
    assert outcome.remarks == ("unproven here: Python 3.99",)


@pytest.mark.parametrize(("text", "seconds"), [("70m", 4200), ("90s", 90), ("2h", 7200), ("1h30m", 5400)])
def test_durations_are_read_as_people_write_them(text, seconds) -> None:
    """`--within 70m` is how the gate calls us."""
    assert testing.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "70", "m", "5 m", "-3m"])
def test_a_duration_without_unit_is_refused(text) -> None:
    """Seventy seconds and seventy minutes are not to be confused."""
    with pytest.raises(argparse.ArgumentTypeError, match="write 70m"):
        testing.duration(text)


def test_everything_after_two_dashes_is_for_pytest() -> None:
    """`./dev/test core -- -k names -x`."""
    options = testing.parse(["core", "--within", "5m", "--", "-k", "names", "--", "x"])
    assert (options.names, options.within, options.pytest_arguments) == (
        ["core"],
        300,
        ["-k", "names", "--", "x"],
    )
