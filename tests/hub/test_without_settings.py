"""Without settings the spawner is KubeSpawner, to the letter.

What a user loses when these fail: a site that installs the package and changes nothing is changed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from jupyterhub_libretexts.demo.cluster.resources import PODS
from tests.hub.support import Browser, Hub

if TYPE_CHECKING:
    from pathlib import Path

    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

SITE = """
c.JupyterHub.spawner_class = "{spawner}"
c.KubeSpawner.port = {port}
c.KubeSpawner.namespace = "org-north"
c.KubeSpawner.image = "local/python:1"
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.storage_capacity = "1Gi"
c.KubeSpawner.extra_labels = {{"site": "{{username}}"}}
c.KubeSpawner.profile_list = [
    {{"display_name": "Small <b>", "slug": "small", "default": True}},
    {{
        "display_name": "Large",
        "slug": "large",
        "kubespawner_override": {{"mem_limit": "2G", "cpu_guarantee": 0.5}},
        "profile_options": {{
            "image": {{
                "display_name": "Image",
                "choices": {{"a": {{"display_name": "A", "kubespawner_override": {{"image": "local/a:1"}}}}}},
            }}
        }},
    }},
]
"""


def without_chance(document: dict[str, Any]) -> dict[str, Any]:
    """A pod without what differs between any two starts: tokens, addresses of the hub, times."""
    metadata = document["metadata"]
    container = document["spec"]["containers"][0]
    environment = {item["name"]: item.get("value", "") for item in container["env"]}
    return {
        "labels": metadata["labels"],
        "annotations": metadata["annotations"],
        "environment": {
            name: re.sub(r":\d+", ":PORT", value)
            for name, value in environment.items()
            if "TOKEN" not in name and "SECRET" not in name
        },
        "container": {**container, "env": None},
        "spec": {**document["spec"], "containers": None},
    }


async def seen(
    spawner: str, cluster: EmbeddedCluster, port: int, folder: Path
) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """The form, a pod and the progress of one site under a spawner."""
    folder.mkdir()
    async with Hub(folder, str(cluster.kubeconfig), SITE.format(spawner=spawner, port=port)) as hub:
        async with Browser.signed_in(hub, "ada") as browser:
            _, page = await browser.get("/spawn")
            status, said = await browser.post_form({"profile": "large", "profile-option-large--image": "a"})
            assert status == 302, said
        await hub.until_ready("ada")
        pod = next(iter(cluster.store.documents(PODS)))
        steps = await hub.progress("ada")
        await hub.stop_by_api("ada")
        # Its own reflectors, which the spawner leaves to KubeSpawner where it has no settings.
        assert "watching for pods" in hub.log
    form = page[page.index('id="spawn_form"') : page.index("</form>")]
    return re.sub(r"_xsrf=[^\"&]*", "", form), without_chance(pod), steps


async def test_form_pod_and_progress_are_those_of_stock(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path: Path
) -> None:
    """The same page, the same pod, the same words."""
    stock = await seen("kubespawner.KubeSpawner", cluster, stand_in_port, tmp_path / "stock")
    ours = await seen("libretexts", cluster, stand_in_port, tmp_path / "ours")
    assert ours[0] == stock[0]
    assert ours[1] == stock[1]
    assert [step["progress"] for step in ours[2]] == [step["progress"] for step in stock[2]]


async def test_profiles_beside_settings_are_a_mistake_at_the_start(
    cluster: EmbeddedCluster, stand_in_port: int, tmp_path: Path
) -> None:
    """Two sources of environments would each hide half of the other."""
    from tests.hub.conftest import SETTINGS

    more = SITE.format(spawner="libretexts", port=stand_in_port)
    more += f"\nfrom jupyterhub_libretexts import configure\nconfigure(c, {str(SETTINGS)!r})\n"
    with pytest.raises(AssertionError, match=r"c\.KubeSpawner\.profile_list"):
        await Hub(tmp_path, str(cluster.kubeconfig), more).start()


async def test_a_database_that_cannot_hold_our_tables_is_a_mistake_at_the_start(
    cluster: EmbeddedCluster, tmp_path: Path
) -> None:
    """Else the hub starts, and the first who waits in line gets an error; and no log holds the password."""
    from tests.hub.conftest import SETTINGS

    more = 'c.JupyterHub.db_url = "mysql+pymysql://hub:hunter2@127.0.0.1/hub"\n'
    more += f"from jupyterhub_libretexts import configure\nconfigure(c, {str(SETTINGS)!r})\n"
    with pytest.raises(AssertionError, match="sqlite or postgresql") as refused:
        await Hub(tmp_path, str(cluster.kubeconfig), more).start()
    assert "hunter2" not in str(refused.value)
