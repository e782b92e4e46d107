"""``image``: what an image holds, and how a course's own is built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cli.output import paint, say, shown, tell
from jupyterhub_libretexts.cli.parsers import PROGRAM, Commands, Parser, command
from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from jupyterhub_libretexts.cli.output import Paint
    from jupyterhub_libretexts.images.engines import Engine
    from jupyterhub_libretexts.images.lock import LockedImage

__all__ = ["NAME", "build", "inspect", "register"]

NAME = "image"
_ENGINES = ("podman", "docker", "buildah")


def register(commands: Commands[Parser]) -> None:
    """Add the command and its two parts."""
    top = commands.add_parser(
        NAME,
        help="look into images, and build a course's own",
        description="Look into images, and build a course's own.",
        epilog=f"examples:\n  {PROGRAM} image inspect images.example.edu/default-env:2026.11\n"
        f"  {PROGRAM} image build sts101 --tag images.example.edu/sts101:2026.11",
    )
    parts = top.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="part")
    _register_inspect(parts)
    _register_build(parts)


def _register_inspect(parts: Commands[Parser]) -> None:
    made = command(
        parts,
        "inspect",
        inspect,
        summary="show the kernels, applications and packages of images",
        details="An image on this machine is asked itself (by podman, docker or buildah); for any other one\n"
        "its registry is asked by skopeo, which says everything but the packages. With --lock the answer\n"
        "goes into that file, which `check`, `explain` and the hub judge by; commit it beside the settings.",
        examples=(
            "image inspect images.example.edu/default-env:2026.11",
            "image inspect images.example.edu/default-env:2026.11 --lock images.lock.json",
        ),
    )
    made.add_argument("references", nargs="+", metavar="IMAGE", help="as the settings write it")
    made.add_argument("--lock", metavar="LOCK", type=Path, help="write what was found into this file too")
    made.add_argument(
        "--engine", choices=_ENGINES, default="", help="which program looks (default: the first found)"
    )
    made.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to print (default: text)"
    )


def _register_build(parts: Commands[Parser]) -> None:
    made = command(
        parts,
        "build",
        build,
        summary="build a course's image, run its tests, write its manifest and bill of materials",
        details="DIR holds a Dockerfile on top of one of the default environment's images; begin from\n"
        "images/course-template. Afterwards DIR/build has image.json (what is in it) and sbom.cdx.json\n"
        "(CycloneDX). Exit status: 0 built and every test passed, 1 not.",
        examples=(
            "image build sts101 --tag images.example.edu/sts101:2026.11",
            "image build sts101 --tag sts101 --build-arg ENVIRONMENT=images.example.edu/default-env:2026.11",
        ),
    )
    made.add_argument("folder", metavar="DIR", type=Path, help="the folder with the Dockerfile")
    made.add_argument("--tag", required=True, metavar="IMAGE", help="the name that the image gets")
    made.add_argument(
        "--build-arg",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="for the Dockerfile; repeatable",
    )
    made.add_argument(
        "--engine", choices=_ENGINES, default="", help="which program builds (default: the first found)"
    )
    made.add_argument(
        "--lock", metavar="LOCK", type=Path, help="write what is in the image into this lock too"
    )


def inspect(arguments: argparse.Namespace) -> int:
    """Look, print, and write the lock where one was named."""
    from jupyterhub_libretexts.images.inspect import inspect_image
    from jupyterhub_libretexts.images.manifest import written_manifest

    engine = _engine(arguments.engine)
    found = [inspect_image(reference, engine) for reference in arguments.references]
    if arguments.format == "json":
        import json

        documents = [
            {
                "image": image.reference,
                "digest": image.digest,
                "size": image.size,
                "manifest": written_manifest(image.manifest),
            }
            for image in found
        ]
        tell(json.dumps(documents, indent=2, ensure_ascii=False))
    else:
        for image in found:
            for line in _lines(image, paint()):
                tell(line)
    _write_lock(arguments.lock, found)
    return 0


def build(arguments: argparse.Namespace) -> int:
    """Build, and say where the papers are."""
    from jupyterhub_libretexts.images.build import build_course_image
    from jupyterhub_libretexts.images.engines import find_engine
    from jupyterhub_libretexts.images.inspect import inspect_locally

    engine = find_engine(arguments.engine)
    built = build_course_image(engine, arguments.folder, arguments.tag, _pairs(arguments.build_arg))
    for line in built.tests.splitlines():
        tell(shown(line))
    tell(f"{built.tag}: kernels {', '.join(sorted(built.manifest.kernels))}")
    for paper in built.papers:
        tell(f"written: {paper}")
    if arguments.lock is not None:
        image = inspect_locally(arguments.tag, engine)
        _write_lock(arguments.lock, [image] if image is not None else [])
    return 0


def _engine(wanted: str) -> Engine | None:
    """The engine that was named, or the first that is here, if any."""
    from jupyterhub_libretexts.images.engines import find_engine

    try:
        return find_engine(wanted)
    except UsageError:
        if wanted:
            raise
        return None


def _pairs(written: list[str]) -> dict[str, str]:
    """Build arguments as they were typed."""
    pairs = {}
    for each in written:
        name, separator, value = each.partition("=")
        if not separator or not name:
            raise UsageError(
                f"image build: --build-arg {each}: write NAME=VALUE; see '{PROGRAM} image build --help'"
            )
        pairs[name] = value
    return pairs


def _write_lock(path: Path | None, found: list[LockedImage]) -> None:
    from jupyterhub_libretexts.images.lock import load_lock, with_image, written_lock

    if path is None or not found:
        return
    lock = load_lock(path)
    for image in found:
        lock = with_image(lock, image)
    path.write_text(written_lock(lock), encoding="utf-8")
    say(f"{path}: {len(lock.images)} images")


def _lines(image: LockedImage, colours: Paint) -> Iterator[str]:
    manifest = image.manifest
    yield colours.bold(shown(image.reference))
    system = f"{manifest.system}, {manifest.architecture}"
    yield f"  {manifest.target} on {system}, JupyterHub {manifest.jupyterhub}"
    if image.digest:
        yield f"  {image.digest}"
    yield f"  {image.size / 1e6:,.0f} MB"
    yield "  kernels"
    yield from _table(
        {name: f"{kernel.title} ({kernel.version})" for name, kernel in manifest.kernels.items()}
    )
    yield "  applications"
    yield from _table(
        {name: f"{each.title} {each.version} at {each.path}" for name, each in manifest.applications.items()}
    )
    if not manifest.packages:
        yield "  packages: not known; pull the image, then inspect it again"
        return
    yield "  packages (all of them with --format json)"
    yield from _table({name: str(len(packages)) for name, packages in sorted(manifest.packages.items())})


def _table(rows: Mapping[str, Any]) -> Iterator[str]:
    width = max((len(name) for name in rows), default=0)
    for name, value in rows.items():
        yield shown(f"    {name:<{width}}  {value}")
