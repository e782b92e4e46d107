"""The page of commands, from the parser that reads them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jupyterhub_libretexts.cli.main import parser

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["commands", "page"]

INTRODUCTION = """\
# Commands

After `pip install jupyterhub-libretexts`. Exit status 0: fine; 1: problems were found, or something was
refused; 2: the command was called wrongly. Each command says the same with `--help`.

This page is generated from the parser; do not edit it.
"""
Option = tuple[str, str]


def page() -> str:
    """Every command with its arguments."""
    return "\n".join([INTRODUCTION, *(section(each) for each in commands())])


def commands() -> list[argparse.ArgumentParser]:
    """The parser of every command, subcommands after their command."""
    return list(below(parser()))


def below(top: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """All parsers beneath one, depth first."""
    for action in top._actions:  # noqa: SLF001 - argparse has no public way to look at a parser
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for each in dict.fromkeys(action.choices.values()):
                yield each
                yield from below(each)


def section(command: argparse.ArgumentParser) -> str:
    """One command: what it does, what it takes, examples as they are typed."""
    lines = [f"## `{command.prog}`", "", command.description or "", ""]
    if options := [described(action) for action in command._actions if wanted(action)]:  # noqa: SLF001
        lines += ["| argument | meaning |", "| --- | --- |"]
        lines += [f"| {written} | {meaning} |" for written, meaning in options]
        lines.append("")
    if command.epilog:
        title, _, examples = command.epilog.partition("\n")
        lines += [
            title.capitalize(),
            "",
            "```text",
            *(line.strip() for line in examples.splitlines()),
            "```",
            "",
        ]
    return "\n".join(lines)


def wanted(action: argparse.Action) -> bool:
    """Whether an argument belongs on the page: not --help, not a group of commands, not what is hidden."""
    hidden = action.help == argparse.SUPPRESS
    return not (hidden or isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)))  # noqa: SLF001


def described(action: argparse.Action) -> Option:
    """How an argument is written, and what it means."""
    value = action.metavar or (action.dest.upper() if not action.choices else None)
    if value is None:
        value = "·".join(str(choice) for choice in action.choices or ())
    word = " ".join(value) if isinstance(value, tuple) else value
    if not action.option_strings:
        several = "…" if action.nargs in {"+", "*"} else ""
        return f"`{word}{several}`", meaning(action)
    takes_none = action.nargs == 0
    names = ", ".join(f"`{name}`" if takes_none else f"`{name} {word}`" for name in action.option_strings)
    return names, meaning(action)


def meaning(action: argparse.Action) -> str:
    """The help of an argument in one cell of a table."""
    text = (action.help or "").replace("%%", "%").replace("%(default)s", str(action.default))
    return text.replace("|", "\\|")
