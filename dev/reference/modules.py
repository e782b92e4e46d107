"""The part of the architecture page that lists every module, from the modules' own first sentences."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["first_sentence", "listing", "modules", "with_listing"]

PACKAGE = "jupyterhub_libretexts"
BEGIN, END = "<!-- modules: generated -->", "<!-- modules: end -->"


def modules(root: Path) -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def first_sentence(path: Path) -> str:
    """What a module says of itself."""
    documentation = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(documentation.partition("\n\n")[0].split())


def listing(root: Path) -> str:
    """A list of all modules, one room after the other."""
    rooms: dict[str, list[str]] = {}
    for name, path in modules(root).items():
        inside = path.relative_to(root / PACKAGE).parts
        sentence = first_sentence(path)
        line = f"- `{name}`: {sentence}" if sentence else f"- `{name}`"
        rooms.setdefault(inside[0] if len(inside) > 1 else "", []).append(line.replace("``", "`"))
    return "\n\n".join("\n".join(lines) for _, lines in sorted(rooms.items()))


def with_listing(root: Path, page: Path) -> str:
    """The page with its list of modules renewed; the rest is written by people."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{listing(root)}\n\n{END}{after}"
