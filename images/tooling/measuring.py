"""``sizes``: what each layer weighs when pulled, and the table in the documentation."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from images.tooling import machine

TABLE = machine.ROOT / "docs" / "reference" / "image-sizes.md"
LEVEL = "9"
"""The zstd level of the figures; registries' own tools use levels near it."""

PARTS = (
    ("apt-install base", "Base tools, git, interpreter"),
    ("apt-install octave", "Octave (Debian)"),
    ("apt-install r", "R, tidyverse, Shiny (Debian)"),
    ("apt-install documents", "LaTeX, pandoc, fonts (Debian)"),
    ("/opt/octave", "Octave's kernel"),
    ("/opt/python2", "Python 2.7"),
    ("/opt/python", "Python 3: scientific stack"),
    ("/opt/jupyter", "JupyterLab, Notebook, the server"),
    ("/opt/sage", "SageMath"),
    ("/opt/julia", "Julia"),
    ("rstudio/install", "RStudio"),
    ("ADD", "Debian"),
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image."""

    part: str
    stored: int
    """Bytes of its tar archive."""
    compressed: int
    """Bytes after zstd."""


def write_table() -> int:
    """Measure the targets that are built, and write the table."""
    podman = machine.engine()
    machine.require("zstd", "skopeo")
    known: dict[str, int] = {}
    sections = [
        section(target, layers(f"{machine.NAME}:{target}", known))
        for target in ("core", "sage", "default", "python2")
        if podman.describe(f"{machine.NAME}:{target}") is not None
    ]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(INTRODUCTION + "\n".join(sections), encoding="utf-8")
    machine.say(f"wrote {TABLE.relative_to(machine.ROOT)}")
    return 0


def layers(tag: str, known: dict[str, int]) -> list[Layer]:
    """Save an image, and weigh its layers in order.

    Args:
        tag: The image.
        known: Compressed bytes by layer, which two targets may share; added to.
    """
    podman = machine.engine()
    with tempfile.TemporaryDirectory(dir=podman.variables.get("TMPDIR")) as folder:
        archive = Path(folder) / "image.tar"
        podman.call(["save", "--format", "docker-archive", "--output", str(archive), tag])
        with tarfile.open(archive) as saved:
            manifest = json.load(saved.extractfile("manifest.json"))[0]  # type: ignore[arg-type]
            config = json.load(saved.extractfile(manifest["Config"]))  # type: ignore[arg-type]
            steps = [entry for entry in config["history"] if not entry.get("empty_layer")]
            return [
                weigh(saved, name, entry.get("created_by", ""), known)
                for name, entry in zip(manifest["Layers"], steps, strict=True)
            ]


def weigh(saved: tarfile.TarFile, name: str, step: str, known: dict[str, int]) -> Layer:
    """Compress one layer, unless another image had it too, and name what it is."""
    member = saved.getmember(name)
    while member.issym():
        member = saved.getmember(member.linkname)
    if member.name not in known:
        source = saved.extractfile(member)
        with tempfile.TemporaryFile() as out:
            command = ["zstd", f"-{LEVEL}", "-T0", "-c"]
            squeeze = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out)
            shutil.copyfileobj(source, squeeze.stdin)  # type: ignore[arg-type]
            squeeze.stdin.close()  # type: ignore[union-attr]
            if squeeze.wait() != 0:
                message = "zstd failed"
                raise OSError(message)
            known[member.name] = out.seek(0, 2)
    return Layer(part_of(step), member.size, known[member.name])


def part_of(step: str) -> str:
    """A layer's name, from the instruction that made it."""
    return next((title for mark, title in PARTS if mark in step), "Settings, kernels' descriptions, material")


def section(target: str, found: list[Layer]) -> str:
    """The table of one target; layers with one name are one line."""
    lines = [f"## `{target}`", "", "| Layer | stored | pulled | sum pulled |", "|---|---:|---:|---:|"]
    total = stored = 0
    for part in dict.fromkeys(layer.part for layer in found):
        own = [layer for layer in found if layer.part == part]
        weight, kept = sum(layer.compressed for layer in own), sum(layer.stored for layer in own)
        total, stored = total + weight, stored + kept
        lines.append(f"| {part} | {megabytes(kept)} | {megabytes(weight)} | {megabytes(total)} |")
    documents = sum(layer.compressed for layer in found if layer.part.startswith("LaTeX"))
    lines.append(f"| **All** | **{megabytes(stored)}** | **{megabytes(total)}** | |")
    lines += ["", f"Without LaTeX and fonts: {megabytes(total - documents)} pulled.", ""]
    return "\n".join(lines)


def megabytes(size: int) -> str:
    """A size in decimal megabytes, as registries count."""
    return f"{size / 1e6:,.0f} MB"


INTRODUCTION = f"""# Sizes of the default environment

Generated by `./dev/images sizes`: megabytes of 10⁶ bytes, for amd64, as built on a machine without Julia
and RStudio. *Stored* is the layer unpacked, *pulled* the layer compressed with zstd at level {LEVEL}. A node
pulls a layer once, whichever of the targets ask for it.

"""
