"""``usage``: who held how much, from the intervals that the hub stored."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jupyterhub_libretexts.cli.output import say, shown, tell
from jupyterhub_libretexts.cli.parsers import FILES, Commands, Parser, command
from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyterhub_libretexts.hub.bill import Line
    from jupyterhub_libretexts.hub.store import Store

__all__ = ["NAME", "register", "run"]

NAME = "usage"
_BY = ("organization", "course", "environment", "gpu", "person")
_FILE = "jupyterhub-libretexts.sqlite"


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="print GPU-hours, CPU-hours and memory-hours",
        details="What servers held, whether they used it or not, from the hub's own database:\n"
        "run it where the hub runs. Days begin at midnight UTC.",
        examples=(
            "usage --from 2026-11-01 --to 2026-12-01 --by organization",
            "usage --by person --format csv",
            "usage --erase ada@example.edu",
        ),
    )
    made.add_argument(
        "--database",
        metavar=FILES,
        default=_FILE,
        help=f"the file that the hub keeps beside its own database, or an address (default: {_FILE})",
    )
    made.add_argument("--from", dest="begin", type=_moment, metavar="DAY", help="default: this month's first")
    made.add_argument("--to", dest="end", type=_moment, metavar="DAY", help="not included; default: now")
    made.add_argument("--by", choices=_BY, default="organization", help="default: organization")
    made.add_argument("--format", choices=("text", "csv", "json"), default="text", help="default: text")
    made.add_argument(
        "--erase", metavar="NAME", help="forget this person for good; sums of organisations stay as they are"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the sums, or erase somebody."""
    from jupyterhub_libretexts.hub.bill import bill, erase

    store = _store(arguments.database)
    try:
        if arguments.erase is not None:
            found = erase(store, arguments.erase)
            say(f"{found} entries of {shown(arguments.erase)} erased.")
            return 0 if found else 1
        now = datetime.now(UTC)
        begin = arguments.begin or now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        end = arguments.end or now
        if end <= begin:
            raise UsageError(f"usage: --to {end:%Y-%m-%d} is not after --from {begin:%Y-%m-%d}")
        lines = bill(store, begin.timestamp(), end.timestamp(), arguments.by, now.timestamp())
    finally:
        store.close()
    for line in _written(lines, arguments.by, arguments.format):
        tell(line)
    return 0


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write for example 2026-11-01") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _store(database: str) -> Store:
    from pathlib import Path

    from sqlalchemy.exc import SQLAlchemyError

    from jupyterhub_libretexts.hub.database import sqlite_file
    from jupyterhub_libretexts.hub.store import Store

    url = database if "://" in database else f"sqlite:///{Path(database).absolute()}"
    file = sqlite_file(url)
    if file is not None and not file.is_file():
        raise UsageError(
            f"usage: there is no database {shown(str(file))}; run this where the hub runs, or name it with "
            "--database"
        )
    try:
        store = Store(url)
        store.open()
    except (SQLAlchemyError, ImportError) as problem:
        # Only the kind: an address may carry a password.
        raise UsageError(f"usage: the database cannot be opened ({type(problem).__name__})") from None
    return store


def _written(lines: Sequence[Line], by: str, form: str) -> Sequence[str]:
    import csv
    import io
    import json

    heads = (by, "gpuHours", "cpuHours", "memoryGiBHours", "servers")
    rows = [
        (
            line.name,
            round(line.gpu_hours, 4),
            round(line.cpu_hours, 4),
            round(line.memory_gib_hours, 4),
            line.servers,
        )
        for line in lines
    ]
    if form == "json":
        return json.dumps([dict(zip(heads, row, strict=True)) for row in rows], indent=2).split("\n")
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows((_plain(name), *rest) for name, *rest in rows)
        return text.getvalue().rstrip("\n").split("\n")
    width = max([len(by), *(len(shown(row[0]) or "(none)") for row in rows)])
    table = [f"{by:<{width}}  {'GPU h':>10}  {'CPU h':>10}  {'GiB h':>10}  {'servers':>8}"]
    table += [
        f"{shown(name) or '(none)':<{width}}  {gpu:>10.2f}  {cpu:>10.2f}  {memory:>10.2f}  {servers:>8}"
        for name, gpu, cpu, memory, servers in rows
    ]
    return table


def _plain(name: str) -> str:
    """A name that begins like a formula must not become one in a spreadsheet."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
