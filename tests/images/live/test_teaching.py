"""What a course needs besides kernels: its files, students' own packages, both interfaces, nothing slow."""

from __future__ import annotations

import ctypes
import json
import os
import struct
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.images.live.notebooks import executed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.images.live.containers import Container, Containers

TOKEN = "a-token-of-the-test"
ALONE = {"JUPYTER_TOKEN": TOKEN}
STUDENT = (1000, 100)
IN_OPEN = 0x20


def served(containers: Containers, image: str, home: Path, **more: object) -> Container:
    container = containers.start(image, home=home, variables=ALONE, **more)
    container.wait_until_up()
    return container


def get(container: Container, path: str) -> str:
    status, body = container.get(path, Authorization=f"token {TOKEN}")
    assert status == 200, body
    return body


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A course's files in a git repository that belongs to the student's number."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "lesson.md").write_text("# Lesson 1\n")
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "Lesson 1"], check=True)
    for path in (folder, *folder.rglob("*")):
        os.lchown(path, *STUDENT)
    return folder


def test_course_files_are_pulled_and_a_students_changes_stay(
    containers: Containers, core: str, home: Path, repository: Path
) -> None:
    """Otherwise a course's link gives an error, or overwrites a week's work."""
    container = served(containers, core, home, options=("--volume", f"{repository}:/course:ro"))
    pull = "/git-pull/api?repo=file:///course&branch=main&targetpath=sts101"
    told = get(container, pull)
    assert '"phase": "finished"' in told, told
    assert (home / "sts101" / "lesson.md").read_text() == "# Lesson 1\n"
    (home / "sts101" / "lesson.md").write_text("# Lesson 1\nmy notes\n")
    assert '"phase": "finished"' in get(container, pull)
    assert (home / "sts101" / "lesson.md").read_text() == "# Lesson 1\nmy notes\n"


def test_a_course_without_a_network_says_what_failed(containers: Containers, core: str, home: Path) -> None:
    """Otherwise a mistyped address of a repository is a page that never ends."""
    container = served(containers, core, home)
    told = get(container, "/git-pull/api?repo=file:///nowhere&branch=main&targetpath=sts101")
    assert '"phase": "error"' in told
    assert "nowhere" in told


def test_both_interfaces_and_every_tool_are_there(containers: Containers, core: str, home: Path) -> None:
    """Otherwise a tool is installed and not switched on, which nobody sees until the term begins."""
    container = served(containers, core, home)
    lab = get(container, "/lab")
    for extension in (
        "@jupyterlab/git",
        "@jupyter-server/resource-usage",
        "@jupyter-widgets/jupyterlab-manager",
        "libretexts-missing-kernel",
        "libretexts-ending",
    ):
        assert f'"name": "{extension}"' in lab
    assert 'id="jupyter-config-data"' in get(container, "/tree")
    assert json.loads(get(container, "/api/metrics/v1"))["rss"] > 0
    listed = container.run("jupyter", "server", "extension", "list") + container.run(
        "sh", "-c", "jupyter server extension list 2>&1"
    )
    for extension in (
        "jupyter_server_proxy",
        "jupyter_resource_usage",
        "jupyterlab_git",
        "nbgitpuller",
        "libretexts_image",
    ):
        assert f"{extension} enabled" in listed.replace("\x1b[32m", "").replace("\x1b[0m", ""), listed


def test_a_students_python_package_lands_in_the_home_and_survives(
    containers: Containers, core: str, home: Path
) -> None:
    """Otherwise every class begins with installing the same package again."""
    wheel = home / "tiny_example-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_example.py", "ANSWER = 42\n")
        information = "tiny_example-1.0.dist-info"
        archive.writestr(
            f"{information}/METADATA", "Metadata-Version: 2.1\nName: tiny-example\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{information}/RECORD", "")
    wheel.chmod(0o644)
    installed, _ = executed(
        containers.idle(core, home=home),
        "python3",
        f"%pip install --no-index ./{wheel.name}",
        "import tiny_example",
    )
    assert "Successfully installed" in installed.text
    assert list((home / ".local/lib").glob("python3.*/site-packages/tiny_example.py"))
    (again,) = executed(
        containers.idle(core, home=home), "python3", "import tiny_example; print(tiny_example.ANSWER)"
    )
    assert again.text == "42\n"


