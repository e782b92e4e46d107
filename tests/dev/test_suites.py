"""The table of suites and the order in which they run."""

from __future__ import annotations

import subprocess

import pytest

from dev.environments import ROOT
from dev.problems import Stop
from dev.suites import Step, Suite, in_order, read_table, recent_changes, select


def suite(name: str, *covers: str, minutes: float = 1) -> Suite:
    return Suite(name, "", covers, minutes, 5, (Step(("true",), is_pytest=False),))


def names(suites: list[Suite]) -> list[str]:
    return [each.name for each in suites]


def test_core_runs_first_then_the_newest_work_then_the_longest() -> None:
    """Otherwise a short time budget is spent on what nobody touched."""
    suites = [
        suite("quick"),
        suite("hub", "hub"),
        suite("docs", "docs"),
        suite("slow", minutes=9),
        suite("core", "c"),
    ]
    changes = [[], ["docs/index.md"], ["hub/spawner.py", "docs/index.md"]]
    assert names(in_order(suites, changes)) == ["core", "docs", "hub", "slow", "quick"]


def test_a_folder_covers_what_lies_in_it_and_not_its_namesakes() -> None:
    """A change in hub-images must not count as a change in hub."""
    ordered = in_order(
        [suite("hub", "hub", minutes=2), suite("images", "hub-images")], [["hub-images/Dockerfile"]]
    )
    assert names(ordered) == ["images", "hub"]


def test_a_file_can_be_covered_by_its_own_path() -> None:
    """The README is a file that a suite watches."""
    ordered = in_order([suite("slow", minutes=2), suite("docs", "README.md")], [["README.md"]])
    assert names(ordered) == ["docs", "slow"]


def test_the_committed_table_is_readable_and_each_suite_covers_what_exists() -> None:
    """A suite whose folders were renamed would never again run early."""
    table = read_table(ROOT / "dev" / "suites.toml")
    gone = {
        (each.name, place)
        for each in table.suites.values()
        for place in each.covers
        if not (ROOT / place).exists()
    }
    assert not gone


def test_every_test_file_belongs_to_a_suite() -> None:
    """A test that no suite runs proves nothing, and nobody would see it missing."""
    table = read_table(ROOT / "dev" / "suites.toml")
    rooms = [
        ROOT / word
        for each in table.suites.values()
        for step in each.steps
        for word in step.arguments
        if word.startswith("tests/")
    ]
    orphans = [
        path.relative_to(ROOT)
        for path in (ROOT / "tests").rglob("test_*.py")
        if not any(path.is_relative_to(room) for room in rooms)
    ]
    assert not orphans


def test_an_unknown_suite_is_refused_with_the_names_that_exist() -> None:
    """A newcomer who mistypes a name must not get a green run of nothing."""
    table = read_table(ROOT / "dev" / "suites.toml")
    with pytest.raises(Stop, match=r"no such suite: cores; there are: .*lint"):
        select(table, ["cores"])


def test_all_includes_what_the_default_run_leaves_out() -> None:
    """`./dev/test all` is what a gate runs."""
    table = read_table(ROOT / "dev" / "suites.toml")
    assert names(select(table, ["all"])) == list(table.suites)
    assert all(not each.by_name for each in select(table, []))


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ('steps = [{ sh = ["true"] }]', "a step is `run` or `pytest`, not 'sh'"),
        (
            'steps = [{ run = ["true"], environment = "nowhere" }]',
            "names environments that are not in the table",
        ),
    ],
)
def test_a_mistake_in_the_table_is_told_and_not_skipped(tmp_path, entry, complaint) -> None:
    """A misspelt step would be a suite that silently proves less."""
    file = tmp_path / "suites.toml"
    file.write_text(f'[suites.one]\nproves = ""\ncovers = []\nminutes = 1\nlimit = 1\n{entry}\n')
    with pytest.raises(Stop, match=complaint):
        read_table(file)


def test_recent_changes_are_those_of_git_the_newest_first(tmp_path) -> None:
    """The order of suites rests on this reading of the history."""

    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for name in ("first", "second"):
        (tmp_path / name).write_text("")
        git("add", name)
        git("commit", "-m", name)
    (tmp_path / "first").write_text("changed")
    assert recent_changes(tmp_path) == [["first"], ["second"], ["first"]]


def test_without_a_history_there_are_no_changes(tmp_path) -> None:
    """A source archive has no git folder, and its tests run all the same."""
    assert recent_changes(tmp_path) == [[]]
