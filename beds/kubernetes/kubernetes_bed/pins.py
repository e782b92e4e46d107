"""Reads ``pins.toml``: which versions, packages, parts and images the bed is made of."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOM = Path(__file__).resolve().parent.parent
"""``beds/kubernetes``: module files, manifests and boot scripts lie here."""


@dataclass(frozen=True, slots=True)
class Part:
    """One Go module folder and the programs that come out of it."""

    name: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    ldflags: str
    tags: str
    files: tuple[tuple[str, str, str], ...]
    """Files copied out of a module: its path, a glob inside it, the folder they go to."""

    @property
    def folder(self) -> Path:
        """Where ``go.mod`` lies."""
        return ROOM / "modules" / self.name


@dataclass(frozen=True, slots=True)
class Pins:
    """The whole file."""

    go: tuple[int, int]
    free_gigabytes: int
    debian: dict[str, str]
    parts: tuple[Part, ...]
    images: dict[str, str]
    lab: dict[str, list[str]]
    hub: dict[str, list[str]]

    def part(self, name: str) -> Part:
        """The part of this name."""
        return next(part for part in self.parts if part.name == name)


def load(path: Path = ROOM / "pins.toml") -> Pins:
    """Read the pins."""
    data = tomllib.loads(path.read_text())
    major, minor = data["go"].split(".")
    parts = tuple(
        Part(
            name=name,
            packages=tuple(table["packages"]),
            programs=tuple(table["programs"]),
            ldflags=table.get("ldflags", ""),
            tags=table.get("tags", ""),
            files=tuple((module, pattern, folder) for module, pattern, folder in table.get("files", [])),
        )
        for name, table in data["parts"].items()
    )
    return Pins(
        (int(major), int(minor)),
        data["free_gigabytes"],
        data["debian"],
        parts,
        data["images"],
        data["lab"],
        data["hub"],
    )
