"""``schema``: the JSON Schema of the settings, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.cli.output import tell
from jupyterhub_libretexts.cli.parsers import Commands, Parser, command

if TYPE_CHECKING:
    import argparse

__all__ = ["NAME", "register", "run"]

NAME = "schema"


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="print the JSON Schema of the settings",
        details="Editors with a YAML language server complete and check a file that begins with\n"
        "# yaml-language-server: $schema=libretexts.schema.json",
        examples=("schema -o libretexts.schema.json",),
    )
    made.add_argument("-o", "--output", metavar="FILE", type=Path, help="write it into this file")


def run(arguments: argparse.Namespace) -> int:
    """Print or write it."""
    from jupyterhub_libretexts.settings.schema import schema_text

    if arguments.output is None:
        tell(schema_text().rstrip("\n"))
    else:
        arguments.output.write_text(schema_text(), encoding="utf8")
    return 0
