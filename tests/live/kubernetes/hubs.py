"""A hub as a pod of the real cluster, with the methods that tests of hubs know."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from kubernetes_hub.installation import Installation

from tests.hub.support import Hub
from tests.live.kubernetes.support import Cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SETTINGS = Path(__file__).with_name("settings.yaml")
EVERYBODY = """
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Spawner.start_timeout = 120
c.KubeSpawner.delete_grace_period = 1
c.LibreTextsSpawner.sweep_interval = 5
"""
"""Sign-in by any name; the rest as on a site, but for patience."""


@dataclass
class ClusterHub(Hub):
    """Speaks to a hub in the cluster by its service, past the proxy."""

    installation: Installation = field(kw_only=True)

    @property
    def url(self) -> str:
        return f"http://{self.address}:8081/hub"

    @cached_property
    def address(self) -> str:
        """Of the hub's service, which outlives the hub's pod."""
        space = self.installation.namespace
        found = self.installation.cluster.get("service", "hub", f"--namespace={space}")
        return str(found["spec"]["clusterIP"])

    @property
    def log(self) -> str:
        return self.installation.log()

    @property
    def lives(self) -> bool:
        return "ready" in str(self.installation.hub_pod()["status"].get("containerStatuses"))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        self.session = aiohttp.ClientSession(headers={"Authorization": f"token {self.token}"})
        await self.until_healthy()

    async def stop(self, hard: bool = False) -> None:
        assert self.session is not None
        await self.session.close()

    async def until_healthy(self, seconds: float = 90) -> None:
        """Wait until the hub answers."""
        assert self.session is not None
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self.session.get(
                    f"{self.url}/health", timeout=aiohttp.ClientTimeout(total=2)
                ) as answer:
                    if answer.status == 200:
                        return
            assert time.monotonic() < end, f"the hub does not answer:\n{self.report}"
            await asyncio.sleep(0.2)

    async def kill(self) -> None:
        """End the hub's process hard, and return when another pod of it answers.

        The pod goes with the process: one whose container only dies again and again is kept waiting by
        its kubelet (CrashLoopBackOff), longer each time.
        """
        # In a thread, so that a test can look at the hub meanwhile.
        await asyncio.to_thread(self._kill)
        await self.until_healthy()

    def _kill(self) -> None:
        cluster, space = self.installation.cluster, f"--namespace={self.installation.namespace}"
        pod = self.installation.hub_pod()
        name = pod["metadata"]["name"]
        container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
        cluster.kill_container(container, cluster.shape.first)
        cluster.kubectl("delete", "pod", name, space, "--grace-period=1", "--wait=true")
        self.installation.wait_until_ready()

    async def started(self, name: str, *groups: str, **options: str) -> Any:
        """A person's server, running."""
        await self.person(name, *groups)
        status, said = await self.start_by_api(name, options)
        assert status in (201, 202), said
        return await self.until_ready(name, seconds=90)


@contextlib.asynccontextmanager
async def hub_in(
    cluster: Cluster, folder: Path, more: str = "", files: tuple[Path, ...] = (SETTINGS,), **rest: Any
) -> AsyncIterator[ClusterHub]:
    """Install a hub, and remove everything at the end; the log of a hub that fails is kept by pytest."""
    installation = Installation(cluster, files, more=EVERYBODY + more, **rest)
    with installation.installed():
        hub = ClusterHub(folder, "", token=installation.token, installation=installation)
        try:
            async with hub:
                yield hub
        finally:
            sys.stdout.write(installation.log()[-8000:])
