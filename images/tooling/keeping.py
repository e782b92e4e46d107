"""``update``, ``outdated``, ``sbom`` and ``clean``: the upkeep of what is pinned."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from images.tooling import building, machine
from jupyterhub_libretexts.images.manifest import PATH, parse_manifest
from jupyterhub_libretexts.images.sbom import bill_of_materials

if TYPE_CHECKING:
    from jupyterhub_libretexts.images.engines import Engine

LOCKS = building.CONTEXT / "locks"
UV = "uv==0.13.9"
PYTHON = "3.13"
ALONE = ("uv", "jupyter", "python", "octave", "sage")
ON_TOP_OF_JUPYTER = ("nbgrader", "collaboration")
WITHOUT_DEPENDENCIES = ("rstudio",)
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\;]+)", re.MULTILINE)


def update() -> int:
    """Compile every lock anew and print each version that moved."""
    before = {path.stem: versions(path) for path in LOCKS.glob("*.txt")}
    compile_locks(LOCKS)
    for name in sorted(before):
        for line in changes(before[name], versions(LOCKS / f"{name}.txt")):
            print(f"{name}: {line}")
    return 0


def outdated() -> int:
    """Print what `update` would change, and change nothing."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "locks"
        shutil.copytree(LOCKS, copy)
        compile_locks(copy)
        lines = [
            f"{path.stem}: {line}"
            for path in sorted(LOCKS.glob("*.txt"))
            for line in changes(versions(path), versions(copy / path.name))
        ]
    print("\n".join(lines) or "every lock is up to date")
    return 0


def compile_locks(folder: Path) -> None:
    """Resolve every list of requirements in a folder into its hashed lock."""
    for name in (*ALONE, *WITHOUT_DEPENDENCIES, *ON_TOP_OF_JUPYTER):
        options = ["--no-deps"] if name in WITHOUT_DEPENDENCIES else []
        if name in ON_TOP_OF_JUPYTER:
            options += ["--constraints", "jupyter.txt"]
        (folder / f"{name}.txt").unlink(missing_ok=True)
        machine.say(f"resolving {name}")
        machine.said(
            [
                *(str(machine.python_tool("uv", UV)), "pip", "compile", "--quiet", "--no-config"),
                *("--generate-hashes", "--universal", "--no-annotate", "--no-header"),
                *("--python-version", PYTHON, *options, f"{name}.in", "--output-file", f"{name}.txt"),
            ],
            cwd=folder,
        )


def versions(lock: Path) -> dict[str, str]:
    """The pinned version of every package in a lock."""
    return dict(LOCKED.findall(lock.read_text(encoding="utf-8")))


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What differs between two locks, one line for each package."""
    return [
        f"{name} {before.get(name, 'new')} → {after.get(name, 'gone')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def sbom(target: str) -> int:
    """Print a built target's bill of materials."""
    tag = f"{machine.NAME}:{target}"
    manifest = parse_manifest(machine.engine().run(tag, ("cat", PATH)), f"{PATH} of {tag}")
    print(json.dumps(bill_of_materials(manifest, tag), indent=1))
    return 0


def clean(*, only_old: bool = False) -> int:
    """Remove our storage, which nothing else on the machine uses, or only what earlier builds left in it."""
    podman = machine.engine()
    if only_old:
        with machine.one_at_a_time():
            remove_abandoned(podman)
            podman.call(["image", "prune", "--force"])
        return 0
    if podman.variables:
        podman.call(["system", "reset", "--force"])
    shutil.rmtree(machine.CACHE, ignore_errors=True)
    return 0


def remove_abandoned(podman: Engine) -> None:
    """Remove the working containers that a build leaves when it is ended half-way; no build may be running."""
    listed = podman.call(["ps", "--all", "--external", "--format", "{{.ID}} {{.Command}}"])
    for line in listed.splitlines():
        identity, _, command = line.partition(" ")
        if command.strip() == "buildah":
            podman.remove(identity)
