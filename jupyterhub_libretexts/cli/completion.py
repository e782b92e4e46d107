"""``completion``: what a shell needs to complete this command, made from the parser itself."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING

from jupyterhub_libretexts.cli.output import tell
from jupyterhub_libretexts.cli.parsers import FILES, PROGRAM, Commands, Parser, command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["NAME", "register", "run"]

NAME = "completion"
_PATHS = (FILES, "DIR")


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="print completion for a shell",
        examples=(
            "completion bash > ~/.local/share/bash-completion/completions/jupyterhub-libretexts",
            "completion fish > ~/.config/fish/completions/jupyterhub-libretexts.fish",
            "completion zsh >> ~/.zshrc",
        ),
    )
    made.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    from jupyterhub_libretexts.cli.main import parser

    found = tuple(_words(parser()))
    if arguments.shell == "fish":
        lines = _fish(found)
    else:
        lines = _bash(found)
        if arguments.shell == "zsh":
            tell("autoload -U +X compinit bashcompinit && compinit && bashcompinit")
    for line in lines:
        tell(line)
    return 0


@dataclass(frozen=True, slots=True)
class _Option:
    names: tuple[str, ...]
    takes_value: bool
    choices: tuple[str, ...]
    path: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Word:
    """One command with what may follow it."""

    name: str
    text: str
    options: tuple[_Option, ...]
    choices: tuple[str, ...]
    path: bool


def _words(top: Parser) -> Iterator[_Word]:
    """The commands; argparse has no other way to be asked."""
    [commands] = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    texts = {choice.dest: choice.help or "" for choice in commands._choices_actions}  # noqa: SLF001
    for name, made in commands.choices.items():
        actions = [_option(action) for action in made._actions]  # noqa: SLF001
        places = [action for action in actions if not action.names]
        yield _Word(
            name=name,
            text=texts[name],
            options=tuple(action for action in actions if action.names),
            choices=tuple(choice for place in places for choice in place.choices),
            path=any(place.path for place in places),
        )


def _option(action: argparse.Action) -> _Option:
    return _Option(
        names=tuple(action.option_strings),
        takes_value=action.nargs != 0,
        choices=tuple(str(choice) for choice in action.choices or ()),
        path=action.metavar in _PATHS,
        text=action.help or "",
    )


def _bash(words: Sequence[_Word]) -> Iterator[str]:
    def reply(given: str) -> str:
        return f'COMPREPLY=($(compgen {given} -- "$word"))'

    yield "_jupyterhub_libretexts() {"
    yield '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}"'
    yield '  local asked="${COMP_WORDS[1]}"'
    yield "  COMPREPLY=()"
    yield '  if [ "$COMP_CWORD" -eq 1 ]; then'
    yield f"    {reply('-W ' + quote(' '.join(word.name for word in words)))}; return"
    yield "  fi"
    yield '  case "$asked $before" in'
    for word in words:
        for option in word.options:
            if option.takes_value:
                pattern = "|".join(f'"{word.name} {name}"' for name in option.names)
                values = "-f" if option.path else f"-W {quote(' '.join(option.choices))}"
                yield f"    {pattern}) {reply(values)}; return ;;"
    yield "  esac"
    yield '  case "$asked" in'
    for word in words:
        options = reply("-W " + quote(" ".join(name for option in word.options for name in option.names)))
        places = reply("-f" if word.path else "-W " + quote(" ".join(word.choices)))
        if word.path and word.choices:
            places = reply("-f -W " + quote(" ".join(word.choices)))
        yield f'    {word.name}) case "$word" in -*) {options} ;; *) {places} ;; esac ;;'
    yield "  esac"
    yield "}"
    yield f"complete -o filenames -F _jupyterhub_libretexts {PROGRAM}"


def _fish(words: Sequence[_Word]) -> Iterator[str]:
    yield f"complete -c {PROGRAM} -f"
    for word in words:
        asked = f"complete -c {PROGRAM} -n {quote('__fish_seen_subcommand_from ' + word.name)}"
        yield f"complete -c {PROGRAM} -n __fish_use_subcommand -a {word.name} -d {quote(word.text)}"
        if word.path:
            yield f"{asked} -F"
        if word.choices:
            yield f"{asked} -a {quote(' '.join(word.choices))}"
        for option in word.options:
            names = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
            )
            value = ""
            if option.path:
                value = " -r -F"
            elif option.takes_value:
                value = f" -x -a {quote(' '.join(option.choices))}" if option.choices else " -x"
            yield f"{asked} {names}{value} -d {quote(option.text)}"
