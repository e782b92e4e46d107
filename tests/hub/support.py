"""A real JupyterHub in its own process, without a proxy, for tests that speak to it over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from jupyterhub_libretexts.hub.store import store_url
from tests import databases
from tests.forked import ForkedProgram

if TYPE_CHECKING:
    from pathlib import Path

    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster

CONFIGURATION = '''
from jupyterhub.proxy import Proxy


class Routes(Proxy):
    """Keeps routes and carries nothing: these tests speak to hub and servers directly."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.table = {{}}

    async def add_route(self, routespec, target, data):
        self.table[routespec] = {{"routespec": routespec, "target": target, "data": data}}

    async def delete_route(self, routespec):
        self.table.pop(routespec, None)

    async def get_all_routes(self):
        return dict(self.table)


c = get_config()  # noqa: F821
c.JupyterHub.proxy_class = Routes
c.Proxy.should_start = False
c.JupyterHub.bind_url = "http://127.0.0.1:{public_port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.db_url = "{database}"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.pid_file = "{folder}/pid"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"root"}}
c.JupyterHub.allow_named_servers = True
c.JupyterHub.services = [{{"name": "tester", "api_token": "{token}"}}]
c.JupyterHub.load_roles = [
    {{
        "name": "tester",
        "scopes": [
            "admin:users", "admin:servers", "admin:groups", "access:servers", "tokens", "admin:server_state",
            "users:activity", "read:metrics",
        ],
        "services": ["tester"],
    }}
]
c.JupyterHub.cleanup_servers = False
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 30}}
c.Spawner.start_timeout = 60
c.Spawner.http_timeout = 30
c.KubeSpawner.delete_grace_period = 0
c.KubeSpawner.k8s_api_request_retry_timeout = 8
{more}
'''


STARTS_OVER = "jupyterhub_server_spawn_duration_seconds_count"
"""The metric that counts starts that are over, however they ended."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Hub:
    """A hub that runs until its block ends."""

    folder: Path
    kubeconfig: str
    more: str = ""
    """Further lines of its configuration."""
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    port: int = field(default_factory=free_port)
    fresh: bool = False
    """Whether its process begins with nothing read, as a measurement needs it."""
    process: asyncio.subprocess.Process | ForkedProgram | None = None
    session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub"

    @property
    def store_address(self) -> str:
        """Where this package keeps its own of this hub."""
        return store_url(databases.address(self.folder))

    @property
    def log(self) -> str:
        return (self.folder / "hub.log").read_text("utf8", "replace")

    @property
    def report(self) -> str:
        """For a test that fails: what the hub warned of, and the end of what it said."""
        log = self.log
        warned = "\n".join(line for line in log.splitlines() if not line.startswith(("[I ", "[D ")))
        return f"{warned[-6000:]}\nThe end of the log:\n{log[-2000:]}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        configuration = self.folder / "jupyterhub_config.py"
        configuration.write_text(
            CONFIGURATION.format(
                folder=self.folder,
                database=databases.address(self.folder),
                port=self.port,
                public_port=free_port(),
                token=self.token,
                more=self.more,
            )
        )
        self.process = await self._begun(["-f", str(configuration)])
        self.session = aiohttp.ClientSession(headers={"Authorization": f"token {self.token}"})
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with self.session.get(f"{self.url}/health") as answer:
                    if answer.status == 200:
                        return
            if self.process.returncode is not None or time.monotonic() > end:
                await self.stop(hard=True)
                raise AssertionError(f"the hub did not start:\n{self.report}")
            await asyncio.sleep(0.1)

    async def _begun(self, arguments: list[str]) -> asyncio.subprocess.Process | ForkedProgram:
        variables = {**os.environ, "KUBECONFIG": self.kubeconfig, "PYTHONWARNINGS": "default"}
        log = self.folder / "hub.log"
        if not self.fresh:
            return ForkedProgram(
                "jupyterhub.app", arguments, folder=self.folder, variables=variables, out=log, error=log
            )
        with log.open("ab") as opened:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "jupyterhub", *arguments),
                cwd=self.folder,
                env=variables,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=opened,
                stderr=opened,
                start_new_session=True,
            )

    async def stop(self, hard: bool = False) -> None:
        if self.session is not None:
            await self.session.close()
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
            await asyncio.wait_for(self.process.wait(), 30)

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send one request to the hub's REST API as its tester service."""
        assert self.session is not None
        async with self.session.request(method, f"{self.url}/api{path}", json=body) as answer:
            text = await answer.text()
            try:
                return answer.status, await answer.json(content_type=None)
            except ValueError:
                return answer.status, text

    async def person(self, name: str, *groups: str) -> None:
        """Make a user who is in groups."""
        await self.api("POST", f"/users/{name}")
        for group in groups:
            await self.api("POST", f"/groups/{group.replace('/', '%2F')}")
            status, said = await self.api(
                "POST", f"/groups/{group.replace('/', '%2F')}/users", {"users": [name]}
            )
            assert status == 200, said

    async def start_by_api(
        self, name: str, options: Any = None, server: str | None = None
    ) -> tuple[int, Any]:
        path = f"/users/{name}/server" if server is None else f"/users/{name}/servers/{server}"
        body = options
        if options is not None and await self.version() >= (6,):
            body = {"user_options": options}
        return await self.api("POST", path, body)

    async def version(self) -> tuple[int, ...]:
        _, said = await self.api("GET", "/")
        return tuple(int(part) for part in said["version"].split(".")[:2])

    async def stop_by_api(self, name: str) -> None:
        await self.api("DELETE", f"/users/{name}/server")
        await self.until_stopped(name)

    async def until_stopped(self, name: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while (await self.api("GET", f"/users/{name}"))[1].get("servers"):
            assert time.monotonic() < end, f"{name}'s server did not stop:\n{self.report}"
            await asyncio.sleep(0.1)

    async def metrics(self) -> dict[str, float]:
        """What the hub tells Prometheus, summed over all labels."""
        assert self.session is not None
        async with self.session.get(f"{self.url}/metrics") as answer:
            text = await answer.text()
            assert answer.status == 200, text
        found: dict[str, float] = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name.partition("{")[0]] = found.get(name.partition("{")[0], 0.0) + float(value)
        return found

    async def until_counted(self, metric: str, wanted: float, seconds: float, every: float = 0.25) -> None:
        """Wait until the hub has counted so many, but no longer than that; look again every so many seconds."""
        end = time.monotonic() + seconds
        while (await self.metrics()).get(metric, 0.0) < wanted and time.monotonic() < end:
            await asyncio.sleep(every)

    async def server(self, name: str, server: str = "") -> Any:
        _, said = await self.api("GET", f"/users/{name}?include_stopped_servers=1")
        return said.get("servers", {}).get(server)

    async def progress(self, name: str) -> list[dict[str, Any]]:
        """Every step that the page of a start shows, until the start is over."""
        assert self.session is not None
        async with self.session.get(f"{self.url}/api/users/{name}/server/progress") as answer:
            assert answer.status == 200, await answer.text()
            return [
                json.loads(line.removeprefix(b"data:"))
                async for line in answer.content
                if line.startswith(b"data:")
            ]

    async def until_ready(self, name: str, server: str = "", seconds: float = 40) -> Any:
        end = time.monotonic() + seconds
        while True:
            found = await self.server(name, server)
            if found and found["ready"]:
                return found
            assert time.monotonic() < end, f"{name} never got ready: {found}\n{self.report}"
            assert found is None or found["pending"], f"{name}'s start failed:\n{self.report}"
            await asyncio.sleep(0.1)


async def deleted(cluster: EmbeddedCluster, namespace: str, what: str) -> None:
    """Delete an object at once, as an operator does by hand."""
    headers = {"Authorization": f"Bearer {cluster.token}"}
    address = f"{cluster.url}/api/v1/namespaces/{namespace}/{what}?gracePeriodSeconds=0"
    async with aiohttp.ClientSession(headers=headers) as http, http.delete(address) as answer:
        assert answer.status == 200, await answer.text()


@dataclass
class Browser:
    """A person at the hub's pages: cookies, hidden fields, no scripts."""

    hub: Hub
    session: aiohttp.ClientSession

    @classmethod
    @contextlib.asynccontextmanager
    async def signed_in(cls, hub: Hub, name: str) -> Any:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            browser = cls(hub, session)
            async with session.get(f"{hub.url}/login") as page:
                await page.text()
            async with session.post(
                f"{hub.url}/login?_xsrf={browser.xsrf}",
                data={"username": name, "password": "x", "_xsrf": browser.xsrf},
                allow_redirects=False,
            ) as answer:
                assert answer.status == 302, await answer.text()
            yield browser

    @property
    def xsrf(self) -> str:
        return next((cookie.value for cookie in self.session.cookie_jar if cookie.key == "_xsrf"), "")

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(f"{self.hub.url}{path}", allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def post_form(self, fields: dict[str, str], path: str = "/spawn") -> tuple[int, str]:
        await self.get(path)
        async with self.session.post(
            f"{self.hub.url}{path}?_xsrf={self.xsrf}",
            data={**fields, "_xsrf": self.xsrf},
            allow_redirects=False,
        ) as answer:
            return answer.status, await answer.text()
