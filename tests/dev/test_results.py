"""Numbers and verdicts: true sums, and nothing that looks green without a test."""

from __future__ import annotations

import pytest

from dev.results import Counts, Outcome, Verdict, closing_line, counts_of, exit_status, table, verdict_of


def outcome(suite: str, verdict: Verdict, *numbers: int) -> Outcome:
    return Outcome(suite, verdict, Counts(*numbers))


def test_a_report_of_pytest_is_counted_with_errors_as_failures(tmp_path) -> None:
    """A module that cannot be imported is an error to pytest; here it must turn the run red."""
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"/></testsuites>'
    )
    assert counts_of(report) == Counts(passed=4, failed=3, skipped=3)


@pytest.mark.parametrize("content", [None, "", "<half"])
def test_no_report_counts_as_no_test(tmp_path, content) -> None:
    """pytest that died writes none, or half of one."""
    report = tmp_path / "report.xml"
    if content is not None:
        report.write_text(content)
    assert counts_of(report) == Counts()


def test_a_suite_that_ran_no_test_has_failed() -> None:
    """An empty selection must never look green."""
    judged = verdict_of("core", Counts(), [], [], 0)
    assert (judged.verdict, judged.counts, judged.remarks) == (
        Verdict.FAILED,
        Counts(failed=1),
        ("ran no test",),
    )


def test_a_suite_whose_tests_were_all_skipped_was_not_run() -> None:
    """Ten skips are no proof of anything."""
    assert verdict_of("core", Counts(skipped=10), [], [], 0).verdict is Verdict.NOT_RUN


def test_a_problem_beside_the_tests_fails_the_suite() -> None:
    """A suite that leaves a process behind, or runs out of time, has not passed."""
    judged = verdict_of("core", Counts(passed=10), ["left a process behind"], [], 0)
    assert (judged.verdict, judged.counts) == (Verdict.FAILED, Counts(passed=10, failed=1))


def test_the_closing_line_sums_all_suites_and_counts_what_was_not_run_as_skipped() -> None:
    """It is what people and machines read first."""
    outcomes = [
        outcome("core", Verdict.PASSED, 100, 0, 2),
        outcome("hub", Verdict.FAILED, 5, 1, 0),
        outcome("bed", Verdict.NOT_RUN, 0, 0, 1),
    ]
    assert closing_line(outcomes) == "105 passed, 1 failed, 3 skipped"


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["passed", "not run"], 0),
        (["passed", "FAILED"], 1),
        (["not run"], 1),
        ([], 1),
    ],
)
def test_only_a_run_with_a_pass_and_without_a_failure_succeeds(verdicts, status) -> None:
    """A machine that can run nothing must not report success."""
    assert exit_status([outcome("one", Verdict(word)) for word in verdicts]) == status


def test_the_table_says_why_a_suite_was_not_run() -> None:
    """`not run` without a reason helps nobody."""
    shown = table([Outcome("kubernetes", Verdict.NOT_RUN, Counts(skipped=1), 0, ("needs root",))])
    assert "kubernetes  not run" in shown
    assert "needs root" in shown
