"""A cluster and a hub for the tests of a module; both real, in processes or loops of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jupyterhub
import pytest
import pytest_asyncio

from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from jupyterhub_libretexts.demo.cluster.configuration import ClusterSpec, NodeSpec
from jupyterhub_libretexts.demo.cluster.images import jupyter_image
from tests.hub.support import Hub, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SETTINGS = Path(__file__).parent.parent / "data" / "hub.yaml"
"""What its images hold is in images.lock.json beside it."""
CONFIGURE = """
from jupyterhub_libretexts import configure
configure(c, {files!r})
c.LibreTextsSpawner.port = {port}
"""


def spec(port: int, **changes: object) -> ClusterSpec:
    """A cluster whose pods only seem to run: what is tested here is the hub."""
    values: dict[str, object] = {
        "nodes": (
            NodeSpec("standin", "standin", pods=10_000, cpu="2000", memory="8Ti"),
            NodeSpec(
                "gpu",
                "standin",
                resources={"nvidia.com/mig-1g.10gb": "3"},
                taints=({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},),
            ),
        ),
        "images": (jupyter_image("*"),),
        "namespaces": ("org-north", "org-south"),
        "stand_in_port": port,
        "hub_version": jupyterhub.__version__,
    }
    return ClusterSpec(**{**values, **changes})  # type: ignore[arg-type]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stand_in_port() -> int:
    return free_port()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(stand_in_port: int) -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster(spec(stand_in_port)) as embedded:
        yield embedded


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hub]:
    """A hub with settings, as ``configure`` makes it."""
    more = CONFIGURE.format(files=[str(SETTINGS)], port=stand_in_port)
    async with Hub(tmp_path_factory.mktemp("hub"), str(cluster.kubeconfig), more) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def limited_hub(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hub]:
    """A hub that ends itself after five failed starts in a row, as z2jh configures it."""
    more = CONFIGURE.format(files=[str(SETTINGS)], port=stand_in_port)
    more += "\nc.Spawner.consecutive_failure_limit = 5\nc.KubeSpawner.k8s_api_request_retry_timeout = 1\n"
    async with Hub(tmp_path_factory.mktemp("hub"), str(cluster.kubeconfig), more) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults(request: pytest.FixtureRequest) -> None:
    if "cluster" in request.fixturenames:
        request.getfixturevalue("cluster").faults.clear()
