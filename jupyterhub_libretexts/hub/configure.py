"""The one line of a hub configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import Place, Problem, SettingsError
from jupyterhub_libretexts.hub.background import begin
from jupyterhub_libretexts.hub.database import tune
from jupyterhub_libretexts.hub.notices import notices
from jupyterhub_libretexts.hub.pages import settings_problems, template_path
from jupyterhub_libretexts.hub.store import DATABASES, store_url
from jupyterhub_libretexts.settings.load import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["configure"]


def configure(
    c: Any, settings: str | Path | Sequence[str | Path], *, allow_demo_accounts: bool = False
) -> Settings:
    """Configure a hub to work by settings.

    What the hub's configuration already says about storage of its database, proxy or sign-in stays.

    Args:
        c: The configuration object of ``jupyterhub_config.py``.
        settings: The file, or files of which each overlays those before it.
        allow_demo_accounts: Accept the demonstration's sign-in, for trying out only.

    Returns:
        The settings, for a configuration that wants to look at them.

    Raises:
        SettingsError: The files have mistakes, or ask for what this hub cannot do; each is located.
    """
    files = [str(item) for item in ([settings] if isinstance(settings, (str, Path)) else settings)]
    loaded = load(files)
    _refuse_what_cannot_start(c, loaded, files[-1], allow_demo_accounts=allow_demo_accounts)
    c.JupyterHub.spawner_class = "libretexts"
    c.LibreTextsSpawner.settings_file = files
    c.LibreTextsSpawner.allow_demo_accounts = allow_demo_accounts
    # Our own line of starts bounds them, and refuses nobody.
    c.JupyterHub.concurrent_spawn_limit = 0
    # The page of a start shows what happens from the first moment, instead of waiting up to ten seconds.
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0, **c.JupyterHub.get("tornado_settings", {})}
    c.JupyterHub.template_paths = [
        *c.JupyterHub.get("template_paths", []),
        template_path(),
    ]
    c.JupyterHub.template_vars = {
        "notices": notices,
        "settings_problems": settings_problems,
        **c.JupyterHub.get("template_vars", {}),
    }
    tune(_database(c))
    c.LibreTextsSpawner.store_url = _store_url(c)
    begin()
    return loaded


def _database(c: Any) -> str:
    return str(c.JupyterHub.get("db_url", "sqlite:///jupyterhub.sqlite"))


def _store_url(c: Any) -> str:
    """Where this package keeps its own, as configured or beside the hub's database."""
    return str(c.LibreTextsSpawner.get("store_url", store_url(_database(c))))


def _refuse_what_cannot_start(c: Any, settings: Settings, file: str, *, allow_demo_accounts: bool) -> None:
    problems = []

    def refuse(key: str, message: str, allowed: str) -> None:
        problems.append(Problem(Place(file, 1, 1), key, message, allowed))

    if settings.homes.kind == "zfs":
        refuse("homes.kind", "'zfs' is not in this version", "claim or folder")
    sign_in = settings.authentication
    if sign_in is not None and sign_in.provider == "demo" and not allow_demo_accounts:
        refuse(
            "authentication.provider",
            "'demo' is for trying out, and anybody who knows a name could be given its password",
            "another provider, or configure(c, settings, allow_demo_accounts=True) if this is a trial",
        )
    for section in ("KubeSpawner", "LibreTextsSpawner"):
        if section in c and c[section].get("profile_list"):
            refuse(
                f"c.{section}.profile_list",
                "profiles are set in the hub's configuration, and environments in the settings",
                "one of the two; `jupyterhub-libretexts import` turns profiles into settings",
            )
    # Only the kind of the address is told: the rest may hold a password.
    kind = _store_url(c).partition(":")[0]
    if kind.partition("+")[0] not in DATABASES:
        refuse(
            "c.JupyterHub.db_url",
            f"the waiting line and the usage are not kept in a database of the kind {kind!r}",
            "sqlite or postgresql; or c.LibreTextsSpawner.store_url names a file: sqlite:////srv/hub/libretexts.sqlite",
        )
    if problems:
        raise SettingsError(tuple(problems))
