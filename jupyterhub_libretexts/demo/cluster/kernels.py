"""Which Jupyter kernels this machine has."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel specification whose program exists."""

    name: str
    title: str
    language: str


def kernels_present(prefix: str = sys.prefix) -> dict[str, Kernel]:
    """The kernels that a server started from a Python installation would offer, by name.

    A specification whose program is missing is left out: it could not start.

    Args:
        prefix: The installation or virtual environment that runs the servers.
    """
    folders = [Path(prefix) / "share/jupyter", Path("/usr/local/share/jupyter"), Path("/usr/share/jupyter")]
    if extra := os.environ.get("JUPYTER_PATH"):
        folders = [*map(Path, extra.split(os.pathsep)), *folders]
    found: dict[str, Kernel] = {}
    for folder in folders:
        for file in sorted((folder / "kernels").glob("*/kernel.json")):
            kernel = _kernel(file, prefix)
            if kernel is not None:
                found.setdefault(kernel.name, kernel)
    return found


def _kernel(file: Path, prefix: str) -> Kernel | None:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        program = str(document["argv"][0])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None  # Not a kernel specification; Jupyter passes over it as well.
    path = os.pathsep.join([str(Path(prefix) / "bin"), os.environ.get("PATH", os.defpath)])
    if shutil.which(program, path=path) is None:
        return None
    return Kernel(file.parent.name, str(document.get("display_name", "")), str(document.get("language", "")))
