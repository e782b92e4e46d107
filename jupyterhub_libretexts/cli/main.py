"""``jupyterhub-libretexts``: finds the command, runs it, and turns what went wrong into one line.

A command is a module with ``NAME``, ``register(commands)`` and ``run(arguments) -> int`` that stands
in ``COMMANDS``. ``register`` makes its parser with ``cli.parsers.command``, which takes the help, the
examples and ``run``. All modules of commands are imported at each call, so at their top they import
nothing but cheap parts of the standard library and of ``cli``; the rest belongs into ``run``.

Exit status: 0 fine, 1 problems found or refused, 2 wrong use, 130 interrupted, 141 nobody reads on.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import jupyterhub_libretexts
from jupyterhub_libretexts.cli.output import say, shown
from jupyterhub_libretexts.cli.parsers import PROGRAM, Parser
from jupyterhub_libretexts.errors import LibreTextsError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["COMMANDS", "main", "parser"]

COMMANDS = (
    "jupyterhub_libretexts.cli.check",
    "jupyterhub_libretexts.cli.explain",
    "jupyterhub_libretexts.cli.render",
    "jupyterhub_libretexts.cli.verify",
    "jupyterhub_libretexts.cli.schema",
    "jupyterhub_libretexts.cli.profiles",
    "jupyterhub_libretexts.cli.image",
    "jupyterhub_libretexts.cli.demo",
    "jupyterhub_libretexts.cli.usage",
    "jupyterhub_libretexts.cli.completion",
)
"""Modules of the commands, in the order of the help."""

_INTERRUPTED = 130
_NOBODY_READS = 141
_DEFECTS = "https://github.com/LibreTexts/jupyterhub-libretexts/issues"


def parser() -> Parser:
    """The parser with every command."""
    top = Parser(
        prog=PROGRAM,
        description="Teaching hubs on JupyterHub and Kubernetes, from one file.",
        epilog=f"examples:\n  {PROGRAM} check libretexts.yaml\n  {PROGRAM} COMMAND --help",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {jupyterhub_libretexts.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="command")
    for module in COMMANDS:
        import_module(module).register(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: What was typed after the program's name; that of this process where not given.

    Returns:
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        # A name that this terminal's encoding cannot show is shown escaped, and ends nothing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    typed = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(typed)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at exit; there must be something left that takes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except OSError as problem:
        say(f"{PROGRAM}: cannot write: {problem.strerror or problem}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _run(typed: Sequence[str]) -> int:
    arguments: argparse.Namespace | None = None
    try:
        arguments, unknown = parser().parse_known_args(typed)
        if unknown:
            # Told by the command's own parser, which knows what it could have been.
            arguments.parser.error(f"unknown: {' '.join(unknown)}")
        status: int = arguments.run(arguments)
    except SystemExit as ended:  # --help and --version
        return ended.code if isinstance(ended.code, int) else 0
    except UsageError as problem:
        say(f"{PROGRAM}: {problem}")
        return 2
    except LibreTextsError as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError:
        raise
    except Exception as problem:
        if getattr(arguments, "debug", False):
            raise
        say(
            f"{PROGRAM}: this is a defect of the program, not of your file "
            f"({type(problem).__name__}: {shown(str(problem))}); "
            f"run it again with --debug to see where, and please tell {_DEFECTS}"
        )
        return 1
    return status
