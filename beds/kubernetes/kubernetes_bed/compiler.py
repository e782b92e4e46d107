"""Compiles the Go parts into the cache, telling how far it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from . import cache, processes
from .errors import BedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .pins import Part, Pins

EVERY_SECONDS = 10


def place_of(part: Part) -> Path:
    """Where this part lies, or will."""
    return cache.folder() / f"{part.name}-{cache.key_of_part(part)}"


def check_compiler(oldest: tuple[int, int]) -> None:
    """Refuse a machine without Go, or with one too old."""
    wanted = ".".join(map(str, oldest))
    if shutil.which("go") is None:
        raise BedError(f"Go is missing: install Go {wanted} or newer and put it on PATH")
    said = subprocess.run(["go", "version"], capture_output=True, text=True, check=False).stdout
    if version_in(said) < oldest:
        raise BedError(f"Go is too old: {said.strip() or 'no version'}; {wanted} or newer is needed")


def version_in(said: str) -> tuple[int, int]:
    """The version in what ``go version`` prints; (0, 0) where there is none."""
    found = re.search(r"go(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def compile_parts(pins: Pins, names: Iterable[str]) -> None:
    """Compile what is missing of these parts; takes nothing when all are there."""
    parts = [pins.part(name) for name in names]
    missing = [part for part in parts if not cache.is_whole(place_of(part))]
    if not missing:
        return
    check_compiler(pins.go)
    check_room(pins.free_gigabytes)
    locked = cache.locked(cache.folder() / "build.lock", "another build is running; waiting for it")
    with processes.outside(), locked:
        for number, part in enumerate(missing, 1):
            title = f"{part.name} ({number} of {len(missing)})"
            cache.keep(place_of(part), partial(compile_one, part, title))


def check_room(gigabytes: int) -> None:
    """Refuse to begin on a disk that would fill up."""
    place = cache.folder()
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free // 2**30
    if free < gigabytes:
        raise BedError(f"{place} has {free} GB free; a build from nothing needs {gigabytes} GB")


def compile_one(part: Part, title: str, place: Path) -> None:
    """Compile one part into ``place/bin`` and copy its module's files beside it."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    out = place / "bin"
    out.mkdir()
    argv = ["go", "build", "-v", "-trimpath", "-ldflags", f"-s -w {part.ldflags}".strip()]
    argv += ["-tags", part.tags] if part.tags else []
    run_with_progress([*argv, "-o", f"{out}/", *part.packages], part.folder, environment, title)
    for module, pattern, target in part.files:
        where = ["go", "list", "-m", "-f", "{{.Dir}}", module]
        source = subprocess.check_output(where, cwd=part.folder, env=environment, text=True).strip()
        (place / target).mkdir(parents=True, exist_ok=True)
        found = sorted(Path(source).glob(pattern))
        if not found:
            raise BedError(f"module {module} has no {pattern}; correct 'files' of {part.name} in pins.toml")
        for path in found:
            shutil.copyfile(path, place / target / path.name)


def run_with_progress(argv: list[str], folder: Path, environment: dict[str, str], title: str) -> None:
    """Run the compiler; every few seconds say how many packages are done and how long it took."""
    began = time.monotonic()
    said = began
    packages = 0
    tail: list[str] = []
    print(f"{title}: compiling", file=sys.stderr, flush=True)
    with subprocess.Popen(argv, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            tail = [*tail[-19:], line.rstrip()]
            packages += not line.startswith(("go: ", "#"))
            if time.monotonic() - said >= EVERY_SECONDS:
                said = time.monotonic()
                print(f"{title}: {packages} packages, {said - began:.0f} s", file=sys.stderr, flush=True)
    if process.returncode:
        raise BedError(f"{title} failed: {reason(tail)}")
    print(f"{title}: done in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def reason(tail: list[str]) -> str:
    """The line of the compiler's last words that says what went wrong."""
    if any("no space left" in line for line in tail):
        return "disk full; free some room (the compiler's cache is `go env GOCACHE`) and run again"
    telling = [line for line in tail if line and not line.startswith("#")]
    return telling[-1] if telling else "the compiler gave no reason"
