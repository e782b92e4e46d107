"""Containers of the images that `./dev/images build` has made; every one is removed by its id."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from images.tooling import machine
from tests.images.live.containers import Containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyterhub_libretexts.images.engines import Engine

STUDENT = (1000, 100)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what cannot be built without the open internet, so that a green run promises no more than it ran."""
    terminalreporter.write_line("not built here: julia, rstudio (RStudio's contract ran against a stand-in)")


@pytest.fixture(scope="session")
def engine() -> Engine:
    if os.geteuid() != 0:
        pytest.fail("these tests run containers with homes of several owners: run them as root")
    return machine.engine()


def built(engine: Engine, target: str) -> str:
    tag = f"{machine.NAME}:{target}"
    if engine.describe(tag) is None:
        pytest.fail(f"{tag} is not built: run ./dev/images build {target}")
    return tag


@pytest.fixture(scope="session")
def core(engine: Engine) -> str:
    return built(engine, "core")


@pytest.fixture(scope="session")
def sage(engine: Engine) -> str:
    return built(engine, "sage")


@pytest.fixture
def containers(engine: Engine) -> Iterator[Containers]:
    started = Containers(engine)
    yield started
    started.remove_all()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home of the image's own user."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    os.chown(folder, *STUDENT)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
