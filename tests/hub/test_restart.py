"""A hub that is killed and started again: it knows every server, those that were starting as well.

What a user loses when these fail: their running work, or a start that they wait for; or everybody pays
for a pod that nobody knows.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from jupyterhub_libretexts.demo.cluster.resources import PODS
from tests import databases
from tests.hub.conftest import CONFIGURE, SETTINGS, spec
from tests.hub.support import Browser, Hub, deleted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SWEEP_SECONDS = 1.0
pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def slow_cluster(stand_in_port: int) -> AsyncIterator[EmbeddedCluster]:
    """Pods take three seconds to run, so that a hub can be killed in between."""
    async with EmbeddedCluster(spec(stand_in_port, start_seconds=3.0)) as embedded:
        yield embedded


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def mortal_hub(
    slow_cluster: EmbeddedCluster, stand_in_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hub]:
    """A hub to be killed."""
    more = CONFIGURE.format(files=[str(SETTINGS)], port=stand_in_port)
    more += f"c.LibreTextsSpawner.sweep_interval = {SWEEP_SECONDS}\n"
    async with Hub(tmp_path_factory.mktemp("hub"), str(slow_cluster.kubeconfig), more) as running:
        yield running


def pods(cluster: EmbeddedCluster) -> dict[str, str]:
    """Names of pods with their unique identifiers."""
    return {
        document["metadata"]["name"]: document["metadata"]["uid"]
        for document in cluster.store.documents(PODS)
    }


async def until_pods(cluster: EmbeddedCluster, names: set[str], seconds: float = 20) -> dict[str, str]:
    end = time.monotonic() + seconds
    while pods(cluster).keys() != names:
        assert time.monotonic() < end, f"{pods(cluster)} instead of {names}"
        await asyncio.sleep(0.1)
    return pods(cluster)


async def delete_pod(cluster: EmbeddedCluster, namespace: str, name: str) -> None:
    await deleted(cluster, namespace, f"pods/{name}")
    await until_pods(cluster, set())


async def test_a_killed_hub_takes_over_what_ran_and_what_was_starting(
    mortal_hub: Hub, slow_cluster: EmbeddedCluster
) -> None:
    """Nobody's work ends with the hub, and a start that was under way arrives, once, in its own namespace."""
    hub = mortal_hub
    await hub.person("ada", "north")
    await hub.person("sue", "south")
    status, said = await hub.start_by_api("ada", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("ada")
    starting = asyncio.ensure_future(hub.start_by_api("sue", {"environment": "python"}))
    before = await until_pods(slow_cluster, {"jupyter-ada", "jupyter-sue"})
    assert not (await hub.server("sue"))["ready"]
    await hub.stop(hard=True)
    await asyncio.gather(starting, return_exceptions=True)
    await hub.start()
    await hub.until_ready("ada")
    await hub.until_ready("sue")
    assert pods(slow_cluster) == before
    for name in ("ada", "sue"):
        await hub.stop_by_api(name)
    await until_pods(slow_cluster, set())


async def test_a_start_whose_pod_went_away_with_the_hub_is_over(
    mortal_hub: Hub, slow_cluster: EmbeddedCluster
) -> None:
    """A student whose pod is gone can start again at once, instead of reading that it starts for ever."""
    hub = mortal_hub
    await hub.person("sue", "south")
    starting = asyncio.ensure_future(hub.start_by_api("sue", {"environment": "python"}))
    await until_pods(slow_cluster, {"jupyter-sue"})
    await hub.stop(hard=True)
    await asyncio.gather(starting, return_exceptions=True)
    await delete_pod(slow_cluster, "org-south", "jupyter-sue")
    await hub.start()
    await hub.until_stopped("sue")
    status, said = await hub.start_by_api("sue", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("sue")
    await hub.stop_by_api("sue")
    await until_pods(slow_cluster, set())


async def test_pods_that_a_hub_no_longer_knows_are_ended_and_those_of_others_are_not(
    mortal_hub: Hub, slow_cluster: EmbeddedCluster
) -> None:
    """A hub that lost its database leaves no server running for ever, and touches no other hub's."""
    hub = mortal_hub
    await hub.person("ada", "north")
    status, said = await hub.start_by_api("ada", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("ada")
    await until_pods(slow_cluster, {"jupyter-ada"})
    await copied(
        slow_cluster, "jupyter-ada", "of-another-hub", {"JUPYTERHUB_API_URL": "http://other:8081/hub/api"}
    )
    await hub.stop(hard=True)
    databases.lose(hub.folder)
    await hub.start()
    await hub.person("sue", "south")
    async with Browser.signed_in(hub, "sue") as browser:
        await browser.get("/spawn")
    await until_pods(slow_cluster, {"of-another-hub"})
    status, said = await hub.start_by_api("sue", {"environment": "python"})
    assert status in (201, 202), said
    server = await hub.until_ready("sue")
    await asyncio.sleep(3 * SWEEP_SECONDS)
    assert pods(slow_cluster).keys() == {"of-another-hub", "jupyter-sue"}, "what is known stays"
    assert server["ready"]
    await hub.stop_by_api("sue")


async def copied(cluster: EmbeddedCluster, name: str, new_name: str, variables: dict[str, str]) -> None:
    """Create the same pod under another name, with some of its variables changed."""
    pod = next(item for item in cluster.store.documents(PODS) if item["metadata"]["name"] == name)
    metadata = {key: pod["metadata"][key] for key in ("namespace", "labels", "annotations")}
    spec = json.loads(json.dumps(pod["spec"]))
    spec.pop("nodeName")
    for item in spec["containers"][0]["env"]:
        if item["name"] in variables:
            item["value"] = variables[item["name"]]
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "name": new_name}, "spec": spec}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {cluster.token}"}) as session:
        path = f"{cluster.url}/api/v1/namespaces/{metadata['namespace']}/pods"
        async with session.post(path, json=body) as answer:
            assert answer.status == 201, await answer.text()
