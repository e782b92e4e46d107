"""A real JupyterHub whose DockerSpawner starts the image, over podman's own Docker socket."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyterhub_libretexts.images.engines import Engine

CONFIG = """
import os
from pathlib import Path
at = Path(os.environ["HUB_FOLDER"])
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:" + os.environ["HUB_PUBLIC_PORT"]
c.JupyterHub.hub_bind_url = "http://0.0.0.0:" + os.environ["HUB_PORT"]
c.JupyterHub.hub_connect_url = "http://" + os.environ["HUB_GATEWAY"] + ":" + os.environ["HUB_PORT"]
c.JupyterHub.db_url = f"sqlite:///{at}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(at / "cookie_secret")
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["HUB_TOKEN"]
c.Authenticator.allow_all = True
c.JupyterHub.proxy_class = "traefik_file"
c.TraefikFileProviderProxy.static_config_file = str(at / "traefik.toml")
c.TraefikFileProviderProxy.dynamic_config_file = str(at / "routes.toml")
c.TraefikFileProviderProxy.traefik_api_url = "http://127.0.0.1:" + os.environ["HUB_PROXY_PORT"]
c.TraefikFileProviderProxy.extra_static_config = {
    "global": {"checkNewVersion": False, "sendAnonymousUsage": False}
}
c.JupyterHub.services = [{"name": "test", "api_token": os.environ["HUB_TOKEN"]}]
c.JupyterHub.load_roles = [{
    "name": "test", "services": ["test"],
    "scopes": ["admin:users", "admin:servers", "access:servers", "tokens"],
}]
c.JupyterHub.spawner_class = "docker"
c.DockerSpawner.image = os.environ["HUB_IMAGE"]
c.DockerSpawner.pull_policy = "never"
c.DockerSpawner.remove = True
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.network_name = "podman"
c.DockerSpawner.volumes = {os.environ["HUB_HOME"]: "/home/jovyan"}
c.DockerSpawner.notebook_dir = "/home/jovyan"
c.DockerSpawner.extra_host_config = {"read_only": True, "cap_drop": ["ALL"], "tmpfs": {"/tmp": "mode=1777"}}
c.DockerSpawner.prefix = os.environ["HUB_PREFIX"]
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
"""


@dataclass
class Hub:
    """A running hub, spoken to through its proxy."""

    url: str
    token: str

    def call(self, method: str, path: str, document: object = None) -> tuple[int, str]:
        """Send a request with the test's token; the status and the body."""
        data = None if document is None else json.dumps(document).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def start_server(self, name: str, limit: float = 150) -> float:
        """Start a person's server and wait until it is ready; seconds that it took."""
        began = time.monotonic()
        self.call("POST", f"/hub/api/users/{name}")
        status, body = self.call("POST", f"/hub/api/users/{name}/server")
        assert status in (201, 202), body
        wait(lambda: self.is_ready(name), limit, "the server was not ready")
        return time.monotonic() - began

    def is_ready(self, name: str) -> bool:
        """Whether the hub calls a person's server ready."""
        user = json.loads(self.call("GET", f"/hub/api/users/{name}")[1])
        return bool(user.get("servers", {}).get("", {}).get("ready"))

    def stop_server(self, name: str) -> None:
        """Stop a person's server and wait until the hub has none of theirs."""
        self.call("DELETE", f"/hub/api/users/{name}/server")
        wait(
            lambda: not json.loads(self.call("GET", f"/hub/api/users/{name}")[1]).get("servers"),
            60,
            "the server did not stop",
        )

    def execute(self, name: str, kernel: str, source: str) -> str:
        """Start a kernel in a person's server, execute a cell over its websocket, and say what it printed."""
        status, body = self.call("POST", f"/user/{name}/api/kernels", {"name": kernel})
        assert status == 201, body
        identity = json.loads(body)["id"]
        try:
            return asyncio.run(self.printed(f"/user/{name}/api/kernels/{identity}/channels", source))
        finally:
            self.call("DELETE", f"/user/{name}/api/kernels/{identity}")

    async def printed(self, path: str, source: str) -> str:
        """Everything that a cell prints or returns as text."""
        address = self.url.replace("http", "ws", 1) + path
        request = HTTPRequest(address, headers={"Authorization": f"token {self.token}"}, request_timeout=60)
        channel = await websocket_connect(request)
        identity = uuid.uuid4().hex
        header = {
            "msg_id": identity,
            "msg_type": "execute_request",
            "username": "",
            "session": identity,
            "version": "5.3",
        }
        content = {"code": source, "silent": False, "store_history": False, "allow_stdin": False}
        message = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": "shell",
        }
        await channel.write_message(json.dumps(message))
        parts = []
        while True:
            received = await asyncio.wait_for(channel.read_message(), 120)
            assert received is not None, "the websocket was closed"
            answer = json.loads(received)
            if answer["parent_header"].get("msg_id") != identity:
                continue
            kind, content = answer["msg_type"], answer["content"]
            if kind == "stream":
                parts.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                parts.append(content["data"].get("text/plain", ""))
            elif kind == "error":
                parts.append("\n".join(content["traceback"]))
            elif kind == "status" and content["execution_state"] == "idle":
                channel.close()
                while await channel.read_message() is not None:
                    pass  # what still comes before the other side has closed too
                return "".join(parts)


