"""``import``: profiles of zero-to-jupyterhub as settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.cli.output import say, tell
from jupyterhub_libretexts.cli.parsers import FILES, Commands, Parser, command

if TYPE_CHECKING:
    import argparse

__all__ = ["NAME", "register", "run"]

NAME = "import"


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="turn singleuser.profileList of z2jh's values into settings",
        details="Prints the settings; what could not be carried over is said on standard error.",
        examples=("import values.yaml > libretexts.yaml",),
    )
    made.add_argument("file", metavar=FILES, type=Path, help="values.yaml, or a file with the list alone")


def run(arguments: argparse.Namespace) -> int:
    """Print the settings."""
    from jupyterhub_libretexts.errors import UsageError
    from jupyterhub_libretexts.settings.profiles import imported

    try:
        text = arguments.file.read_text(encoding="utf8")
    except (OSError, ValueError) as problem:
        raise UsageError(f"import: {arguments.file} cannot be read: {problem}") from None
    made = imported(text, str(arguments.file))
    tell(made.document.rstrip("\n"))
    for line in made.left_out:
        say(f"not carried over: {line}")
    return 0
