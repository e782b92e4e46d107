"""What a student reads while a server starts, and when it cannot.

What a user loses when these fail: ten minutes before a bar that never ends, with the cause known all along.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from jupyterhub_libretexts.demo.cluster.configuration import ClusterSpec, NodeSpec
from tests.hub.conftest import CONFIGURE, SETTINGS
from tests.hub.support import Hub, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

NOWHERE = """
environments:
  python: {title: No image, image: "registry.example/missing:1", kernel: null}
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster() -> AsyncIterator[EmbeddedCluster]:
    """A cluster whose one node has neither the images that are asked for nor a GPU."""
    spec = ClusterSpec(nodes=(NodeSpec("only", "local"),), images=(), namespaces=("org-north", "org-south"))
    async with EmbeddedCluster(spec) as embedded:
        yield embedded


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster: EmbeddedCluster, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    """A hub that answers a request for a start at once, as `configure` has it."""
    folder = tmp_path_factory.mktemp("hub")
    nowhere = folder / "nowhere.yaml"
    nowhere.write_text(NOWHERE)
    more = CONFIGURE.format(files=[str(SETTINGS), str(nowhere)], port=free_port())
    more += '\nc.JupyterHub.tornado_settings["slow_spawn_timeout"] = 0\n'
    async with Hub(folder, str(cluster.kubeconfig), more) as running:
        yield running


async def test_an_image_that_is_missing_ends_the_start_early_with_its_cause(hub: Hub) -> None:
    """The student chooses another environment instead of waiting for the time limit."""
    await hub.person("ada", "north")
    began = time.monotonic()
    status, said = await hub.start_by_api("ada", {"environment": "python"})
    assert status in (201, 202), said
    steps = await hub.progress("ada")
    assert time.monotonic() - began < 45, "the start's own limit is 60 s"
    assert steps[-1]["failed"]
    assert "image of this environment" in steps[-1]["message"], steps
    assert steps[0]["progress"] < steps[-2]["progress"] or len(steps) == 2


async def test_a_gpu_that_no_machine_has_ends_the_start_early_with_its_cause(hub: Hub) -> None:
    """A flavour that the file has and the cluster does not is said, not waited for."""
    await hub.person("gia", "north", "north/gpu")
    status, said = await hub.start_by_api("gia", {"environment": "python", "gpu": "slice"})
    assert status in (201, 202), said
    steps = await hub.progress("gia")
    assert steps[-1]["failed"]
    assert "has the GPU that was asked for" in steps[-1]["message"], steps
