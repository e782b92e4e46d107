"""The image of a hub: everything that a hub of this project needs except this project's own code.

The code is one more layer, laid over it when a hub is installed (``kubernetes_hub/image.py``), so that a
change of it costs no build.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import archives, cache
from .errors import BedError
from .pins import ROOM

if TYPE_CHECKING:
    from .pins import Pins


def place(pins: Pins, lab: Path) -> Path:
    """Where its archive lies; ``lab`` is where the Lab image's does, whose Debian it shares."""
    recipe = repr((pins.hub, pins.images["hub"], lab.name)).encode()
    how = (ROOM / "images/hub.sh").read_bytes()
    return cache.folder() / f"hub-{cache.key_of([('recipe', recipe), ('how', how)])}"


def make(pins: Pins, lab: Path, target: Path) -> None:
    """Make the archive ``hub.tar`` in a folder."""
    began = time.monotonic()
    print("images: making hub (JupyterHub, KubeSpawner and a proxy; a minute)", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=target) as work:
        debian = first_layer(lab / "lab.tar", Path(work) / "debian.tar")
        log = cache.folder() / "hub.log"
        with log.open("w") as output:
            argv = ["sh", str(ROOM / "images/hub.sh"), work, *pins.hub["python"]]
            done = subprocess.run(argv, stdout=output, stderr=output, check=False)
        if done.returncode:
            said = [line for line in log.read_text().splitlines() if line.strip()] or ["nothing said"]
            raise BedError(f"the hub image was not made: {said[-1].strip()} (all of it: {log})")
        image = archives.Image(
            pins.images["hub"],
            ["tini", "-g", "--"],
            ["jupyterhub"],
            {"PATH": "/opt/hub/bin:/usr/local/bin:/usr/bin:/bin", "HOME": "/srv/hub", "LANG": "C.UTF-8"},
            "/srv",
            "1000",
        )
        archives.archive(target / "hub.tar", image, [debian, Path(work) / "hub.tar"])
    print(f"images: hub done in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def first_layer(archive: Path, target: Path) -> Path:
    """Take the lowest layer out of a docker archive."""
    with tarfile.open(archive) as whole:
        index = json.load(member(whole, "manifest.json"))
        with target.open("wb") as layer:
            source = member(whole, index[0]["Layers"][0])
            while piece := source.read(2**20):
                layer.write(piece)
    return target


def member(archive: tarfile.TarFile, name: str) -> tarfile.ExFileObject:
    """One file of an archive, open."""
    found = archive.extractfile(name)
    if found is None:
        raise BedError(f"{archive.name} has no {name}")
    return found  # type: ignore[return-value]
