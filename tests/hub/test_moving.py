"""From stock KubeSpawner to this package and back, with servers that run meanwhile.

What a user loses when these fail: their running server, or the claim with their work, on the evening of a move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jupyterhub_libretexts.demo.cluster.resources import CLAIMS, PODS
from tests.hub.conftest import CONFIGURE, SETTINGS
from tests.hub.support import Hub

if TYPE_CHECKING:
    from pathlib import Path

    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

STOCK = """
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.port = {port}
c.KubeSpawner.namespace = "org-north"
c.KubeSpawner.image = "local/python:1"
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.storage_capacity = "1Gi"
c.KubeSpawner.volumes = [{{"name": "home", "persistentVolumeClaim": {{"claimName": "{{pvc_name}}"}}}}]
c.KubeSpawner.volume_mounts = [{{"name": "home", "mountPath": "/home/jovyan"}}]
c.KubeSpawner.profile_list = [{{"display_name": "Python", "slug": "python", "default": True}}]
"""


def pod_of(cluster: EmbeddedCluster, name: str) -> dict[str, Any]:
    return next(pod for pod in cluster.store.documents(PODS) if pod["metadata"]["name"] == f"jupyter-{name}")


def claims(cluster: EmbeddedCluster, name: str) -> set[tuple[str, str]]:
    return {
        (each["metadata"]["namespace"], each["metadata"]["uid"])
        for each in cluster.store.documents(CLAIMS)
        if name in each["metadata"]["name"]
    }


@pytest.mark.parametrize("way", ["there", "back"])
async def test_a_running_server_and_its_claim_survive_a_move(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path: Path, way: str
) -> None:
    """The hub restarts with the other spawner: the server is the same pod, it stops, and starts with its claim."""
    ours = CONFIGURE.format(files=[str(SETTINGS)], port=stand_in_port)
    stock = STOCK.format(port=stand_in_port)
    first, second = (stock, ours) if way == "there" else (ours, stock)
    options = {"profile": "python"} if way == "there" else {"environment": "python"}
    name = f"mover{way}"
    hub = Hub(tmp_path, str(cluster.kubeconfig), first)
    async with hub:
        await hub.person(name, "north")
        status, said = await hub.start_by_api(name, options)
        assert status in (201, 202), said
        await hub.until_ready(name)
        before, kept = pod_of(cluster, name)["metadata"]["uid"], claims(cluster, name)
        assert len(kept) == 1
    hub.more = second
    async with hub:
        assert (await hub.until_ready(name))["ready"]
        assert pod_of(cluster, name)["metadata"]["uid"] == before
        await hub.stop_by_api(name)
        # With the choice that is stored from before the move.
        status, said = await hub.start_by_api(name)
        assert status in (201, 202), said
        await hub.until_ready(name)
        assert pod_of(cluster, name)["metadata"]["uid"] != before
        assert claims(cluster, name) == kept
        await hub.stop_by_api(name)
