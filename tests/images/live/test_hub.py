"""The image under a real hub: spawned by DockerSpawner, every kernel answers through the hub's proxy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.images.live.hubs import Hub, docker_socket, running_hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyterhub_libretexts.images.engines import Engine

CELLS = {
    "python3": ("print(6 * 7)", "42"),
    "ir": ("cat(6 * 7)", "42"),
    "octave": ("disp (6 * 7)", "42"),
    "sagemath": ("factor(2^101 - 1)", "7432339208719 * 341117531003194129"),
}


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    os.chown(folder, 1000, 100)
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def hub(
    engine: Engine, sage: str, gateway: str, shared_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    with (
        docker_socket(engine, folder) as docker,
        running_hub(docker, gateway, folder, sage, shared_home) as hub,
    ):
        hub.start_server("ada")
        yield hub
        hub.stop_server("ada")


@pytest.mark.parametrize("kernel", CELLS)
def test_a_kernel_answers_through_the_hubs_proxy(hub: Hub, kernel: str) -> None:
    """Otherwise the image works alone and not where students meet it."""
    source, wanted = CELLS[kernel]
    assert hub.execute("ada", kernel, source).strip() == wanted


def test_only_its_owner_reaches_a_server(hub: Hub) -> None:
    """Otherwise everybody reads everybody's work."""
    for token in ("", "wrong"):
        stranger = Hub(hub.url, token)
        assert stranger.call("GET", "/user/ada/api/contents")[0] == 403
        status, page = stranger.call("GET", "/user/ada/lab")
        assert "jupyter-config-data" not in page, status


def test_a_home_that_cannot_be_written_is_a_page_behind_the_hub(hub: Hub, shared_home: Path) -> None:
    """Otherwise the hub says only that the server did not start in time."""
    hub.stop_server("ada")
    os.chown(shared_home, 0, 0)
    try:
        hub.start_server("ada")
        status, page = hub.call("GET", "/user/ada/lab")
        assert (status, "Your home folder belongs to somebody else" in page) == (200, True)
        assert 'href="/hub/home"' in page
        hub.stop_server("ada")
    finally:
        os.chown(shared_home, 1000, 100)
        hub.start_server("ada")
