"""``./dev/test``: which suites, in which order, in how much time, and what came of it."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dev import machine, processes
from dev.environments import ROOT, Environment, base_python, default_environment, variables
from dev.lanes import run_in_lanes
from dev.problems import Stop
from dev.results import Counts, Outcome, Verdict, closing_line, counts_of, exit_status, table, verdict_of
from dev.suites import (
    FIRST,
    EnvironmentEntry,
    Step,
    Suite,
    Table,
    in_order,
    read_table,
    recent_changes,
    select,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Budget", "main", "run_suite", "run_suites"]

TABLE = ROOT / "dev" / "suites.toml"
SECONDS_TO_TIDY_UP = 45
"""What a suite that is ended keeps of the whole budget to end well."""
MOST_LANES = 4
"""How many suites run at a time at most: one more than there are processors, since all of them wait a lot."""
GROUPS = ("test", "lint", "docs")
EPILOGUE = """\
examples:
  ./dev/test                     everything that needs no bed
  ./dev/test core                one suite
  ./dev/test core -- -k names    one suite, with pytest's own arguments
  ./dev/test all --within 70m    the beds too; what does not fit is named, never counted as passed
"""


@dataclass(frozen=True, slots=True)
class Budget:
    """When the whole run must be over."""

    deadline: float
    """On the monotonic clock; infinite when nobody set one."""
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def starting_now(cls, seconds: float | None) -> Budget:
        """A budget that counts from this moment, installation included."""
        return cls(float("inf") if seconds is None else time.monotonic() + seconds)

    def spent(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def left(self) -> float:
        """Seconds that remain."""
        return self.deadline - time.monotonic()


def duration(text: str) -> float:
    """Seconds from ``70m``, ``90s``, ``2h`` or ``1h30m``."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if not text or found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 70m, 90s, 2h or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600.0 + minutes * 60 + seconds


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; everything after ``--`` is pytest's."""
    parser = argparse.ArgumentParser(
        prog="./dev/test",
        description="Run the tests, doing all their set-up.",
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="suites to run, or: all (default: those without a bed)"
    )
    parser.add_argument(
        "--within", type=duration, metavar="TIME", help="end in this time, newest work first (70m)"
    )
    parser.add_argument("--list", action="store_true", help="say what each suite proves, and run nothing")
    parser.add_argument("--outcome", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    at = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:at])
    options.pytest_arguments = arguments[at + 1 :]
    return options


def main(arguments: list[str]) -> int:
    """Run what was asked for.

    Returns:
        0 when suites passed and none failed, else 1.
    """
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # so that our words keep their place
    options = parse(arguments)
    budget = Budget.starting_now(options.within)
    suites_table = read_table(TABLE)
    chosen = select(suites_table, options.names)
    if options.list:
        print(listing(list(suites_table.suites.values())))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled run cleans up as Ctrl-C does
    default_environment(GROUPS).ensure()
    if len(chosen) > 1:
        chosen = in_order(chosen, recent_changes(ROOT))
    if len(chosen) > 1:
        outcomes = run_several(chosen, budget, options.pytest_arguments)
    else:
        outcomes = run_suites(chosen, suites_table, budget, options.pytest_arguments)
    if options.outcome:
        options.outcome.write_text(json.dumps(dataclasses.asdict(outcomes[0])))
        return exit_status(outcomes)
    print(f"\n{table(outcomes)}\n\n{budget.spent() / 60:.1f} minutes in all\n{closing_line(outcomes)}")
    return exit_status(outcomes)


def listing(suites: Sequence[Suite]) -> str:
    """Every suite with its usual time and what it proves."""
    width = max(len(suite.name) for suite in suites)
    lines = []
    for suite in suites:
        when = "  (by name, or all)" if suite.by_name else ""
        lines.append(f"{suite.name:<{width}}  {suite.minutes:>4.1f} min  {suite.proves}{when}")
    return "\n".join(lines)


def run_several(suites: Sequence[Suite], budget: Budget, pytest_arguments: Sequence[str]) -> list[Outcome]:
    """Core alone, since all lean on it; then those without a bed side by side, and each bed alone."""

    def command_of(suite: str, file: Path) -> list[str]:
        within = [] if budget.left() == float("inf") else ["--within", f"{max(int(budget.left()), 0)}s"]
        harness = [sys.executable, str(ROOT / "dev"), "test", suite, "--outcome", str(file)]
        return [*harness, *within, "--", *pytest_arguments]

    lanes = min((os.cpu_count() or 1) + 1, MOST_LANES)
    outcomes: list[Outcome] = []
    try:
        for alone, group in itertools.groupby(suites, lambda each: each.by_name or each.name == FIRST):
            members = list(group)
            # Debian's installer takes one caller at a time.
            machine.install_packages(sorted({name for each in members for name in each.packages}))
            run_in_lanes([each.name for each in members], 1 if alone else lanes, command_of, outcomes)
    except KeyboardInterrupt:
        known = {outcome.suite for outcome in outcomes}
        outcomes += [not_run(each, "interrupted") for each in suites if each.name not in known]
        outcomes.append(Outcome("(interrupted)", Verdict.FAILED, Counts(failed=1)))
    return outcomes


