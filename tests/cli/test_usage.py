"""`usage` called wrongly, and its three forms.

What is lost when these fail: a bill of nothing that looks like one, or a password on a screen.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyterhub_libretexts.hub.store import INTERVALS, Store

from .support import called


@pytest.fixture
def database(tmp_path: Path) -> str:
    file = tmp_path / "usage.sqlite"
    store = Store(f"sqlite:///{file}")
    common = {"organization": "north", "environment": "python", "gpu": "slice", "gpus": 1, "cpu": 2.0}
    for uid, username in (("a", "ada"), ("b", "=cmd()")):
        span = {"started": 1_793_534_400.0, "ended": 1_793_538_000.0, "seen": 1_793_538_000.0}
        store.add(INTERVALS, {"uid": uid, "username": username, "memory": 2**31, **common, **span})
    store.close()
    return str(file)


def test_sums_are_printed_as_a_table_for_programs_and_for_spreadsheets(database: str) -> None:
    """One hour of one GPU, two cores and two GiB, for each of two people."""
    when = ("--database", database, "--from", "2026-11-01", "--to", "2026-12-01")
    table = called("usage", *when).out.splitlines()
    assert table[1].split() == ["north", "2.00", "4.00", "4.00", "2"]
    (line,) = json.loads(called("usage", *when, "--format", "json").out)
    assert line == {
        "organization": "north",
        "gpuHours": 2.0,
        "cpuHours": 4.0,
        "memoryGiBHours": 4.0,
        "servers": 2,
    }
    rows = called("usage", *when, "--by", "person", "--format", "csv").out.splitlines()
    assert sorted(rows[1:]) == ["'=cmd(),1.0,2.0,2.0,1", "ada,1.0,2.0,2.0,1"]
    assert (
        len(
            called(
                "usage", "--database", database, "--from", "2026-12-01", "--to", "2026-12-02"
            ).out.splitlines()
        )
        == 1
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--database", "nowhere.sqlite"), "run this where the hub runs"),
        (("--from", "soon"), "write for example 2026-11-01"),
        (("--from", "2026-12-01", "--to", "2026-11-01"), "is not after"),
        (("--by", "color"), "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(database: str, words: tuple[str, ...], told: str) -> None:
    """Else an operator takes an empty table for an idle cluster."""
    given = words if "--database" in words else ("--database", database, *words)
    answer = called("usage", *given)
    assert answer.status == 2
    assert told in answer.error
    assert len(answer.error.strip().splitlines()) == 1


def test_a_database_that_cannot_be_opened_never_shows_its_password() -> None:
    """Else the hub's password stands in a terminal, a log and a screenshot."""
    answer = called("usage", "--database", "postgresql://hub:hunter2@127.0.0.1:1/hub")
    assert answer.status == 2
    assert "hunter2" not in answer.out + answer.error


def test_erasing_somebody_who_is_not_there_is_told(database: str) -> None:
    """Else a mistyped name counts as erased."""
    assert called("usage", "--database", database, "--erase", "adaa").status == 1
    assert called("usage", "--database", database, "--erase", "ada").status == 0
