"""How many GPUs the nodes have, and whether that is known: on the embedded cluster, over its API.

What a user loses when these fail: a number on the page that is of yesterday, or of a broken node.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator

import kubernetes_asyncio.config  # noqa: F401 (a hub has imported it long before; here it takes seconds)
import pytest

from jupyterhub_libretexts.cluster.access import Access, AccessSettings, load_access
from jupyterhub_libretexts.cluster.connection import Connection
from jupyterhub_libretexts.cluster.informer import Informer
from jupyterhub_libretexts.cluster.stream import Pace
from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from jupyterhub_libretexts.demo.cluster.configuration import ClusterSpec, NodeSpec
from jupyterhub_libretexts.demo.cluster.faults import Fault
from tests.cluster.support import Wire

RESOURCE = "nvidia.com/mig-1g.10gb"
NODES = tuple(
    NodeSpec(f"gpu-{number}", "standin", resources={RESOURCE: "4"}, labels={"card": card})
    for number, card in enumerate(["a100", "a100", "h200"])
)
FAST = Pace(first_retry=0.01, longest_retry=0.1, heartbeat=0.2)


@pytest.fixture
async def cluster() -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster(ClusterSpec(nodes=NODES, namespaces=("davis",))) as embedded:
        yield embedded


@contextlib.asynccontextmanager
async def informed(
    cluster: EmbeddedCluster, monkeypatch: pytest.MonkeyPatch, address: str = ""
) -> AsyncIterator[Informer]:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))

    async def access() -> Access:
        found = await load_access(AccessSettings())
        return dataclasses.replace(found, server=address or found.server)

    informer = Informer(Connection(access), pace=FAST)
    informer.start()
    await informer.ensure("davis")
    await informer.capacity.known()
    yield informer
    await informer.close()


async def becomes(asked, wanted, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while asked() != wanted:
        assert time.monotonic() < end, f"{asked()} instead of {wanted}"
        await asyncio.sleep(0.01)


async def test_nodes_are_counted_as_they_break_come_back_and_go(cluster, monkeypatch) -> None:
    """Else the page offers slices of a node that is switched off."""
    async with informed(cluster, monkeypatch) as informer:

        def count(**labels: str):
            return informer.capacity.of(RESOURCE, labels)

        assert (count(), count(card="a100"), count(card="b300")) == (12, 8, 0)
        api = informer.connection
        await api.patch("/api/v1/nodes/gpu-0", {"spec": {"unschedulable": True}})
        await becomes(lambda: count(card="a100"), 4)
        await api.patch("/api/v1/nodes/gpu-0", {"spec": {"unschedulable": None}})
        await becomes(lambda: count(card="a100"), 8)
        away = {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
        await api.patch("/api/v1/nodes/gpu-1/status", away)
        await becomes(lambda: count(card="a100"), 4)
        await api.delete("/api/v1/nodes/gpu-0")
        await becomes(lambda: (count(), count(card="a100")), (4, 0))


async def test_without_the_right_to_read_nodes_nobody_knows_and_nobody_waits(cluster, monkeypatch) -> None:
    """Else a site that gives no right over nodes has no form, or zeros on it."""
    cluster.faults.add(Fault("refuse", "list", "nodes", status=403))
    begun = time.monotonic()
    async with informed(cluster, monkeypatch) as informer:
        assert time.monotonic() - begun < 10
        assert informer.capacity.of(RESOURCE, {}) is None
        assert informer.fresh(["davis"])
        cluster.faults.clear()
        await becomes(lambda: informer.capacity.of(RESOURCE, {}), 12)


async def test_a_cluster_that_falls_silent_is_no_longer_the_present(cluster, monkeypatch) -> None:
    """Else figures from before an outage stand on the page as those of now."""
    async with Wire.laid(cluster.port) as wire, informed(cluster, monkeypatch, wire.address) as informer:
        assert informer.fresh(["davis"])
        wire.passes.clear()
        begun = time.monotonic()
        await becomes(lambda: informer.fresh(["davis"]), wanted=False)
        # Its watches are open and seem well: nothing but the missing sign of life tells.
        assert informer.condition("davis")[0] == "current"
        assert time.monotonic() - begun < 2.5 * FAST.heartbeat + 2
        wire.passes.set()
        await becomes(lambda: informer.fresh(["davis"]), wanted=True)
