"""Containers of the images that `./dev/images build` has made; every one is removed by its id."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from images.tooling import machine
from jupyterhub_libretexts.images.manifest import PATH, parse_manifest
from tests.images.live.containers import Containers
from tests.images.live.hubs import bridge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyterhub_libretexts.images.engines import Engine
    from jupyterhub_libretexts.images.manifest import ImageManifest

STUDENT = (1000, 100)


WANTED = ("julia", "rstudio")
"""What the default target has where its programs can be had."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the image lacks here, so that a green run promises no more than it ran."""
    if os.geteuid() != 0 or machine.engine().describe(f"{machine.NAME}:default") is None:
        terminalreporter.write_line("the default target is not built here: nothing of julia and rstudio ran")
        return
    manifest = manifest_of(machine.engine(), "default")
    missing = [name for name in WANTED if not any(have.startswith(name) for have in held(manifest))]
    if missing:
        terminalreporter.write_line(f"not built here: {', '.join(missing)}")


def manifest_of(engine: Engine, target: str) -> ImageManifest:
    """What a built target says of itself."""
    return parse_manifest(engine.run(built(engine, target), ("cat", PATH)), target)


def held(manifest: ImageManifest) -> set[str]:
    """Names of its kernels and applications."""
    return {*manifest.kernels, *manifest.applications}


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


@pytest.fixture(scope="session")
def gateway(engine: Engine, core: str) -> Iterator[str]:
    """This machine's address on podman's network, which stays for as long as the tests run.

    Otherwise it comes and goes with its first and last container, and a browser breaks off what it loads
    whenever an address of the machine changes.
    """
    with bridge(engine, core) as address:
        yield address


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
