"""The built archives, and environments to install them into."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.clone import copy_clone

UV = Path(sys.executable).parent / "uv"


@dataclass(frozen=True, slots=True)
class Archives:
    """What a release would publish."""

    wheel: Path
    sdist: Path


@dataclass(frozen=True, slots=True)
class Place:
    """An environment of its own, outside the project's folder."""

    folder: Path

    def run(self, *words: str) -> str:
        """What one of its programs prints; it must end well."""
        command = [str(self.folder / "bin" / words[0]), *words[1:]]
        return call(command, self.folder)

    def install(self, *words: str) -> None:
        """Install with uv."""
        call([str(UV), "pip", "install", "--quiet", "--python", str(self.folder / "bin" / "python"), *words])

    def frozen(self) -> dict[str, str]:
        """What is installed, by name."""
        listed = call([str(UV), "pip", "freeze", "--python", str(self.folder / "bin" / "python")])
        return dict(line.split("==") for line in listed.splitlines() if "==" in line)


def call(command: list[str], folder: Path | None = None) -> str:
    """What a command prints; the test fails with its complaint when it fails."""
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def archives(tmp_path_factory) -> Archives:
    """Wheel and sdist, built from what git would carry, the wheel from the sdist."""
    source = copy_clone(tmp_path_factory.mktemp("source"))
    out = tmp_path_factory.mktemp("dist")
    call([str(UV), "build", "--quiet", "--out-dir", str(out), str(source)])
    (wheel,) = out.glob("*.whl")
    (sdist,) = out.glob("*.tar.gz")
    return Archives(wheel, sdist)


@pytest.fixture
def place(tmp_path) -> Place:
    """An empty environment on the Python that runs the tests."""
    call([str(UV), "venv", "--quiet", "--python", sys.executable, str(tmp_path / "place")])
    return Place(tmp_path / "place")
