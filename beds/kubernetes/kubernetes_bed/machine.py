"""What the machine must offer: root, Debian's packages, room."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import BedError

if TYPE_CHECKING:
    from .pins import Pins


def check_root() -> None:
    """Refuse to go on without the rights to make namespaces."""
    if os.geteuid():
        raise BedError("root is needed to make network namespaces, mounts and cgroups: run it with sudo")


def missing_packages(pins: Pins) -> list[str]:
    """Debian packages that are not installed."""
    return [name for name, file in pins.debian.items() if not Path(file).exists()]


def install_packages(pins: Pins) -> None:
    """Install what is missing, where this is Debian; else name it in one line."""
    missing = missing_packages(pins)
    if not missing:
        return
    said = f"missing: {' '.join(missing)}"
    if shutil.which("apt-get") is None:
        raise BedError(f"{said}; install these (Debian's names) and run again")
    print(f"{said}; installing", file=sys.stderr, flush=True)
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "update", "--quiet"], install):
        done = subprocess.run(argv, env=quiet, capture_output=True, text=True, check=False)
    if missing_packages(pins):
        errors = [line for line in done.stderr.splitlines() if line.startswith("E:")] or ["apt-get failed"]
        raise BedError(f"{said}; {errors[-1]}")


def check_room(place: Path, gigabytes: int) -> None:
    """Refuse to start a cluster on a full disk."""
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free / 2**30
    if free < gigabytes:
        raise BedError(f"{place} has {free:.1f} GB free; a cluster needs {gigabytes} GB: free some room")
