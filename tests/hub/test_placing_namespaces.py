"""Where servers go: in the namespace of an organisation that the person belongs to, and in no other.

If these fail, a server never reaches its hub, a student stands in another organisation's network, or the
files of one organisation appear in another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from jupyterhub_libretexts.hub.address import from_namespace, own_namespace
from tests.hub.conftest import CONFIGURE, SETTINGS
from tests.hub.support import Browser, Hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster

ADDRESSES = [
    ("http://hub:8081/hub/api", "http://hub.jupyterhub.svc:8081"),
    ("https://hub/hub/api", "https://hub.jupyterhub.svc"),
    ("http://hub.jupyterhub.svc.cluster.local:8081", None),
    ("http://10.0.0.7:8081/hub/api", None),
    ("http://[fd00::7]:8081/hub/api", None),
    ("http://localhost:8081", None),
    ("", None),
]


@pytest.mark.parametrize(("configured", "expected"), ADDRESSES)
def test_a_bare_name_of_the_hub_is_made_whole_for_other_namespaces(configured, expected) -> None:
    """Else a server in an organisation's namespace looks for a hub there, and the hub gives it up."""
    assert from_namespace(configured, "jupyterhub", "org-north") == expected
    assert from_namespace(configured, "jupyterhub", "jupyterhub") is None


def test_the_hub_knows_its_own_namespace(monkeypatch) -> None:
    """Else the address is made with the namespace of the servers, where no hub is."""
    monkeypatch.setenv("POD_NAMESPACE", "classroom")
    assert own_namespace("default") == "classroom"
    monkeypatch.delenv("POD_NAMESPACE")
    assert own_namespace("default") == "default"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def placed(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hub]:
    """A hub that is told its address as Zero to JupyterHub tells it, and that ends idle servers soon."""
    folder: Path = tmp_path_factory.mktemp("placed")
    over = folder / "idle.yaml"
    over.write_text("environments: {r: {idle: 2s}}\n")
    more = CONFIGURE.format(files=[str(SETTINGS), str(over)], port=stand_in_port)
    more += (
        'import os\nos.environ["POD_NAMESPACE"] = "jupyterhub"\n'
        'c.JupyterHub.hub_connect_url = "http://hub:8081"\nc.Spawner.poll_interval = 1\n'
        'c.KubeSpawner.image_pull_secrets = ["of-the-chart"]\nc.KubeSpawner.service_account = "servers"\n'
    )
    async with Hub(folder, str(cluster.kubeconfig), more) as running:
        yield running


async def kinds(cluster: EmbeddedCluster, path: str) -> list[dict]:
    """A list of the embedded cluster."""
    headers = {"Authorization": f"Bearer {cluster.token}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(cluster.url + path) as answer:
        return (await answer.json())["items"]


async def pod_of(cluster: EmbeddedCluster, namespace: str, name: str) -> dict:
    found = await kinds(cluster, f"/api/v1/namespaces/{namespace}/pods")
    return next(
        pod for pod in found if pod["metadata"]["annotations"].get("hub.jupyter.org/username") == name
    )


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def accounts(cluster: EmbeddedCluster) -> None:
    """The service account that the hub's configuration names, in each organisation's namespace."""
    headers = {"Authorization": f"Bearer {cluster.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for namespace in ("org-north", "org-south"):
            body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "servers"}}
            path = f"{cluster.url}/api/v1/namespaces/{namespace}/serviceaccounts"
            async with session.post(path, json=body) as answer:
                assert answer.status == 201, await answer.text()


