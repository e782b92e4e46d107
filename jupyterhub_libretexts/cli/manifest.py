"""The pod that a hub would send, made by that hub's own configuration and spawner, and sent nowhere.

KubeSpawner cannot be made without a kubeconfig, and a hub not without a database: it gets an empty
kubeconfig that leads nowhere, and a database in memory. Nothing is asked of a cluster.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import Place, Problem, SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyterhub_libretexts.core.people import Person
    from jupyterhub_libretexts.core.plan import PodPlan
    from jupyterhub_libretexts.hub.spawner import LibreTextsSpawner

__all__ = ["manifest_of"]

_NOWHERE = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "nowhere",
    "contexts": [{"name": "nowhere", "context": {"cluster": "nowhere", "user": "nobody"}}],
    # Port 1 is never listened on; nothing is sent there either.
    "clusters": [{"name": "nowhere", "cluster": {"server": "http://127.0.0.1:1"}}],
    "users": [{"name": "nobody", "user": {}}],
}
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|_KEY$", re.IGNORECASE)
_HIDDEN = "(not shown)"


def manifest_of(
    files: Sequence[str],
    hub_config: str | None,
    who: Person,
    planned: Callable[[str], PodPlan],
) -> dict[str, Any]:
    """The manifest for somebody's default server.

    Args:
        files: The settings.
        hub_config: The hub's configuration; KubeSpawner's defaults without it.
        who: For whom.
        planned: The plan, for the name of the claim of their home.

    Raises:
        SettingsError: The hub's configuration cannot be executed.
        UsageError: It is not there, or its spawner is not ours.
        Refusal: A hook of the hub changes the pod against the settings.
    """
    with tempfile.TemporaryDirectory() as folder:
        nowhere = Path(folder, "kubeconfig")
        nowhere.write_text(json.dumps(_NOWHERE), encoding="utf8")
        # The client reads this when it is imported, which is below.
        os.environ["KUBECONFIG"] = str(nowhere)
        return _without_secrets(asyncio.run(_made(files, hub_config, who, planned)))


async def _made(
    files: Sequence[str], hub_config: str | None, who: Person, planned: Callable[[str], PodPlan]
) -> dict[str, Any]:
    spawner = _spawner(files, hub_config, who.username)
    # The seam through which every checked start passes.
    spawner._accept((planned(spawner.pvc_name), who))  # noqa: SLF001
    return await spawner.manifest()


def _spawner(files: Sequence[str], hub_config: str | None, username: str) -> LibreTextsSpawner:
    from jupyterhub import orm
    from jupyterhub.app import JupyterHub
    from jupyterhub.user import UserDict

    from jupyterhub_libretexts.hub.spawner import LibreTextsSpawner

    hub = JupyterHub(log_level=logging.ERROR, raise_config_file_errors=True)
    if hub_config is None:
        hub.spawner_class = LibreTextsSpawner
    else:
        _configure(hub, hub_config)
    if not issubclass(hub.spawner_class, LibreTextsSpawner):
        raise UsageError(
            f"explain: the spawner of {hub_config} is {hub.spawner_class.__name__}; "
            'set c.JupyterHub.spawner_class = "libretexts"'
        )
    # Each step of a new database is told, also by loggers that it sets up itself.
    logging.disable(logging.INFO)
    try:
        hub.db = orm.new_session_factory("sqlite://")()
    finally:
        logging.disable(logging.NOTSET)
    hub.init_hub()
    row = orm.User(name=username)
    hub.db.add(row)
    hub.db.commit()
    known = ("config", "db", "hub", "spawner_class", "base_url", "domain", "subdomain_host", "log")
    settings = {name: getattr(hub, name) for name in known}
    settings |= {"app": hub, "authenticator": None, "internal_ssl": False, "oauth_provider": None}
    spawner = UserDict(lambda: hub.db, settings).add(row).spawners[""]
    spawner.settings_file = list(files)
    spawner.hub = hub.hub
    spawner.api_token = _HIDDEN
    spawner.oauth_client_id = f"jupyterhub-user-{username}"
    made: LibreTextsSpawner = spawner
    return made


def _configure(hub: Any, file: str) -> None:
    """Execute a hub's configuration; a mistake in it is told by its line."""
    if not Path(file).is_file():
        raise UsageError(f"explain: --hub-config {file}: there is no such file")
    try:
        hub.load_config_file(str(Path(file).absolute()))
    except SettingsError:
        raise
    except Exception as problem:
        line, step = 1, problem.__traceback__
        while step is not None:
            if Path(step.tb_frame.f_code.co_filename).name == Path(file).name:
                line = step.tb_lineno
            step = step.tb_next
        said = f"the configuration cannot be executed: {type(problem).__name__}: {problem}"
        raise SettingsError((Problem(Place(file, line, 1), "", said),)) from problem


def _without_secrets(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the values of variables hidden that are secrets by their name."""
    spec = manifest["spec"]
    for container in (*spec.get("containers", ()), *(spec.get("initContainers") or ())):
        for variable in container.get("env") or ():
            if "value" in variable and _SECRET.search(variable["name"]):
                variable["value"] = _HIDDEN
    return manifest
