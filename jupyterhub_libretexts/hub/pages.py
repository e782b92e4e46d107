"""Where the pages' files are, in a wheel and in a checkout alike."""

from __future__ import annotations

from pathlib import Path

__all__ = ["share_path", "template_path"]


def share_path() -> Path:
    """The folder with templates, static files and examples."""
    package = Path(__file__).resolve().parents[1]
    # A wheel carries the folder inside the package; in a checkout it lies beside the package.
    inside = package / "share"
    return inside if inside.is_dir() else package.parent / "share"


def template_path() -> str:
    """The folder for ``JupyterHub.template_paths``."""
    return str(share_path() / "templates")