@pytest.mark.hub
@pytest.mark.asyncio(loop_scope="module")
async def test_a_server_stands_in_its_organisations_namespace_and_knows_its_hub(
    placed: Hub, cluster: EmbeddedCluster
) -> None:
    """Else the network of the organisation does not hold for it, or it never reports that it is up."""
    await placed.person("ada", "north")
    status, said = await placed.start_by_api("ada", {"environment": "python"})
    assert status in (201, 202), said
    await placed.until_ready("ada")
    pod = await pod_of(cluster, "org-north", "ada")
    variables = {item["name"]: item.get("value") for item in pod["spec"]["containers"][0]["env"]}
    assert variables["JUPYTERHUB_API_URL"] == "http://hub.jupyterhub.svc:8081/hub/api"
    assert variables["JUPYTERHUB_ACTIVITY_URL"].startswith("http://hub.jupyterhub.svc:8081/hub/api/users/ada")
    assert pod["metadata"]["labels"]["libretexts.org/organization"] == "north"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "of-the-chart"}]
    assert pod["spec"]["serviceAccountName"] == "servers"
    claims = await kinds(cluster, "/api/v1/namespaces/org-north/persistentvolumeclaims")
    assert len([claim for claim in claims if "ada" in claim["metadata"]["name"]]) == 1
    await placed.stop_by_api("ada")


@pytest.mark.hub
@pytest.mark.asyncio(loop_scope="module")
async def test_somebody_in_two_organisations_chooses_and_has_a_home_in_each(
    placed: Hub, cluster: EmbeddedCluster
) -> None:
    """Else their work for one organisation lies open in the network of the other."""
    await placed.person("bo", "north", "south")
    status, said = await placed.start_by_api("bo", {"environment": "python"})
    assert status == 400, said
    assert "north, south" in json.dumps(said)
    async with Browser.signed_in(placed, "bo") as browser:
        _, page = await browser.get("/spawn")
        assert "North University" in page
        assert "South School" in page
    for organization in ("north", "south", "north"):
        status, said = await placed.start_by_api(
            "bo", {"organization": organization, "environment": "python"}
        )
        assert status in (201, 202), said
        await placed.until_ready("bo")
        pod = await pod_of(cluster, f"org-{organization}", "bo")
        assert pod["metadata"]["labels"]["libretexts.org/organization"] == organization
        await placed.stop_by_api("bo")
    for organization in ("north", "south"):
        claims = await kinds(cluster, f"/api/v1/namespaces/org-{organization}/persistentvolumeclaims")
        assert [claim["metadata"]["name"] for claim in claims if "bo" in claim["metadata"]["name"]] == [
            "claim-bo"
        ]


@pytest.mark.hub
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "options",
    [
        {"organization": "south", "environment": "python"},
        {"organization": "south", "course": "north/now"},
        {"organization": "org-south"},
        {"organization": "jupyterhub"},
    ],
)
async def test_nobody_is_placed_by_asking(placed: Hub, cluster: EmbeddedCluster, options) -> None:
    """Else a student picks the network of an organisation to which they do not belong."""
    await placed.person("eve", "north")
    status, said = await placed.start_by_api("eve", options)
    assert status == 403, said
    status, said = await placed.start_by_api("eve", {**options, "namespace": "org-south"})
    assert status == 400, said
    assert not [
        pod
        for pod in await kinds(cluster, "/api/v1/pods")
        if pod["metadata"]["annotations"].get("hub.jupyter.org/username") == "eve"
    ]


@pytest.mark.hub
@pytest.mark.asyncio(loop_scope="module")
async def test_idle_servers_are_ended_in_every_namespace(placed: Hub, cluster: EmbeddedCluster) -> None:
    """Else servers of organisations outside the hub's namespace run for ever."""
    await placed.person("ida", "north")
    status, said = await placed.start_by_api("ida", {"environment": "r"})
    assert status in (201, 202), said
    await placed.until_ready("ida")
    await pod_of(cluster, "org-north", "ida")
    await placed.until_stopped("ida")
    assert not [
        pod
        for pod in await kinds(cluster, "/api/v1/namespaces/org-north/pods")
        if pod["metadata"]["annotations"].get("hub.jupyter.org/username") == "ida"
    ]
