"""A home that cannot be used gives a sentence, not a riddle; and it is left as it was."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.images.live.containers import Container, Containers

TOKEN = "a-token-of-the-test"
ALONE = {"JUPYTER_TOKEN": TOKEN}
OLD_SETTINGS = {
    "leaves at once": "import sys\nsys.exit(3)\n",
    "no Python": "c.NotebookApp.ip = = '0.0.0.0'\n",
    "a class that is gone": "c.ServerApp.contents_manager_class = 'hdfscontents.HDFSContentsManager'\n",
    "a value of the wrong kind": "c.ServerApp.port = 'eight'\n",
}


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file of a home with its owner, its mode and its content."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_uid,
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def small_home(home: Path) -> Iterator[Path]:
    """A home of 2 MiB on a file system of its own."""
    settings = "size=2m,mode=755,uid=1000,gid=100"
    subprocess.run(["mount", "-t", "tmpfs", "-o", settings, "tmpfs", str(home)], check=True)
    yield home
    subprocess.run(["umount", "--lazy", str(home)], check=True)


def page(container: Container) -> str:
    container.wait_until_up("/")
    status, body = container.get("/user/ada/lab")
    assert status == 200
    return body


def test_a_home_of_somebody_else_is_explained_and_untouched(
    containers: Containers, core: str, tmp_path: Path
) -> None:
    """Otherwise a student sees a server that never starts, and nobody knows why."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (home / "thesis.txt").write_text("mine")
    before = tree(home)
    body = page(containers.start(core, home=home, variables=ALONE))
    assert "Your home folder belongs to somebody else" in body
    assert "root (number 0)" in body
    assert "jovyan (number 1000)" in body
    assert tree(home) == before


def test_a_read_only_home_is_explained(containers: Containers, core: str, home: Path) -> None:
    """Otherwise a student works for an hour and can save nothing."""
    container = containers.start(core, options=("--volume", f"{home}:/home/jovyan:ro"), variables=ALONE)
    assert "is read-only at the moment" in page(container)
    assert tree(home) == {}


def test_a_home_without_permission_is_explained(containers: Containers, core: str, home: Path) -> None:
    """Otherwise a mistake in a script of the storage looks like a broken hub."""
    home.chmod(0o555)
    assert "its permissions (555) do not let you write" in page(
        containers.start(core, home=home, variables=ALONE)
    )


def test_the_page_tells_the_hub_that_it_is_up(containers: Containers, core: str, home: Path) -> None:
    """Otherwise the hub ends the server before the student can read the page."""
    home.chmod(0o555)
    variables = {
        "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:8888/user/ada/",
        "JUPYTERHUB_BASE_URL": "/hub-of-ada/",
        "JUPYTERHUB_API_TOKEN": TOKEN,
    }
    container = containers.start(core, home=home, variables=variables)
    container.wait_until_up("/user/ada/api")
    assert container.get("/user/ada/api")[1].startswith('{"version": "5.5')
    assert 'href="/hub-of-ada/hub/home"' in container.get("/user/ada/")[1]


def test_a_full_home_starts_and_says_so_first(containers: Containers, core: str, small_home: Path) -> None:
    """Otherwise a student with a full home cannot get in to delete anything."""
    container = containers.idle(core, home=small_home, variables=ALONE)
    container.run("sh", "-c", "head -c 4000000 /dev/zero > ~/film.mp4 || true")
    container.run("sh", "-c", "jupyterhub-singleuser > /tmp/server.log 2>&1 &")
    container.wait_until_up()
    status, body = container.get(f"/libretexts/notice?token={TOKEN}")
    assert status == 200
    assert "Your home folder is full" in body
    assert "2 MiB" in body
    status, body = container.get(f"/api/contents/film.mp4?content=0&token={TOKEN}")
    assert status == 200, "the files of a full home can be listed"
    assert (
        container.run("sh", "-c", "rm ~/film.mp4 && echo saved > ~/note.txt && cat ~/note.txt") == "saved\n"
    )


@pytest.mark.parametrize("settings", OLD_SETTINGS.values(), ids=OLD_SETTINGS.keys())
def test_old_settings_do_not_keep_a_server_from_starting(
    containers: Containers, core: str, home: Path, settings: str
) -> None:
    """Otherwise a home from last year's hub locks its owner out."""
    folder = home / ".jupyter"
    folder.mkdir()
    for name in ("jupyter_server_config.py", "jupyter_notebook_config.py"):
        (folder / name).write_text(settings)
    (folder / "jupyter_notebook_config.json").write_text(
        '{"NotebookApp": {"nbserver_extensions": {"gone": tru'
    )
    for path in (folder, *folder.iterdir()):
        os.chown(path, 1000, 100)
    before = {name: (folder / name).read_bytes() for name in os.listdir(folder)}
    container = containers.start(core, home=home, variables=ALONE)
    container.wait_until_up()
    status, _ = container.get(f"/api/kernelspecs?token={TOKEN}")
    assert status == 200
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_old_packages_in_the_home_do_not_reach_the_server(
    containers: Containers, core: str, home: Path
) -> None:
    """Otherwise one `pip install --user` of last year breaks the server itself."""
    site = home / ".local/lib/python3.13/site-packages"
    for package in ("tornado", "jupyter_server", "traitlets"):
        (site / package).mkdir(parents=True)
        (site / package / "__init__.py").write_text("raise ImportError('an old package of the home')\n")
    kernel = home / ".local/share/jupyter/kernels/python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        '{"argv": ["/opt/conda/bin/python"], "display_name": "gone", "language": "python"}'
    )
    container = containers.start(core, home=home, variables=ALONE)
    container.wait_until_up()
    status, body = container.get(f"/api/kernelspecs?token={TOKEN}")
    assert status == 200
    assert "/opt/python/bin/python" in body
    assert "/opt/conda" not in body
