"""The configuration of the hub in the real cluster, mounted into its pod.

What changes from one installation to the next stands in ``/etc/jupyterhub/bed.json`` and, for tests, in
further lines of configuration that are run last.
"""

import json
import os
from pathlib import Path

from jupyterhub_libretexts import configure

c = get_config()  # noqa: F821
here = Path("/etc/jupyterhub")
bed = json.loads((here / "bed.json").read_text())

c.JupyterHub.hub_bind_url = "http://0.0.0.0:8081"
# The whole name: servers live in other namespaces.
c.JupyterHub.hub_connect_url = f"http://hub.{bed['namespace']}.svc.cluster.local:8081"
c.JupyterHub.bind_url = "http://0.0.0.0:8000"
c.JupyterHub.db_url = "sqlite:////srv/hub/hub.sqlite"
c.JupyterHub.cookie_secret_file = "/srv/hub/cookie_secret"
c.JupyterHub.allow_named_servers = True
# As zero-to-jupyterhub sets them: servers outlive the hub.
c.JupyterHub.cleanup_servers = False
c.JupyterHub.cleanup_proxy = False
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = f"http://proxy-api.{bed['namespace']}.svc.cluster.local:8001"

c.JupyterHub.services = [{"name": "tester", "api_token": os.environ["TESTER_TOKEN"]}]
c.JupyterHub.load_roles = [
    {
        "name": "tester",
        "services": ["tester"],
        "scopes": ["admin:users", "admin:servers", "admin:groups", "access:servers", "admin:server_state"],
    }
]

accounts = json.loads((Path("/etc/accounts") / "accounts.json").read_text())
if accounts:
    c.JupyterHub.authenticator_class = "jupyterhub_libretexts.demo.authentication.DemoAuthenticator"
    c.DemoAuthenticator.accounts_file = "/etc/accounts/accounts.json"
    c.DemoAuthenticator.manage_groups = True
    c.DemoAuthenticator.allowed_users = set(accounts)
    c.DemoAuthenticator.enable_auth_state = True

# Every node of the bed has its images; there is no registry to ask.
c.KubeSpawner.image_pull_policy = "Never"
if bed["files"]:
    configure(c, bed["files"], allow_demo_accounts=True)
    c.LibreTextsSpawner.image_facts = bed["image_facts"]

exec((here / "more.py").read_text())
