"""The end of a GPU server on a real hub: announced, kept to the second, explained afterwards.

What a user loses when these fail: work at an end that nobody announced, or the reason why it is gone.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jupyterhub_libretexts.cluster.access import AccessSettings, load_access
from jupyterhub_libretexts.cluster.connection import Connection
from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from jupyterhub_libretexts.demo.cluster.resources import PODS
from jupyterhub_libretexts.hub.times import why_over
from tests.gpus.conftest import RESOURCE, Held
from tests.hub.support import Browser, Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

SETTINGS = f"""
organizations:
  north: {{title: North, environments: [python], gpus: {{short: {{total: 4}}, quiet: {{total: 4}}}}}}
environments: {{python: {{title: Python, image: "local/python:1", idle: 1h, longest: 2h}}}}
sizes: {{small: {{cpu: {{guarantee: 0.1, limit: 1}}, memory: {{guarantee: 64Mi, limit: 1Gi}}, default: true}}}}
gpus:
  short: {{title: Short, resource: {RESOURCE}, total: 4, longest: 8s}}
  quiet: {{title: Quiet, resource: {RESOURCE}, total: 4, idle: 5s}}
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster, stand_in_port, tmp_path_factory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("end")
    (folder / "hub.yaml").write_text(SETTINGS)
    more = f"""
from jupyterhub_libretexts import configure
configure(c, {str(folder / "hub.yaml")!r})
c.LibreTextsSpawner.port = {stand_in_port}
c.Spawner.poll_interval = 1
"""
    async with Hub(folder, str(cluster.kubeconfig), more) as running:
        for name in ("ada", "bo", "cy"):
            await running.person(name, "north")
        yield running


async def started(hub: Hub, name: str, **options: str) -> None:
    status, said = await hub.start_by_api(name, {"environment": "python", **options})
    assert status in (201, 202), said
    await hub.until_ready(name)


async def page(hub: Hub, name: str, path: str) -> str:
    async with Browser.signed_in(hub, name) as browser:
        return re.sub(r"\s+", " ", (await browser.get(path))[1])


async def test_the_end_is_the_clusters_is_announced_and_is_explained_even_after_a_restart(
    hub: Hub, cluster: EmbeddedCluster, held: Held
) -> None:
    """The kubelet ends it, hub or no hub; the student was warned, and reads why when they come back."""
    await started(hub, "ada", gpu="short")
    document = next(iter(cluster.store.documents(PODS)))
    assert document["spec"]["activeDeadlineSeconds"] == 8
    assert re.search(
        r"Your server ends at \d\d:\d\d at the latest, in a minute", await page(hub, "ada", "/home")
    )
    await hub.until_stopped("ada")
    assert held.now == {}
    said = "Your server reached its longest time and was ended. Your files are safe."
    assert said in await page(hub, "ada", "/home")
    assert said in await page(hub, "ada", "/spawn")
    await hub.stop()
    await hub.start()
    assert said in await page(hub, "ada", "/home")
    # A new server is news; the old end is not.
    await started(hub, "ada")
    seen = await page(hub, "ada", "/home")
    assert "longest time" not in seen
    assert re.search(r"Your server ends at \d\d:\d\d at the latest\. Files that are saved stay", seen)
    await hub.stop_by_api("ada")
    assert 'role="status"' not in await page(hub, "ada", "/home")


async def test_a_server_that_vanished_is_explained_too(hub: Hub, cluster: EmbeddedCluster) -> None:
    """Else a student whose machine was lost thinks that they did something wrong."""
    await started(hub, "bo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        async with Connection(lambda: load_access(AccessSettings())) as api:
            await api.delete("/api/v1/namespaces/org-north/pods/jupyter-bo")
    await hub.until_stopped("bo")
    assert "ended from outside the hub, or its machine was lost" in await page(hub, "bo", "/home")


async def test_an_idle_gpu_goes_back_earlier_than_an_idle_server(hub: Hub, held: Held) -> None:
    """Else a slice stands idle for the hour that a server may."""
    await started(hub, "cy", gpu="quiet")
    await started(hub, "bo")
    begun = time.monotonic()
    await hub.until_stopped("cy")
    assert 3 < time.monotonic() - begun < 25
    assert held.now == {}
    assert (await hub.server("bo"))["ready"]
    assert "Nothing happened in your server for 5 seconds, so it was stopped" in await page(
        hub, "cy", "/home"
    )
    await hub.stop_by_api("bo")


ENDED = {
    "its deadline": ({"phase": "Failed", "reason": "DeadlineExceeded"}, "reached its longest time"),
    "an eviction": ({"phase": "Failed", "reason": "Evicted"}, "ran out of room"),
    "its memory": (
        {
            "phase": "Failed",
            "containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}],
        },
        "needed more memory",
    ),
    "its own wish": (
        {"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]},
        "shut down from inside",
    ),
}


@pytest.mark.parametrize("case", ENDED)
async def test_each_way_to_end_has_its_own_words(case: str) -> None:
    """Else every end reads the same, and nobody learns to choose a larger size."""
    status, words = ENDED[case]
    assert words in (why_over({"metadata": {}, "status": status}, []) or "")
    assert why_over({"metadata": {}, "status": {"phase": "Running"}}, []) is None
    await asyncio.sleep(0)
