"""A cluster with GPUs and a hub over it; both real, in a process and a loop of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest_asyncio

from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from jupyterhub_libretexts.demo.cluster.configuration import NodeSpec
from jupyterhub_libretexts.demo.cluster.resources import PODS
from tests.hub.conftest import spec
from tests.hub.support import free_port

RESOURCE = "nvidia.com/mig-1g.10gb"


@dataclass
class Held:
    """Who holds a GPU, seen in the cluster itself at every change of a pod."""

    now: dict[str, str] = field(default_factory=dict)
    most: int = 0
    twice: Counter[str] = field(default_factory=Counter)

    def follow(self, change) -> None:
        if change.resource is not PODS:
            return
        document = change.document
        limits = document["spec"]["containers"][0]["resources"].get("limits") or {}
        over = change.kind == "DELETED" or document["status"].get("phase") in ("Failed", "Succeeded")
        uid = document["metadata"]["uid"]
        if over or RESOURCE not in limits:
            self.now.pop(uid, None)
        else:
            self.now[uid] = document["metadata"]["annotations"]["hub.jupyter.org/username"]
        self.most = max(self.most, len(self.now))
        self.twice.update(name for name, count in Counter(self.now.values()).items() if count > 1)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stand_in_port() -> int:
    return free_port()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(stand_in_port: int) -> AsyncIterator[EmbeddedCluster]:
    nodes = (
        NodeSpec("standin", "standin", pods=10_000, cpu="2000", memory="8Ti"),
        # More than the shares, so that it is not the cluster that keeps the limits here.
        NodeSpec("gpu", "standin", pods=1000, cpu="2000", memory="8Ti", resources={RESOURCE: "20"}),
    )
    async with EmbeddedCluster(spec(stand_in_port, nodes=nodes)) as embedded:
        yield embedded


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def held(cluster: EmbeddedCluster) -> Held:
    held = Held()
    cluster.store.subscribe(held.follow)
    return held
