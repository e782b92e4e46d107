"""The table of suites (``suites.toml``), and in which order to run them."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dev.problems import Stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "FIRST",
    "EnvironmentEntry",
    "Step",
    "Suite",
    "Table",
    "in_order",
    "read_table",
    "recent_changes",
    "select",
]

FIRST = "core"
"""Runs before all others: pure, seconds, and everything else leans on it."""

COMMITS = 10
"""How many of the last commits say what is being worked on."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a suite."""

    arguments: tuple[str, ...]
    is_pytest: bool
    environment: str = "default"


@dataclass(frozen=True, slots=True)
class Suite:
    """A named set of steps, and what they need."""

    name: str
    proves: str
    covers: tuple[str, ...]
    minutes: float
    limit: float
    steps: tuple[Step, ...]
    by_name: bool = False
    root: bool = False
    programs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentEntry:
    """How an environment differs from the default one."""

    name: str
    python: str = ""
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The whole file."""

    suites: Mapping[str, Suite]
    environments: Mapping[str, EnvironmentEntry]


def read_table(path: Path) -> Table:
    """Read the table; an unknown key is an error of ours, so that a typing mistake hides no suite."""
    with path.open("rb") as file:
        document = tomllib.load(file)
    suites = {name: suite(name, entry) for name, entry in document["suites"].items()}
    environments = {
        name: EnvironmentEntry(name, **tuples(entry))
        for name, entry in document.get("environments", {}).items()
    }
    known = {"default", *environments}
    for entry in suites.values():
        if unknown := {step.environment for step in entry.steps} - known:
            raise Stop(
                f"{path.name}: suite {entry.name!r} names environments that are not in the table: {unknown}"
            )
    return Table(suites, environments)


def suite(name: str, entry: Mapping[str, Any]) -> Suite:
    """One suite from its table entry."""
    fields = dict(entry)
    steps = tuple(step(each) for each in fields.pop("steps"))
    return Suite(name=name, steps=steps, **tuples(fields))


def step(entry: Mapping[str, Any]) -> Step:
    """One step: exactly one of ``run`` and ``pytest``."""
    (kind,) = entry.keys() - {"environment"}
    if kind not in {"run", "pytest"}:
        raise Stop(f"suites.toml: a step is `run` or `pytest`, not {kind!r}")
    return Step(tuple(entry[kind]), kind == "pytest", entry.get("environment", "default"))


def tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The same entry with frozen lists."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def select(table: Table, names: Sequence[str]) -> list[Suite]:
    """The suites that were asked for: those of the default run, all, or some by name.

    Raises:
        Stop: A name is not in the table.
    """
    if not names:
        return [entry for entry in table.suites.values() if not entry.by_name]
    if "all" in names:
        return list(table.suites.values())
    if unknown := [name for name in names if name not in table.suites]:
        raise Stop(f"no such suite: {', '.join(unknown)}; there are: {', '.join(table.suites)}, all")
    return [table.suites[name] for name in dict.fromkeys(names)]


def in_order(suites: Iterable[Suite], changes: Sequence[Sequence[str]]) -> list[Suite]:
    """Core first, then what the last commits touched (newest first), then the longest.

    Where several run at a time, a long one that begins last would be waited for alone.

    Args:
        suites: Those to run.
        changes: Paths that each recent commit touched, the newest first.
    """

    def rank(entry: Suite) -> tuple[bool, int, float]:
        return (entry.name != FIRST, newest_touch(entry, changes), -entry.minutes)

    return sorted(suites, key=rank)


def newest_touch(entry: Suite, changes: Sequence[Sequence[str]]) -> int:
    """How many commits ago something that a suite covers was touched; their number when not at all."""
    folders = tuple(f"{folder}/" for folder in entry.covers)
    for age, paths in enumerate(changes):
        if any(path in entry.covers or path.startswith(folders) for path in paths):
            return age
    return len(changes)


def recent_changes(root: Path) -> list[list[str]]:
    """Paths touched by what is not committed yet, then by each of the last commits; empty without git."""
    changed = lines(root, "git", "diff", "--name-only", "HEAD")
    log = lines(
        root, "git", "log", f"-{COMMITS}", "--first-parent", "-m", "--name-only", "--format=tformat:commit:"
    )
    commits: list[list[str]] = []
    for line in log:
        if line == "commit:":
            commits.append([])
        elif line and commits:
            commits[-1].append(line)
    return [changed, *commits]


def lines(root: Path, *command: str) -> list[str]:
    """The lines that a command printed; none when it is absent or fails."""
    try:
        done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    except OSError:
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []
