"""``demo``: a whole hub on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.cli.parsers import FILES, Commands, Parser, command

if TYPE_CHECKING:
    import argparse

__all__ = ["NAME", "register", "run"]

NAME = "demo"


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="run a whole hub on this machine, to try it out",
        details="Starts JupyterHub, a proxy and an embedded cluster on 127.0.0.1 and prints the address and\n"
        "the accounts. Servers are processes of your own account: nothing keeps them apart.",
        examples=("demo", "demo --once", "demo libretexts.yaml --port 9000"),
    )
    made.add_argument("files", nargs="*", metavar=FILES, help="settings; the example of this package without")
    made.add_argument(
        "--once",
        action="store_true",
        help="sign in, start a server, execute a cell, stop, and end; exit status 0 only if all of it worked",
    )
    made.add_argument("--port", type=int, metavar="N", help="port of the hub (default: 8000, or a free one)")
    made.add_argument("--all", action="store_true", help="install Octave and R from Debian's packages first")


def run(arguments: argparse.Namespace) -> int:
    """Run it."""
    from jupyterhub_libretexts.errors import UsageError

    try:
        from jupyterhub_libretexts.demo.launcher import Options, main
    except ImportError as missing:
        raise UsageError(
            f"the demonstration needs more packages ({missing.name} is missing): "
            "pip install 'jupyterhub-libretexts[demo]'"
        ) from None
    files = tuple(Path(file) for file in arguments.files)
    return main(Options(files, arguments.once, arguments.port, arguments.all))
