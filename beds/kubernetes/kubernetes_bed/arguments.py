"""The command line of ``./dev/cluster``."""

from __future__ import annotations

import argparse

from .layout import SHAPES

DESCRIPTION = """A whole real Kubernetes inside network namespaces of this machine.

Everything runs as root; several clusters live side by side, told apart by --name.
docs/how-to/real-cluster.md says how to use it."""

PASSING = ("kubectl", "run")
"""Commands that hand on the rest of the line untouched."""
COMMANDS = ("build", "up", "down", "status", "env", "load", "push", "simulate")


def named() -> argparse.ArgumentParser:
    """The option that every command knows; a fresh one for each, as parsers share what they adopt."""
    one = argparse.ArgumentParser(add_help=False)
    one.add_argument("--name", default=argparse.SUPPRESS, help="which cluster (default: dev)")
    return one


def parser() -> argparse.ArgumentParser:
    """The parser; ``--name`` stands before or after the command."""
    whole = argparse.ArgumentParser(
        prog="./dev/cluster",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[named()],
    )
    whole.set_defaults(name="dev")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="build what is missing; 20 minutes from nothing")
    build.add_argument("--verify", action="store_true", help="then compare every file with its checksum")

    up = commands.add_parser("up", parents=[named()], help="bring a cluster up (builds first)")
    up.add_argument(
        "--nodes", type=int, default=2, metavar="N", help=f"how many nodes: {', '.join(map(str, SHAPES))}"
    )
    up.add_argument("--reuse", action="store_true", help="one that is up already is fine")

    commands.add_parser("down", parents=[named()], help="end a cluster and remove everything of it")
    commands.add_parser("status", parents=[named()], help="what runs, what is built")
    commands.add_parser("env", parents=[named()], help="print shell lines that set KUBECONFIG and PATH")

    load = commands.add_parser("load", parents=[named()], help="import an image archive on every node")
    load.add_argument("archive", metavar="IMAGE.tar")
    push = commands.add_parser(
        "push", parents=[named()], help="put an archive into a registry of the cluster"
    )
    push.add_argument("archive", metavar="IMAGE.tar")
    push.add_argument("image", metavar="HOST/NAME:TAG")

    simulate = commands.add_parser(
        "simulate",
        parents=[named()],
        help="add nodes whose pods only seem to run (kwok), for thousands of them",
    )
    simulate.add_argument("--nodes", type=int, default=20, metavar="N", help="how many (default: 20)")

    commands.add_parser("kubectl", parents=[named()], help="run kubectl; all that follows is its own")
    commands.add_parser("run", parents=[named()], help="run what follows in the first node's network")
    return whole


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """Part the words that are ours from those that belong to kubectl or to the command of ``run``.

    ``--name`` may stand before the command or right after it; whatever follows is passed on as it is.
    """
    for place, word in enumerate(words):
        if word in PASSING and words[:place][-1:] != ["--name"]:
            end = place + 1
            if words[end : end + 1] == ["--name"]:
                end += 2
            elif words[end : end + 1] and words[end].startswith("--name="):
                end += 1
            rest = words[end:]
            return words[:end], rest[1:] if rest[:1] == ["--"] else rest
        if word in COMMANDS:
            break
    return words, []
