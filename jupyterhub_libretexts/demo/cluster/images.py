"""Which images the local node can run, and with which programs of this machine."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOME = "/home/jovyan"
"""Where the images of Jupyter have their home folder."""


@dataclass(frozen=True, slots=True)
class Image:
    """How pods of an image run on this machine. Nothing is pulled and nothing is isolated."""

    pattern: str
    """The images meant, as a shell pattern: ``quay.io/jupyter/*``."""
    path: tuple[str, ...] = (str(Path(sys.prefix) / "bin"),)
    """Folders put before the system's own in PATH: a virtual environment's ``bin``."""
    command: tuple[str, ...] = ()
    """What runs when the pod names neither command nor arguments."""
    entrypoint: tuple[str, ...] = ()
    """What is put before the arguments when the pod names no command."""
    environment: Mapping[str, str] = field(default_factory=dict)
    home: str = HOME
    """The home folder inside the image, which is also the working folder."""
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Programs of the image that this machine lacks, and what runs instead."""
    size: int = 0
    """Bytes, as the event of a pull tells them."""
    pull_seconds: float = 0.0
    """How long the first use takes, to see the waiting of a real pull."""


def jupyter_image(pattern: str = "*", **changes: Any) -> Image:
    """An image of a single-user server run by the Python that runs this program."""
    # Jupyter refuses to run as root unless told; a container's user is not root, this machine's may be.
    as_root = ("--allow-root",) if os.geteuid() == 0 else ()
    single = ("jupyterhub-singleuser", *as_root)
    lab = ("jupyter-lab", *as_root)
    programs = {
        "jupyterhub-singleuser": single,
        "start-singleuser.sh": single,
        "start-singleuser.py": single,
        "jupyter-labhub": ("jupyter-labhub", *as_root),
        "start-notebook.sh": lab,
        "start-notebook.py": lab,
        "tini": (),
    }
    return Image(pattern, **{"command": ("jupyterhub-singleuser",), "programs": programs, **changes})


def image_for(name: str, images: Sequence[Image]) -> Image | None:
    """The first image of a table whose pattern matches; None when the node has none."""
    full = qualified(name)
    return next((each for each in images if any(fnmatchcase(it, each.pattern) for it in (name, full))), None)


def qualified(name: str) -> str:
    """An image's whole name, as container engines write it: registry, path and tag."""
    registry, slash, _ = name.partition("/")
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        name = f"docker.io/{name}" if slash else f"docker.io/library/{name}"
    last = name.rpartition("/")[2]
    return name if ":" in last or "@" in last else f"{name}:latest"


def tagged(name: str) -> str:
    """An image's name with a tag, as the kubelet writes it in events."""
    last = name.rpartition("/")[2]
    return name if ":" in last or "@" in last else f"{name}:latest"


def pull_error(name: str) -> str:
    """What the kubelet says about an image that does not exist."""
    full = qualified(name)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{full}": '
        f"failed to resolve image: {full}: not found"
    )


def argv(image: Image, command: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """The program and its arguments, by the rules for command and args of a container."""
    own = [*image.entrypoint, *(arguments or image.command)]
    words = [*command, *arguments] if command else own
    while words and Path(words[0]).name in image.programs:
        replaced = image.programs[Path(words[0]).name]
        rest = words[1:]
        if not replaced:  # A wrapper such as tini: drop it and its own options.
            words = rest[rest.index("--") + 1 :] if "--" in rest else [w for w in rest if w != "-g"]
            continue
        return [*replaced, *rest]
    return words
