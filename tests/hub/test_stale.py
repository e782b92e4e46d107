"""What was stored yesterday meets today's settings and cluster.

What a user loses when these fail: after somebody changes organisation, or tidies the cluster by hand, a
student's server never starts again until an administrator deletes rows in a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jupyterhub_libretexts.demo.cluster.resources import CLAIMS, PODS
from tests.hub.conftest import CONFIGURE, SETTINGS
from tests.hub.support import Hub, deleted

if TYPE_CHECKING:
    from pathlib import Path

    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]


async def runs_in(hub: Hub, cluster: EmbeddedCluster, name: str, namespace: str) -> None:
    await hub.until_ready(name)
    pod = next(pod for pod in cluster.store.documents(PODS) if pod["metadata"]["name"] == f"jupyter-{name}")
    assert pod["metadata"]["namespace"] == namespace
    home = next(v for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v)
    claim = home["persistentVolumeClaim"]["claimName"]
    assert (namespace, claim) in {
        (each["metadata"]["namespace"], each["metadata"]["name"]) for each in cluster.store.documents(CLAIMS)
    }
    await hub.stop_by_api(name)


async def test_somebody_who_changed_organisation_starts_in_the_new_one(
    hub: Hub, cluster: EmbeddedCluster
) -> None:
    """The stored choice names the old organisation; starting again says so, and any new choice works."""
    await hub.person("mia", "north")
    status, said = await hub.start_by_api("mia", {"organization": "north", "environment": "python"})
    assert status in (201, 202), said
    await runs_in(hub, cluster, "mia", "org-north")
    await hub.api("DELETE", "/groups/north/users", {"users": ["mia"]})
    await hub.person("mia", "south")
    status, said = await hub.start_by_api("mia")
    assert status == 403, said
    assert "north" in str(said)
    status, said = await hub.start_by_api("mia", {"environment": "python"})
    assert status in (201, 202), said
    await runs_in(hub, cluster, "mia", "org-south")


async def test_a_claim_that_was_deleted_by_hand_is_made_again(hub: Hub, cluster: EmbeddedCluster) -> None:
    """The next start finds out, instead of waiting for a volume that nobody makes."""
    await hub.person("max", "north")
    for _ in range(2):
        status, said = await hub.start_by_api("max", {"environment": "python"})
        assert status in (201, 202), said
        await runs_in(hub, cluster, "max", "org-north")
        claim = next(c for c in cluster.store.documents(CLAIMS) if "max" in c["metadata"]["name"])
        await deleted(cluster, "org-north", f"persistentvolumeclaims/{claim['metadata']['name']}")


async def test_a_pod_that_was_deleted_by_hand_lets_its_person_start_again(
    hub: Hub, cluster: EmbeddedCluster
) -> None:
    """An operator who drains a machine leaves nobody with a server that is only in the database."""
    await hub.person("pia", "north")
    status, said = await hub.start_by_api("pia", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("pia")
    await deleted(cluster, "org-north", "pods/jupyter-pia")
    await hub.until_stopped("pia", seconds=45)
    status, said = await hub.start_by_api("pia")
    assert status in (201, 202), said
    await runs_in(hub, cluster, "pia", "org-north")


async def test_an_organisation_whose_namespace_changed_keeps_its_people_starting(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path: Path
) -> None:
    """A site that moves an organisation to a namespace of its own needs no cleaning of the database."""
    moved = tmp_path / "moved.yaml"
    moved.write_text("organizations: {north: {namespace: org-south}, south: {namespace: org-north}}\n")
    before = CONFIGURE.format(files=[str(SETTINGS)], port=stand_in_port)
    after = CONFIGURE.format(files=[str(SETTINGS), str(moved)], port=stand_in_port)
    hub = Hub(tmp_path, str(cluster.kubeconfig), before)
    async with hub:
        await hub.person("nia", "north")
        status, said = await hub.start_by_api("nia", {"environment": "python"})
        assert status in (201, 202), said
        await runs_in(hub, cluster, "nia", "org-north")
    hub.more = after
    async with hub:
        status, said = await hub.start_by_api("nia")
        assert status in (201, 202), said
        await runs_in(hub, cluster, "nia", "org-south")
