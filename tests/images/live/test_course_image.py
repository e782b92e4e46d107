"""A course's own image, built with the command that operators type, by each engine that is here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.images.live.hubs import docker_socket

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyterhub_libretexts.images.engines import Engine

ROOT = Path(__file__).parents[3]
TAG = "localhost/libretexts-test-course:1"
COMMAND = [sys.executable, "-m", "jupyterhub_libretexts.cli", "image"]
SETTINGS = f"""\
organizations: {{north: {{title: North, environments: [r]}}}}
environments: {{r: {{title: R, image: "{TAG}", kernel: ir, needs: ["r:tidyverse", "python:tiny-example"]}}}}
sizes: {{small: {{cpu: {{guarantee: 1, limit: 2}}, memory: {{guarantee: 1Gi, limit: 2Gi}}}}}}
"""


@pytest.fixture
def course(tmp_path: Path, core: str) -> Path:
    """The template, pointed at the image that was built here, with one package of its own."""
    folder = tmp_path / "course"
    shutil.copytree(ROOT / "images" / "course-template", folder)
    package = folder / "package"
    package.mkdir()
    (package / "pyproject.toml").write_text('[project]\nname = "tiny-example"\nversion = "1.0"\n')
    dockerfile = (folder / "Dockerfile").read_text().replace("localhost/libretexts-default-env:core", core)
    site = "/opt/python/lib/python3.13/site-packages"
    own = f"COPY package/tiny.py {site}/tiny_example.py\nCOPY package/METADATA {site}/tiny_example-1.0.dist-info/\n"
    (package / "tiny.py").write_text("ANSWER = 42\n")
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-example\nVersion: 1.0\n")
    (folder / "Dockerfile").write_text(dockerfile.replace("USER 1000:100", own + "USER 1000:100"))
    return folder


@pytest.fixture
def remove(engine: Engine) -> Iterator[None]:
    yield
    subprocess.run(
        [engine.program, "image", "rm", "--force", TAG],
        env=engine.environment(),
        check=False,
        capture_output=True,
    )


@pytest.fixture(params=["podman", "buildah", "docker"])
def program(
    request: pytest.FixtureRequest, engine: Engine, tmp_path: Path
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each engine with the variables that let it see the images of this test."""
    name = request.param
    if shutil.which(name) is None:
        if name == "docker":
            pytest.skip("docker is not on this machine: podman and buildah were tried")
        pytest.fail(f"{name} is needed: apt-get install {name}")
    if name != "docker":
        yield name, engine.environment()
        return
    with docker_socket(engine, tmp_path) as address:
        # Podman answers Docker's client, and has no BuildKit.
        yield name, {**os.environ, "DOCKER_HOST": address, "DOCKER_BUILDKIT": "0"}


def typed(variables: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        env=dict(variables),
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.usefixtures("remove")
def test_a_course_image_is_built_tested_and_described(
    program: tuple[str, dict[str, str]], course: Path, tmp_path: Path
) -> None:
    """Otherwise a teacher learns in class that the image lacks the package of the lesson."""
    name, variables = program
    lock = tmp_path / "images.lock.json"
    done = typed(variables, "build", str(course), "--tag", TAG, "--engine", name, "--lock", str(lock))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed: /usr/share/libretexts/tests/first.ipynb" in done.stdout
    manifest = json.loads((course / "build" / "image.json").read_text())
    assert manifest["packages"]["python"]["tiny-example"] == "1.0"
    bill = json.loads((course / "build" / "sbom.cdx.json").read_text())
    assert {"name": "tiny-example", "version": "1.0"}.items() <= next(
        part for part in bill["components"] if part["name"] == "tiny-example"
    ).items()
    assert lock.exists()
    shown = typed(variables, "inspect", TAG, "--engine", name)
    assert shown.returncode == 0, shown.stderr
    assert "python3  Python 3 (3.13" in shown.stdout

    settings = tmp_path / "hub.yaml"
    settings.write_text(SETTINGS)
    check = [*COMMAND[:-1], "check", str(settings)]
    assert subprocess.run(check, cwd=ROOT, check=False, capture_output=True, timeout=60).returncode == 0
    settings.write_text(SETTINGS.replace("python:tiny-example", "python:tinny-example"))
    told = subprocess.run(check, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    assert told.returncode == 1
    assert "did you mean 'python:tiny-example'?" in told.stdout


@pytest.mark.usefixtures("remove")
def test_a_course_whose_test_fails_is_not_called_built(engine: Engine, course: Path) -> None:
    """Otherwise a broken image is pushed because its build was green."""
    broken = (course / "tests" / "first.ipynb").read_text().replace("import numpy as np", "import nowhere")
    (course / "tests" / "first.ipynb").write_text(broken)
    done = typed(engine.environment(), "build", str(course), "--tag", TAG)
    assert done.returncode == 1
    assert "No module named 'nowhere'" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"{TAG} failed its tests")
    assert not (course / "build").exists()


def test_an_image_that_is_not_ours_is_told_so(engine: Engine) -> None:
    """Otherwise a lock says of a foreign image what nobody looked at."""
    from images.tooling import machine

    base = machine.base_image(engine)
    done = typed(engine.environment(), "inspect", base)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert base in done.stderr
