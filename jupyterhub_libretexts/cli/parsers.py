"""How every command reads what was typed: one kind of parser, options that all commands share."""

from __future__ import annotations

import argparse
import difflib
from typing import TYPE_CHECKING, Any, NoReturn

from jupyterhub_libretexts.cli.output import shown
from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["FILES", "PROGRAM", "Commands", "Parser", "add_files", "command"]

PROGRAM = "jupyterhub-libretexts"

FILES = "FILE"
"""What stands in the help for a path; completion offers files there."""


class Parser(argparse.ArgumentParser):
    """A parser that keeps examples as they were written and tells a mistake in one line."""

    def __init__(self, **keywords: Any) -> None:
        keywords.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        keywords.setdefault("allow_abbrev", False)
        super().__init__(**keywords)

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the whole usage: the mistake, the nearest spelling, where to look."""
        asked = self.prog.partition(" ")[2]
        where = f"{asked}: " if asked else ""
        raise UsageError(f"{where}{shown(message)}{self._near(message)}; see '{self.prog} --help'")

    def _near(self, message: str) -> str:
        known = [option for action in self._actions for option in action.option_strings]
        known += [str(choice) for action in self._actions for choice in action.choices or ()]
        for word in message.replace("'", " ").replace(":", " ").replace("=", " ").split():
            if word in known:
                continue
            if near := difflib.get_close_matches(word, known, n=1, cutoff=0.75):
                return f"; did you mean {near[0]}?"
        return ""


# argparse names this class with an underscore, and has no other name for it.
Commands = argparse._SubParsersAction  # noqa: SLF001


def command(
    commands: Commands[Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    summary: str,
    details: str = "",
    examples: Sequence[str] = (),
) -> Parser:
    """A command's parser, to which its own arguments are added.

    Args:
        commands: What ``register`` was given.
        name: The word that is typed.
        run: What it does; returns the exit status.
        summary: One line, without a full stop.
        details: More about it.
        examples: Commands as they would be typed, without the program's name.
    """
    written = "\n".join(f"  {PROGRAM} {example}" for example in examples)
    made = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}." + (f"\n\n{details}" if details else ""),
        epilog=f"examples:\n{written}" if examples else None,
    )
    made.add_argument("--debug", action="store_true", help="show where the program failed, if it does")
    made.set_defaults(run=run, parser=made)
    return made


def add_files(made: Parser) -> None:
    """The settings, as every command takes them."""
    made.add_argument(
        "files", nargs="+", metavar=FILES, help="settings; each further file overlays those before"
    )
