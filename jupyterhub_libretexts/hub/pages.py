"""What the hub's pages need: where their files are, in a wheel and in a checkout, and what they tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import SettingsError

if TYPE_CHECKING:
    from jupyterhub.user import User

    from jupyterhub_libretexts.errors import Problem

__all__ = ["settings_problems", "share_path", "template_path"]


def share_path() -> Path:
    """The folder with templates, static files and examples."""
    package = Path(__file__).resolve().parents[1]
    # A wheel carries the folder inside the package; in a checkout it lies beside the package.
    inside = package / "share"
    return inside if inside.is_dir() else package.parent / "share"


def template_path() -> str:
    """The folder for ``JupyterHub.template_paths``."""
    return str(share_path() / "templates")


def settings_problems(user: User | None) -> tuple[Problem, ...]:
    """Mistakes of the newest edit of the settings, which keep older settings in use.

    Args:
        user: Who reads the page (JupyterHub calls each function in ``template_vars`` with it); anybody
            but an administrator is told of none.
    """
    if user is None or not user.admin:
        return ()
    try:
        shared = getattr(user.spawner, "shared", None)
        if shared is None:
            return ()
        # Whoever asks for the catalogue has the files looked at.
        _ = shared.catalogue
    except SettingsError as error:
        return error.problems
    return tuple(problem for problem in shared.problems if not problem.warning)
