"""The commands in the documentation, read so that a test can run them.

A fenced ``console`` block is run: lines that begin with ``$`` are commands, other lines are output that must
appear. A block that cannot be run says why in a comment right below it: ``<!-- not run: REASON -->``.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Block", "blocks"]

FENCE = re.compile(
    r"^(?P<indent> *)```console\n(?P<body>.*?)^(?P=indent)```[ ]*$(?:\n\s*<!-- not run:(?P<reason>.*?)-->)?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page."""

    page: str
    line: int
    commands: tuple[str, ...]
    output: tuple[str, ...]
    """Lines that the commands must print, in any place."""
    reason: str | None
    """Why it is not run; None when it is."""


def blocks(root: Path, page: Path) -> list[Block]:
    """Every console block of a page."""
    text = page.read_text()
    return [
        block(str(page.relative_to(root)), text.count("\n", 0, found.start()) + 1, found)
        for found in FENCE.finditer(text)
    ]


def block(page: str, line: int, found: re.Match[str]) -> Block:
    """One block from its match."""
    lines = textwrap.dedent(found["body"]).splitlines()
    commands = tuple(each.removeprefix("$ ") for each in lines if each.startswith("$ "))
    output = tuple(each for each in lines if each.strip() and not each.startswith("$ "))
    reason = found["reason"]
    return Block(page, line, commands, output, None if reason is None else " ".join(reason.split()))
