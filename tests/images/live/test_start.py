"""What a server does before a student can work, and what it leaves alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from images.tooling.timing import PROBE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.images.live.containers import Container, Containers

TOKEN = "a-token-of-the-test"
ALONE = {"JUPYTER_TOKEN": TOKEN}
LONG_AGO = 1_000_000_000
ROUNDS = 12


def with_its_words(containers: Containers, image: str, home: Path) -> Container:
    """A server that says all that it does."""
    container = containers.start(image, "jupyterhub-singleuser", "--debug", home=home, variables=ALONE)
    container.wait_until_up()
    return container


def test_a_first_cell_does_not_wait_for_a_second_question(
    containers: Containers, core: str, home: Path
) -> None:
    """Otherwise each kernel of a class is half a second late, though it was there in time.

    A machine that stands still for half a second may cost a kernel its second question, so a few are allowed.
    Without the image's setting about half of them need one.
    """
    container = with_its_words(containers, core, home)
    for _ in range(ROUNDS):
        container.python(PROBE.read_text(), "http://127.0.0.1:8888", TOKEN, "python3", "print(6 * 7)")
    log = container.logs()
    assert log.count("Nudge: attempt 1 on kernel") == ROUNDS
    assert log.count("Nudge: attempt 2 on kernel") <= 2


def test_a_start_looks_for_no_language_server(containers: Containers, core: str, home: Path) -> None:
    """Otherwise each start of a class runs R, and Julia, to find what the image does not have."""
    container = with_its_words(containers, core, home)
    assert container.get(f"/lsp/status?token={TOKEN}")[0] == 200, "the question is answered when it is asked"
    assert "language-server" not in container.logs()


def test_a_start_reads_nothing_of_what_a_home_holds(containers: Containers, core: str, home: Path) -> None:
    """Otherwise who has worked for years waits longer than who came yesterday."""
    folders = [home / f"course-{number}/week-{number}" for number in range(200)]
    hidden = [home / name / "deep" for name in (".cache", ".local/share/Trash/files", ".config", ".R")]
    for folder in (*folders, *hidden):
        folder.mkdir(parents=True)
        for number in range(20):
            (folder / f"work-{number}.ipynb").write_text("{}")
    control = home / "control"
    control.mkdir()
    seen = [path for path in home.rglob("*") if path != control]
    for path in (*seen, control):
        os.chown(path, 1000, 100)
        os.utime(path, (LONG_AGO, LONG_AGO))
    container = containers.start(core, home=home, variables=ALONE)
    container.wait_until_up("/lab")
    assert container.run("ls", "-l", "/home/jovyan/control") == "total 0\n"
    assert control.stat().st_atime > LONG_AGO, "this file system tells when something was read"
    parents = {folder for below in hidden for folder in below.parents}
    read = {path for path in seen if path.stat().st_atime > LONG_AGO}
    assert read <= parents, "only where settings may lie, and there not what is below"