def test_a_students_r_package_lands_in_the_home_and_survives(
    containers: Containers, core: str, home: Path
) -> None:
    """Otherwise every class begins with installing the same package again."""
    make = (
        "dir.create('tinyr'); writeLines(c('Package: tinyr','Version: 1.0','Title: A Tiny Example',"
        "'Description: Says a number.','License: GPL-3','Author: T','Maintainer: T <t@example.org>'), 'tinyr/DESCRIPTION');"
        "writeLines('export(answer)', 'tinyr/NAMESPACE'); dir.create('tinyr/R');"
        "writeLines('answer <- function() 42', 'tinyr/R/answer.R')"
    )
    executed(
        containers.idle(core, home=home),
        "ir",
        make,
        "install.packages('tinyr', repos = NULL, type = 'source')",
    )
    assert list((home / ".local/lib/R").glob("*/tinyr/DESCRIPTION"))
    (again,) = executed(containers.idle(core, home=home), "ir", "cat(tinyr::answer())")
    assert again.text == "42"


def test_the_image_keeps_nothing_in_the_home(containers: Containers, core: str, home: Path) -> None:
    """Otherwise what the image brings disappears under the mounted home, or gets in a student's way."""
    container = containers.idle(core)
    assert container.run("find", "/home/jovyan", "-mindepth", "1") == ""
    assert container.run("id").strip() == "uid=1000(jovyan) gid=100(users) groups=100(users)"
    assert container.run("sh", "-c", "command -v sudo su-exec gosu || true") == ""
    programs = container.run("sh", "-c", "find / -xdev -perm /6000 -type f 2>/dev/null || true").split()
    assert not [path for path in programs if "sudo" in path]


def test_material_is_copied_and_overwrites_nothing(containers: Containers, core: str, home: Path) -> None:
    """Otherwise asking for the files a second time loses the first week."""
    container = containers.idle(core, home=home)
    container.run("get-material")
    welcome = home / "welcome" / "python.ipynb"
    welcome.write_text("mine")
    container.run("get-material")
    assert welcome.read_text() == "mine"
    assert {path.stem for path in (home / "welcome").iterdir()} == {"octave", "python", "r"}


def test_a_welcome_notebook_opens_from_its_link(containers: Containers, core: str, home: Path) -> None:
    """Otherwise a new student looks at an empty folder."""
    container = served(containers, core, home)
    get(container, "/libretexts/welcome/r")
    assert (home / "welcome" / "r.ipynb").exists()
    status, body = container.get("/libretexts/welcome/julia", Authorization=f"token {TOKEN}")
    assert status == 404
    assert "it has octave, python, r" in body


def test_a_start_reads_nothing_below_the_top_of_the_home(
    containers: Containers, core: str, home: Path
) -> None:
    """Otherwise starts become slower with every term that a student has worked."""
    library = ctypes.CDLL(None, use_errno=True)
    watch = library.inotify_init1(os.O_NONBLOCK)
    names = {}
    for number in range(20):
        folder = home / f"course-{number}" / "week"
        folder.mkdir(parents=True)
        (folder / "work.ipynb").write_text("{}")
        for path in (folder.parent, folder):
            os.chown(path, *STUDENT)
            names[library.inotify_add_watch(watch, os.fsencode(path), IN_OPEN)] = path
    container = served(containers, core, home)
    get(container, "/lab")
    (cell,) = executed(container, "python3", "print(1)")
    assert cell.text == "1\n"
    try:
        events = os.read(watch, 65536)
    except BlockingIOError:
        events = b""
    finally:
        os.close(watch)
    opened = {names[struct.unpack_from("i", events, at)[0]] for at in offsets(events)}
    assert not opened


def offsets(events: bytes) -> list[int]:
    """Where each event of inotify begins."""
    found, at = [], 0
    while at < len(events):
        found.append(at)
        at += 16 + struct.unpack_from("I", events, at + 12)[0]
    return found