def run_suites(
    suites: Sequence[Suite], suites_table: Table, budget: Budget, pytest_arguments: Sequence[str] = ()
) -> list[Outcome]:
    """Run suites one after the other while there is time; Ctrl-C ends the rest, and says so."""
    processes.adopt_orphans()
    outcomes: list[Outcome] = []
    for at, suite in enumerate(suites):
        if budget.left() < suite.minutes * 60:
            outcomes.append(not_run(suite, f"no time left: it usually takes {suite.minutes:g} min"))
            continue
        print(f"\n━━ {suite.name}: {suite.proves}")
        try:
            outcomes.append(run_suite(suite, suites_table, budget, pytest_arguments))
        except KeyboardInterrupt:
            outcomes += [not_run(rest, "interrupted") for rest in suites[at:]]
            outcomes.append(Outcome("(interrupted)", Verdict.FAILED, Counts(failed=1)))
            break
        except Stop as problem:
            outcomes.append(verdict_of(suite.name, Counts(), [str(problem)], [], 0))
    return outcomes


def not_run(suite: Suite, reason: str) -> Outcome:
    """A suite that was left out: one skipped, with the reason."""
    return Outcome(suite.name, Verdict.NOT_RUN, Counts(skipped=1), 0, (reason,))


def run_suite(suite: Suite, suites_table: Table, budget: Budget, pytest_arguments: Sequence[str]) -> Outcome:
    """Run one suite's steps, each in its environment, within its limit and the budget."""
    if reason := lacking(suite):
        return not_run(suite, reason)
    began, spent_before = time.monotonic(), processor_seconds()
    limit = min(suite.limit * 60, budget.left() - SECONDS_TO_TIDY_UP)
    counts = Counts()
    problems: list[str] = []
    remarks: list[str] = []
    for step in suite.steps:
        environment = environment_of(suites_table.environments.get(step.environment))
        if isinstance(environment, str):
            remarks.append(environment)
            counts += Counts(skipped=1)
            continue
        environment.ensure()
        found, step_problems = run_step(
            step, environment, limit - (time.monotonic() - began), pytest_arguments
        )
        counts += found
        problems += step_problems
    minutes, spent = (time.monotonic() - began) / 60, (processor_seconds() - spent_before) / 60
    if budget.left() < SECONDS_TO_TIDY_UP and minutes < suite.limit and not counts.failed:
        cut_off = ("cut off: no time left",)
        return Outcome(suite.name, Verdict.NOT_RUN, counts + Counts(skipped=1), minutes, cut_off, spent)
    return verdict_of(suite.name, counts, problems, remarks, minutes, spent)


def processor_seconds() -> float:
    """What processes below this one have spent, once they have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_step(
    step: Step, environment: Environment, seconds: float, pytest_arguments: Sequence[str]
) -> tuple[Counts, list[str]]:
    """Run one step; its numbers, and what was wrong beside failing tests."""
    with tempfile.TemporaryDirectory(prefix="dev-test-") as folder:
        report = Path(folder) / "report.xml"
        command = list(step.arguments)
        if step.is_pytest:
            command = ["python", "-m", "pytest", f"--junit-xml={report}", *command, *pytest_arguments]
        print(
            f"── {' '.join(step.arguments)}"
            + (f"  [{step.environment}]" if step.environment != "default" else "")
        )
        path = variables(environment)
        program = [str(resolve(command[0], environment)), *command[1:]]
        ending = processes.run_bounded(program, seconds, folder=ROOT, environment=path)
        label = step.environment if step.environment != "default" else step.arguments[0]
        problems = [f"{label}: left a process behind: {words}" for words in ending.left_behind]
        if ending.out_of_time:
            problems.append(f"{label}: ended at its time limit after {ending.seconds / 60:.1f} min")
        if not step.is_pytest:
            passed = not ending.status and not ending.out_of_time
            failed = not passed and not ending.out_of_time  # out of time is a problem already
            return Counts(int(passed), int(failed)), problems
        counts = counts_of(report)
        if counts.total == 0:
            problems.append(f"{label}: ran no test")
        elif ending.status and not counts.failed and not ending.out_of_time:
            problems.append(f"{label}: pytest ended with status {ending.status}")
        return counts, problems


def resolve(program: str, environment: Environment) -> Path:
    """A program of the environment, of the project, or of the machine."""
    for place in (environment.folder / "bin" / program, ROOT / program):
        if place.is_file():
            return place
    found = machine.which(program)
    if found is None:
        raise Stop(f"{program} was not found")
    return Path(found)


def lacking(suite: Suite) -> str:
    """Why this machine cannot run a suite, in one line; installs Debian packages where it may."""
    if suite.root and not machine.is_root():
        return "needs root"
    if missing := [name for name in suite.programs if machine.which(name) is None]:
        return f"needs {', '.join(missing)}"
    return machine.install_packages(suite.packages)


def environment_of(entry: EnvironmentEntry | None) -> Environment | str:
    """The environment of a table entry, or why there is none here."""
    if entry is None:
        return default_environment(GROUPS)
    python = machine.find_python(entry.python) if entry.python else base_python()
    if python is None:
        return f"unproven here: Python {entry.python}"
    if entry.python and Path(python).resolve() == Path(base_python()).resolve():
        return f"Python {entry.python} is this machine's own: the other suites run on it"
    return Environment(ROOT / ".venvs" / entry.name, python, ("test",), entry.constraints)
