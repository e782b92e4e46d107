"""``check``: every mistake of the settings, each where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cli.known import add_lock, known_images
from jupyterhub_libretexts.cli.output import paint, shown, tell
from jupyterhub_libretexts.cli.parsers import Commands, Parser, add_files, command

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from jupyterhub_libretexts.cli.output import Paint
    from jupyterhub_libretexts.errors import Problem
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["NAME", "register", "run"]

NAME = "check"


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="find every mistake in the settings",
        details="Prints FILE:LINE:COLUMN: KEY: what is wrong; what is allowed; the nearest spelling.\n"
        "What images hold is read from images.lock.json beside the first file (`image inspect --lock`\n"
        "writes it): a kernel, an application or a package that an image lacks is a mistake; an image that\n"
        "is not in it is a warning. Needs no hub, no cluster, no registry and no secret.\n"
        "Exit status: 0 fine (warnings allowed), 1 problems.",
        examples=(
            "check libretexts.yaml",
            "check libretexts.yaml staging.yaml",
            "check libretexts.yaml --format json",
        ),
    )
    add_files(made)
    add_lock(made)
    made.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to print (default: text)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check, and print what was found."""
    from jupyterhub_libretexts.images.compare import problems
    from jupyterhub_libretexts.settings.load import review

    place, lock = known_images(arguments)
    reviewed = review(arguments.files, lambda root, settings: problems(root, settings, lock, place))
    if arguments.format == "json":
        import json

        tell(json.dumps([_data(problem) for problem in reviewed.problems], indent=2, ensure_ascii=False))
    else:
        colours = paint()
        for problem in reviewed.problems:
            tell(_line(problem, colours))
        tell(_summary(reviewed.problems, reviewed.settings, colours))
    return 1 if any(not problem.warning for problem in reviewed.problems) else 0


def _data(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "key": problem.key,
        "message": problem.message,
        "allowed": problem.allowed,
        "suggestion": problem.suggestion,
        "severity": "warning" if problem.warning else "error",
    }


def _line(problem: Problem, colours: Paint) -> str:
    line, place = shown(str(problem)), shown(str(problem.place))
    rest = line.removeprefix(place)
    return colours.bold(place) + (colours.careful(rest) if problem.warning else rest)


def _summary(problems: Sequence[Problem], settings: Settings | None, colours: Paint) -> str:
    wrong = sum(not problem.warning for problem in problems)
    warned = len(problems) - wrong
    told = [colours.bad(_counted(wrong, "problem")) if wrong else colours.good("no problems")]
    if warned:
        told.append(colours.careful(_counted(warned, "warning")))
    contents = ""
    if settings is not None:
        numbers = (
            _counted(len(settings.organizations), "organisation"),
            _counted(len(settings.environments), "environment"),
            _counted(len(settings.courses), "course"),
        )
        contents = f" in {', '.join(numbers)}"
    return ", ".join(told) + contents


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
