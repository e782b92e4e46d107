"""`./dev/demo --once`, as on a machine that has seen nothing of this project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dev import processes
from dev.clone import copy_clone

SECONDS = 420


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    processes.adopt_orphans()
    return copy_clone(tmp_path_factory.mktemp("fresh") / "clone")


def demo_once(clone: Path) -> processes.Ending:
    bare = {name: value for name, value in os.environ.items() if name in {"HOME", "LANG", "PATH", "TMPDIR"}}
    path = bare["PATH"].split(os.pathsep)
    bare["PATH"] = os.pathsep.join(folder for folder in path if "/.venv" not in folder)
    return processes.run_bounded(["./dev/demo", "--once"], SECONDS, folder=clone, environment=bare)


def test_the_first_start_does_the_main_job_and_leaves_nothing(clone, capfd) -> None:
    """This command is what a newcomer types first; if it fails they do not come back."""
    before = {path.name for path in clone.iterdir()}
    ending = demo_once(clone)
    printed = capfd.readouterr().out
    assert ending.status == 0, printed
    assert not ending.out_of_time
    assert ending.left_behind == ()
    assert "installing" in printed
    assert {path.name for path in clone.iterdir()} - before <= {".venv", ".venv.lock"}


def test_a_second_start_installs_nothing(clone, capfd) -> None:
    """Waiting once is enough."""
    ending = demo_once(clone)
    printed = capfd.readouterr().out
    assert ending.status == 0, printed
    assert "installing" not in printed
    assert ending.left_behind == ()
