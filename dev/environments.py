"""Python environments, made by content: nothing is done when what they are made from has not changed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev import machine
from dev.problems import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ROOT", "Environment", "default_environment", "variables"]

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment as it should be."""

    folder: Path
    python: str
    """The interpreter that it is made from."""
    groups: tuple[str, ...]
    """Dependency groups of ``pyproject.toml`` beside ``.[demo]``."""
    constraints: tuple[str, ...] = ()
    """What is pinned further, such as ``jupyterhub==5.5.*``."""

    @property
    def interpreter(self) -> Path:
        """Its own Python."""
        return self.folder / "bin" / "python"

    @property
    def key(self) -> str:
        """A digest of everything that it is made from."""
        project = read_project()
        parts = {
            "python": str(Path(self.python).resolve()),
            "place": str(self.folder),
            "build": project["build-system"],
            "project": project["project"],
            "groups": {name: project["dependency-groups"][name] for name in self.groups},
            "constraints": self.constraints,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def ensure(self) -> None:
        """Create or refresh it where its content changed.

        Raises:
            Stop: It cannot be made; the last lines of the installer stand above.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.folder.with_name(self.folder.name + ".lock")):
            if not self.is_current():
                began = time.monotonic()
                print(
                    f"… {self.folder.relative_to(ROOT)}: installing (once, until pyproject.toml changes)",
                    flush=True,
                )
                self.create()
                self.install()
                self.stamp().write_text(self.key)
                print(
                    f"… {self.folder.relative_to(ROOT)}: ready in {time.monotonic() - began:.0f} s",
                    flush=True,
                )

    def is_current(self) -> bool:
        """Whether it was installed from just this content, and its Python still starts."""
        try:
            same = self.stamp().read_text() == self.key
        except OSError:
            return False
        return same and runs([str(self.interpreter), "-c", ""])

    def stamp(self) -> Path:
        """The file that remembers the key, one for each set of groups."""
        return self.folder / f".made-from-{'-'.join(self.groups) or 'demo'}"

    def create(self) -> None:
        """Make the bare environment, unless a working one is there."""
        if runs([str(self.interpreter), "-c", ""]):
            return
        if self.folder.exists():
            shutil.rmtree(self.folder)
        uv = self.uv()
        if uv and runs([uv, "venv", "--quiet", "--python", self.python, str(self.folder)]):
            return
        machine.require_venv()
        if not runs([self.python, "-m", "venv", str(self.folder)]):
            raise Stop(f"{self.python} -m venv {self.folder} failed; run it by hand to see why")

    def install(self) -> None:
        """Install this project, editable, with its groups."""
        wanted = ["--editable", f"{ROOT}[demo]"]
        wanted += [item for group in self.groups for item in read_project()["dependency-groups"][group]]
        wanted += self.constraints
        pip = [str(self.interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if self.uv() is None:
            runs([*pip, "uv"])
        uv = self.uv()
        if uv and succeeds([uv, "pip", "install", "--quiet", "--python", str(self.interpreter), *wanted]):
            return
        print("… uv did not manage it; trying pip, which takes a minute or two", flush=True)
        runs([str(self.interpreter), "-m", "ensurepip"])
        if not succeeds([*pip, *wanted]):
            raise Stop("The packages could not be installed (see above); is the package index reachable?")

    def uv(self) -> str | None:
        """The fast installer: our own, or the default environment's."""
        places = (self.folder / "bin" / "uv", ROOT / ".venv" / "bin" / "uv")
        return next((str(place) for place in places if place.exists()), None)


def default_environment(groups: Sequence[str] = ()) -> Environment:
    """The environment ``.venv`` on the Python that started us."""
    return Environment(ROOT / ".venv", base_python(), tuple(groups))


def base_python() -> str:
    """The Python beneath, also when a virtual environment's own started us."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def variables(environment: Environment) -> dict[str, str]:
    """The process environment in which the environment's own programs are found first."""
    path = [str(environment.folder / "bin"), os.environ.get("PATH", os.defpath), *machine.USUAL_PLACES]
    return {**os.environ, "VIRTUAL_ENV": str(environment.folder), "PATH": os.pathsep.join(path)}


def read_project() -> dict[str, Any]:
    """``pyproject.toml`` as data."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def succeeds(command: list[str]) -> bool:
    """Whether a command ends well; its words are shown."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def runs(command: list[str]) -> bool:
    """Whether a command exists and ends well; its words are not shown."""
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, so that two commands started together install once."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
