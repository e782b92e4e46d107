"""Many at once on the stand-in node, and what a change costs with many watching."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp

from jupyterhub_libretexts.demo.cluster import ClusterSpec, EmbeddedCluster, NodeSpec
from jupyterhub_libretexts.demo.cluster.resources import EVENTS, PODS
from tests.contract.support import pod

PODS_AT_ONCE = 300


async def _storm(cluster: EmbeddedCluster) -> float:
    headers = {"Authorization": f"Bearer {cluster.token}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=40)
    path = cluster.url + "/api/v1/namespaces/default/pods"
    start = time.process_time()
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

        async def create(number: int) -> int:
            async with session.post(path, data=json.dumps(pod(f"p{number}"))) as answer:
                return answer.status

        codes = await asyncio.gather(*(create(number) for number in range(PODS_AT_ONCE)))
    assert set(codes) == {201}
    return time.process_time() - start


async def test_a_storm_of_starts_ends_with_every_pod_running() -> None:
    """A whole class that clicks in the same second is a test that any machine can run."""
    spec = ClusterSpec(
        nodes=(NodeSpec("crowd", "standin", cpu="4000", memory="8Ti", pods=5000),), stand_in_port=0
    )
    async with EmbeddedCluster(spec) as cluster:
        spent = await _storm(cluster)
        for _ in range(400):
            phases = [each["status"]["phase"] for each in cluster.store.documents(PODS)]
            if phases.count("Running") == PODS_AT_ONCE:
                break
            await asyncio.sleep(0.05)
        assert phases.count("Running") == PODS_AT_ONCE
        assert cluster.store.count(EVENTS) == 4 * PODS_AT_ONCE
        # Both ends of the connection are counted, on any machine: far from the 1 ms that it takes.
        assert spent / PODS_AT_ONCE < 0.02


async def test_the_stand_in_answers_as_a_single_user_server() -> None:
    """A hub's own check of a server is real in a storm."""
    spec = ClusterSpec(nodes=(NodeSpec("crowd", "standin"),), stand_in_port=18888, hub_version="6.1.1")
    async with EmbeddedCluster(spec) as cluster, aiohttp.ClientSession() as session:
        node = cluster.nodes[0].address
        async with session.get(f"http://{node}:18888/user/ada/api") as answer:
            assert answer.status == 200
            assert answer.headers["X-JupyterHub-Version"] == "6.1.1"


async def test_a_change_is_encoded_once_for_all_who_watch() -> None:
    """Two hundred watchers cost two hundred sends, not two hundred encodings."""
    from jupyterhub_libretexts.demo.cluster.store import Store
    from jupyterhub_libretexts.demo.cluster.watches import Watches

    store = Store()
    watches = Watches(store)
    watchers = [watches.open(PODS, None, None, store.version) for _ in range(200)]
    store.write(PODS, {"metadata": {"name": "a", "namespace": "n"}})
    lines = {id(watcher._pending[0]) for watcher in watchers}
    assert len(lines) == 1