@contextmanager
def docker_socket(engine: Engine, folder: Path) -> Iterator[str]:
    """Podman's Docker API on a socket of this folder, for as long as the block runs."""
    path = folder / "docker.sock"
    service = subprocess.Popen(
        [engine.program, "system", "service", "--time", "0", f"unix://{path}"],
        env=engine.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait(path.exists, 60, "podman's Docker socket did not appear")
        yield f"unix://{path}"
    finally:
        end(service)


@contextmanager
def bridge(engine: Engine, image: str) -> Iterator[str]:
    """This machine's address on podman's network, which is there while some container is on it."""
    network = json.loads(engine.call(["network", "inspect", "podman"]))[0]
    container = engine.call(["run", "--detach", "--network", "podman", image, "sleep", "1200"]).strip()
    try:
        yield network["subnets"][0]["gateway"]
    finally:
        engine.remove(container)


@contextmanager
def running_hub(docker: str, gateway: str, folder: Path, image: str, home: Path) -> Iterator[Hub]:
    """A hub of the environment that runs the tests, until the block ends."""
    token, port = secrets.token_hex(16), free_port()
    variables: dict[str, Any] = {
        **os.environ,
        "DOCKER_HOST": docker,
        "HUB_FOLDER": str(folder),
        "HUB_PUBLIC_PORT": str(port),
        "HUB_PORT": str(free_port()),
        "HUB_PROXY_PORT": str(free_port()),
        "HUB_GATEWAY": gateway,
        "HUB_TOKEN": token,
        "HUB_IMAGE": image,
        "HUB_HOME": str(home),
        "HUB_PREFIX": f"test-{token[:8]}",
    }
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), variables["PATH"]])
    config = folder / "jupyterhub_config.py"
    config.write_text(CONFIG)
    log = folder / "hub.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            env=variables,
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    hub = Hub(f"http://127.0.0.1:{port}", token)
    try:
        wait(lambda: process.poll() is not None or answers(hub), 120, "the hub did not answer")
        assert process.poll() is None, log.read_text()[-3000:]
        yield hub
    finally:
        end(process)


def answers(hub: Hub) -> bool:
    """Whether the hub answers through its proxy."""
    try:
        return hub.call("GET", "/hub/api/")[0] == 200
    except OSError:
        return False


def wait(condition: Any, limit: float, otherwise: str) -> None:
    """Look again and again until something holds; there is nothing here that would tell us."""
    until = time.monotonic() + limit
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"{otherwise} within {limit:.0f} s")
        time.sleep(0.1)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process that we started, kindly first."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
