"""What suites found, counted from pytest's own reports, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Counts", "Outcome", "Verdict", "closing_line", "counts_of", "exit_status", "table", "verdict_of"]


class Verdict(StrEnum):
    """What a suite's run says."""

    PASSED = "passed"
    FAILED = "FAILED"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    @property
    def total(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.skipped


@dataclass(frozen=True, slots=True)
class Outcome:
    """One suite's result."""

    suite: str
    verdict: Verdict
    counts: Counts
    minutes: float = 0.0
    remarks: tuple[str, ...] = ()
    """Why it failed or did not run, and what this machine could not show."""
    processor_minutes: float = 0.0
    """What it and all that it started spent, as far as they were waited for."""

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Outcome:
        """The outcome that ``dataclasses.asdict`` made a document of.

        Raises:
            ValueError: It is none.
        """
        try:
            return cls(
                document["suite"],
                Verdict(document["verdict"]),
                Counts(**document["counts"]),
                document["minutes"],
                tuple(document["remarks"]),
                document["processor_minutes"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"no outcome of a suite: {error}") from error


def counts_of(report: Path) -> Counts:
    """The numbers in a JUnit report that pytest wrote; none where there is no report.

    Errors (a fixture or a module that could not be set up) are failures.
    """
    try:
        suites = list(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest wrote it for us
    except (OSError, ET.ParseError):
        return Counts()
    number = {
        name: sum(int(suite.get(name, 0)) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    }
    failed = number["failures"] + number["errors"]
    return Counts(max(number["tests"] - failed - number["skipped"], 0), failed, number["skipped"])


def verdict_of(
    suite: str,
    counts: Counts,
    problems: Sequence[str],
    remarks: Sequence[str],
    minutes: float,
    processor_minutes: float = 0.0,
) -> Outcome:
    """Judge one suite that was run.

    A suite that ran no test at all has failed, one that skipped every test was not run: neither can
    look like success. A problem beside the tests (the time limit, a process left behind) counts as one
    failure, unless tests failed already.
    """
    told = (*problems, *remarks)
    if counts.total == 0 and not problems:
        told = ("ran no test", *told)
    if counts.failed or problems or counts.total == 0:
        failed = counts if counts.failed else counts + Counts(failed=1)
        return Outcome(suite, Verdict.FAILED, failed, minutes, told, processor_minutes)
    if counts.passed == 0:
        told = ("every test was skipped", *told)
        return Outcome(suite, Verdict.NOT_RUN, counts, minutes, told, processor_minutes)
    return Outcome(suite, Verdict.PASSED, counts, minutes, told, processor_minutes)


def table(outcomes: Sequence[Outcome]) -> str:
    """All results, one suite on a line, remarks beneath."""
    width = max((len(outcome.suite) for outcome in outcomes), default=5)
    lines = [f"{'suite':<{width}}  result   passed  failed  skipped  minutes  processor"]
    for outcome in outcomes:
        counts = outcome.counts
        lines.append(
            f"{outcome.suite:<{width}}  {outcome.verdict:<7}  {counts.passed:>6}  {counts.failed:>6}"
            f"  {counts.skipped:>7}  {outcome.minutes:>7.1f}  {outcome.processor_minutes:>9.1f}"
        )
        lines += [f"{'':<{width}}  · {remark}" for remark in outcome.remarks]
    return "\n".join(lines)


def closing_line(outcomes: Sequence[Outcome]) -> str:
    """The sum over all suites, in pytest's words; a suite that was not run counts as one skipped."""
    total = sum((outcome.counts for outcome in outcomes), Counts())
    return f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped"


def exit_status(outcomes: Sequence[Outcome]) -> int:
    """0 when something passed and nothing failed."""
    verdicts = {outcome.verdict for outcome in outcomes}
    return int(Verdict.FAILED in verdicts or Verdict.PASSED not in verdicts)
