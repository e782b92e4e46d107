"""The command line of ``./dev/images``."""

from __future__ import annotations

import argparse
import subprocess
import sys

from images.tooling import building, checking, keeping, measuring, timing
from jupyterhub_libretexts.errors import LibreTextsError


def parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    top = argparse.ArgumentParser(prog="./dev/images", description="Build, test and keep up the images.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="build a target (core, unless another is named)")
    build.add_argument("target", nargs="?", default="core", choices=building.TARGETS)
    build.add_argument(
        "--registry", action="store_true", help="pinned base from its registry; Julia and RStudio too"
    )
    build.add_argument("--fresh", action="store_true", help="use no layer of an earlier build")
    build.add_argument("--record", action="store_true", help="keep what it took, for the table of times")
    build.add_argument("--with", dest="switches", action="append", default=[], choices=building.SWITCHES)
    build.set_defaults(run=run_build)

    test = commands.add_parser(
        "test", help="build core, sage and default, and run every live test against them"
    )
    test.add_argument("arguments", nargs="*", help="further arguments for pytest")
    test.set_defaults(run=lambda chosen: checking.test(chosen.arguments))

    lint = commands.add_parser("lint", help="hadolint and shellcheck")
    lint.set_defaults(run=lambda _chosen: checking.lint())

    update = commands.add_parser("update", help="move the locks to the newest versions and say what changed")
    update.set_defaults(run=lambda _chosen: keeping.update())

    outdated = commands.add_parser("outdated", help="say which locked packages have a newer version")
    outdated.set_defaults(run=lambda _chosen: keeping.outdated())

    sbom = commands.add_parser("sbom", help="print the bill of materials (CycloneDX) of a built target")
    sbom.add_argument("target", nargs="?", default="core", choices=building.TARGETS)
    sbom.set_defaults(run=lambda chosen: keeping.sbom(chosen.target))

    sizes = commands.add_parser(
        "sizes", help="measure the built targets and write docs/reference/image-sizes.md"
    )
    sizes.set_defaults(run=lambda _chosen: measuring.write_table())

    times = commands.add_parser(
        "times", help="measure starts and builds, and write docs/reference/image-times.md"
    )
    times.set_defaults(run=lambda _chosen: timing.write_table())

    pictures = commands.add_parser("pictures", help="take the pictures of docs/images in a real browser")
    pictures.set_defaults(run=lambda _chosen: checking.pictures())

    clean = commands.add_parser("clean", help="remove every image and layer that this command has made")
    clean.add_argument(
        "--old",
        action="store_true",
        help="only those that no built target uses; the next change builds longer",
    )
    clean.set_defaults(run=lambda chosen: keeping.clean(only_old=chosen.old))
    return top


def run_build(chosen: argparse.Namespace) -> int:
    """Build, and print the tag alone on standard output."""
    tag = building.build(
        chosen.target,
        registry=chosen.registry,
        fresh=chosen.fresh,
        record=chosen.record,
        switches=tuple(chosen.switches),
    )
    print(tag)
    return 0


def main() -> int:
    """Run a command; a mistake of the caller ends with 2 and one line."""
    chosen = parser().parse_args()
    try:
        return int(chosen.run(chosen))
    except LibreTextsError as error:
        print(f"./dev/images {chosen.command}: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        words = (error.stderr or "").strip()[-2000:]
        print(f"./dev/images {chosen.command}: {error.cmd[0]} failed. {words}", file=sys.stderr)
        return 1


sys.exit(main())
