"""Which pages are generated, and by what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dev.reference import commands, errors, modules, settings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PAGES", "ROOT"]

ROOT = Path(__file__).resolve().parent.parent.parent


def architecture() -> str:
    """The architecture page, with its list of modules."""
    return modules.with_listing(ROOT, ROOT / "docs" / "architecture.md")


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/settings.md": settings.page,
    "docs/reference/commands.md": commands.page,
    "docs/reference/errors.md": errors.page,
    "docs/architecture.md": architecture,
}
