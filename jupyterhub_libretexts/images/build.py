"""Build a course's image: the image, its manifest, its own tests, its bill of materials, its label."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import UsageError
from jupyterhub_libretexts.images.engines import EngineFailed, Recipe
from jupyterhub_libretexts.images.manifest import LABEL, PATH, parse_manifest, written_manifest
from jupyterhub_libretexts.images.sbom import bill_of_materials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyterhub_libretexts.images.engines import Engine
    from jupyterhub_libretexts.images.manifest import ImageManifest

__all__ = ["BuiltImage", "build_course_image", "with_label"]

CHECK = "/usr/local/lib/libretexts/check-image"
WRITE_MANIFEST = "/usr/local/lib/libretexts/write-manifest"


class BuiltImage:
    """What came of a build, and where its papers lie."""

    def __init__(self, tag: str, manifest: ImageManifest, tests: str, papers: tuple[Path, ...]) -> None:
        self.tag = tag
        self.manifest = manifest
        self.tests = tests
        self.papers = papers


def build_course_image(engine: Engine, folder: Path, tag: str, arguments: Mapping[str, str]) -> BuiltImage:
    """Build the Dockerfile of a folder on top of one of our images.

    Args:
        engine: What builds and runs it.
        folder: With a Dockerfile; ``image.json`` and ``sbom.cdx.json`` are written into its ``build``.
        tag: The name that the image gets.
        arguments: Build arguments.

    Raises:
        UsageError: The folder has no Dockerfile.
        EngineFailed: The build, or one of the image's tests, failed.
        ManifestError: The image is not built on one of ours.
    """
    if not (folder / "Dockerfile").is_file():
        raise UsageError(f"{folder} has no Dockerfile; copy images/course-template and begin from there")
    engine.build(Recipe(folder, tag, arguments=MappingProxyType(dict(arguments))))
    refresh_manifest(engine, tag)
    tests = tested(engine, tag)
    manifest = with_label(engine, tag, {})
    out = folder / "build"
    out.mkdir(exist_ok=True)
    papers = (out / "image.json", out / "sbom.cdx.json")
    papers[0].write_text(json.dumps(written_manifest(manifest), indent=1) + "\n", encoding="utf-8")
    papers[1].write_text(json.dumps(bill_of_materials(manifest, tag), indent=1) + "\n", encoding="utf-8")
    return BuiltImage(tag, manifest, tests, papers)


def tested(engine: Engine, tag: str) -> str:
    """What the image's own tests printed.

    Raises:
        EngineFailed: One of them failed.
    """
    try:
        return engine.run(tag, (CHECK,))
    except EngineFailed as failed:
        if not failed.printed:
            raise
        told = failed.printed.strip()
        raise EngineFailed(
            f"{told}\n{tag} failed its tests; it keeps its name so that you can look into it"
        ) from failed


def refresh_manifest(engine: Engine, tag: str) -> None:
    """Let the image describe itself again, with what the course has added."""
    text = f"FROM {tag}\nUSER 0:0\nRUN {WRITE_MANIFEST} course\nUSER 1000:100\n"
    build_text(engine, tag, text, {})


def with_label(engine: Engine, tag: str, labels: Mapping[str, str]) -> ImageManifest:
    """Put the manifest (without its packages) and further labels onto a local image, under the same name."""
    manifest = parse_manifest(engine.run(tag, ("cat", PATH)), f"{PATH} of {tag}")
    short = written_manifest(replace(manifest, packages=MappingProxyType({})), packages=False)
    text = json.dumps(short, separators=(",", ":"))
    build_text(engine, tag, f"FROM {tag}\n", {**labels, LABEL: text})
    return manifest


def build_text(engine: Engine, tag: str, text: str, labels: Mapping[str, str]) -> None:
    """Build a Dockerfile that is only a text, in an empty context."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Dockerfile").write_text(text, encoding="utf-8")
        recipe = Recipe(Path(folder), tag, labels=MappingProxyType(dict(labels)), options=("--quiet",))
        engine.build(recipe)
