"""The hub of the demonstration: what a real site writes in its configuration, with everything on loopback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyterhub_libretexts.hub.configure import configure

__all__ = ["configure_demo"]


def configure_demo(c: Any, folder: str) -> None:
    """Configure the hub of one run.

    Args:
        c: The configuration object of ``jupyterhub_config.py``.
        folder: The private folder of the run, which holds ``run.json`` and ``accounts.json``.
    """
    at = Path(folder)
    run = json.loads((at / "run.json").read_text(encoding="utf8"))
    c.JupyterHub.bind_url = f"http://127.0.0.1:{run['port']}"
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{run['hub_port']}"
    c.JupyterHub.db_url = f"sqlite:///{at / 'hub.sqlite'}"
    c.JupyterHub.cookie_secret_file = str(at / "cookie_secret")
    c.JupyterHub.log_level = "INFO"
    configure(c, run["files"], allow_demo_accounts=True)
    c.LibreTextsSpawner.image_facts = run["image_facts"]
    c.LibreTextsSpawner.delete_grace_period = 3
    # A demonstration talks to nobody but this machine, and asks nobody whether it may.
    c.LibreTextsSpawner.args = [
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    _proxy(c, at, run["proxy_port"], run["proxy_password"])
    _sign_in(c, at)


def _proxy(c: Any, at: Path, port: int, password: str) -> None:
    c.JupyterHub.proxy_class = "traefik_file"
    traefik = c.TraefikFileProviderProxy
    traefik.static_config_file = str(at / "traefik.toml")
    traefik.dynamic_config_file = str(at / "routes.toml")
    traefik.traefik_api_url = f"http://127.0.0.1:{port}"
    traefik.traefik_api_username = "hub"
    traefik.traefik_api_password = password
    traefik.extra_static_config = {"global": {"checkNewVersion": False, "sendAnonymousUsage": False}}


def _sign_in(c: Any, at: Path) -> None:
    accounts = json.loads((at / "accounts.json").read_text(encoding="utf8"))
    c.JupyterHub.authenticator_class = "jupyterhub_libretexts.demo.authentication.DemoAuthenticator"
    authenticator = c.DemoAuthenticator
    authenticator.accounts_file = str(at / "accounts.json")
    authenticator.manage_groups = True
    authenticator.allowed_users = set(accounts)
    # The verified address is kept with the sign-in; instructors and administrators are named by it.
    authenticator.enable_auth_state = True
