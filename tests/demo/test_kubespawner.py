"""Stock KubeSpawner on the embedded cluster: start, poll, stop, with real programs."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import jupyterhub
import pytest
from aiohttp import web
from jupyterhub import orm
from jupyterhub.objects import Hub, Server
from kubernetes_asyncio.config import kube_config
from kubespawner import KubeSpawner, clients
from traitlets.config import Config

from jupyterhub_libretexts.demo.cluster.resources import PODS
from tests.contract.support import reasons

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from jupyterhub_libretexts.demo.cluster import EmbeddedCluster
    from tests.contract.support import Api

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class _User:
    """As much of a hub's user as a spawner looks at."""

    def __init__(self, name: str, record: orm.User) -> None:
        self.name = self.escaped_name = name
        self.orm_user = record
        self.id = record.id
        self.url = f"/user/{name}/"
        self.settings: dict[str, Any] = {}

    def __getattr__(self, name: str) -> None:
        return None


@pytest.fixture
async def hub_port() -> AsyncIterator[int]:
    """Where a single-user server asks for its hub's version before it begins to listen."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"version": jupyterhub.__version__})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.fixture
async def spawner(
    cluster: EmbeddedCluster, hub_port: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KubeSpawner]:
    """A spawner for Ada with an in-memory database and no hub."""
    clients.load_config.cache_clear()
    # The client reads KUBECONFIG when it is imported, which another test may have done before.
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(cluster.kubeconfig))
    session = orm.new_session_factory("sqlite:///:memory:")()
    user = orm.User(name="ada")
    session.add(user)
    session.commit()
    record = orm.Spawner(name="", user=user)
    session.add(record)
    session.commit()
    config = Config()
    config.KubeSpawner.namespace = "org"
    config.KubeSpawner.image = "demo/lab:1"
    made = KubeSpawner(
        hub=Hub(ip="127.0.0.1", port=hub_port, base_url="/hub/"),
        user=_User("ada", user),
        orm_spawner=record,
        db=session,
        config=config,
    )
    place = orm.Server(proto="http", ip="0.0.0.0", port=8888, base_url="/user/ada/")
    session.add(place)
    session.commit()  # Fills in what the columns have by default.
    made.server = Server(orm_server=place)
    made.api_token = "0" * 32
    yield made
    await KubeSpawner._stop_all_reflectors()
    # The shared API client of kubespawner is kept per event loop and configuration.
    await made.api.api_client.close()
    session.close()


async def answering(url: str) -> aiohttp.ClientResponse:
    """The first answer of a server, once it listens."""
    async with aiohttp.ClientSession() as session:
        end = time.monotonic() + 90  # A server that starts on a busy machine takes its time.
        while True:
            try:
                async with session.get(url) as answer:
                    await answer.read()
                    return answer
            except aiohttp.ClientConnectionError:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(0.05)


async def test_a_plain_web_server_starts_polls_and_stops(spawner: KubeSpawner, api: Api) -> None:
    """The smallest proof that a spawner needs nothing but a kubeconfig."""
    spawner.cmd = [sys.executable, "-m", "http.server", "8888", "--bind", "0.0.0.0"]
    spawner.get_args = list
    url = await spawner.start()
    assert (await answering(url)).status == 200
    assert await spawner.poll() is None
    name = spawner.pod_name
    await spawner.stop()
    assert await spawner.poll() is not None
    assert (await api.get("pods", name)).code == 404
    events = await api.events_of(name, lambda seen: "Killing" in reasons(seen))
    assert [reason for reason in reasons(events) if reason != "Pulling"] == [
        "Scheduled",
        "Pulled",
        "Created",
        "Started",
        "Killing",
    ]


async def test_a_real_single_user_server_starts_polls_and_stops(
    spawner: KubeSpawner, cluster: EmbeddedCluster
) -> None:
    """What a student gets: jupyterhub-singleuser at the pod's address, speaking its hub's protocol."""
    url = await spawner.start()
    answer = await answering(url + "/user/ada/api/status")
    # Without a sign-in it refuses, and the header shows that it is a hub's server.
    assert answer.status in (302, 403)
    assert answer.headers["X-JupyterHub-Version"]
    (pod,) = cluster.store.documents(PODS, "org")
    assert url.startswith(f"http://{pod['status']['podIP']}:8888")
    assert await spawner.poll() is None
    await spawner.stop()
    assert cluster.store.count(PODS, "org") == 0


async def test_a_server_that_ended_is_noticed(spawner: KubeSpawner, tmp_path: Path) -> None:
    """A student who ends their server from inside is not shown a dead page."""
    # It ends when it is told to: one that ended between two of KubeSpawner's looks would never be seen to run.
    told = tmp_path / "told"
    spawner.cmd = ["sh", "-c", f"until [ -e '{told}' ]; do sleep 0.05; done; exit 0"]
    spawner.get_args = list
    await spawner.start()
    told.touch()
    end = time.monotonic() + 10
    while (status := await spawner.poll()) is None:
        assert time.monotonic() < end
        await asyncio.sleep(0.05)
    assert status == 0
    await spawner.stop()
