"""A share of GPUs on a real hub: the same refusal on every way in, the quota behind it, and what the page says.

What a user loses when these fail: a limit that one door does not keep, or a page that says other than is.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from tests.cluster.support import Wire
from tests.gpus.conftest import RESOURCE, Held
from tests.hub.support import Browser, Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

SETTINGS = f"""
organizations:
  north:
    title: North
    groups: [gpu, vip]
    environments: [python]
    gpus: {{slice: {{total: 2, groups: [north/gpu]}}, counted: {{total: 9}}}}
  south: {{title: South, environments: [python], gpus: {{slice: {{total: 3}}}}}}
environments: {{python: {{title: Python, image: "local/python:1"}}}}
sizes: {{small: {{cpu: {{guarantee: 0.1, limit: 1}}, memory: {{guarantee: 64Mi, limit: 1Gi}}, default: true}}}}
gpus:
  slice: {{title: A slice, resource: {RESOURCE}, total: 5, longest: 4h}}
  counted: {{title: Counted, resource: {RESOURCE}, nodeLabels: {{card: x}}}}
"""
ASKED = {"organization": "north", "environment": "python", "gpu": "slice"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def wire(cluster: EmbeddedCluster) -> AsyncIterator[Wire]:
    async with Wire.laid(cluster.port) as laid:
        yield laid


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster, wire, stand_in_port, tmp_path_factory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("share")
    (folder / "hub.yaml").write_text(SETTINGS)
    more = f"""
from jupyterhub_libretexts import configure
configure(c, {str(folder / "hub.yaml")!r})
c.LibreTextsSpawner.port = {stand_in_port}
"""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(re.sub(r"http://127\.0\.0\.1:\d+", wire.address, cluster.kubeconfig.read_text()))
    async with Hub(folder, str(kubeconfig), more) as running:
        for name in ("ada", "bo", "cy", "dee"):
            await running.person(name, "north", "north/gpu")
        await running.person("sue", "south")
        yield running


async def started(hub: Hub, name: str, options=None) -> None:
    status, said = await hub.start_by_api(name, options or ASKED)
    assert status in (201, 202), said
    await hub.until_ready(name)


async def test_no_door_gives_a_third_of_two(hub: Hub, held: Held) -> None:
    """REST, a link, the form, a named server, the last choice once more, an administrator for somebody."""
    await started(hub, "cy")
    await hub.stop_by_api("cy")
    await started(hub, "ada")
    await started(hub, "bo")
    async with Browser.signed_in(hub, "cy") as cy, Browser.signed_in(hub, "root") as root:
        await hub.person("root", "south")
        subject = "organization=north&environment=python"
        doors = {
            "REST": await hub.start_by_api("cy", ASKED),
            "a named server": await hub.start_by_api("cy", ASKED, server="second"),
            "the last choice": await hub.start_by_api("cy"),
            "a link": await cy.get("/spawn?" + "&".join(f"opt-{k}={v}" for k, v in ASKED.items())),
            "the form": await cy.post_form({"subject": subject, f"gpu:{subject}": "slice"}),
            "an administrator": await root.post_form(ASKED, "/spawn/cy"),
        }
    for door, (status, said) in doors.items():
        assert status == 409, f"{door}: {status} {said[:500]}"
        assert "All 2 of North are in use now" in str(said), door
    assert sorted(held.now.values()) == ["ada", "bo"]
    # Another organisation's share is not touched, and theirs is no way around it.
    await started(hub, "sue", {**ASKED, "organization": "south"})
    status, said = await hub.start_by_api("cy", {**ASKED, "organization": "south"})
    assert status == 403, said
    for name in ("ada", "bo", "sue"):
        await hub.stop_by_api(name)


async def test_the_quota_is_a_second_wall_and_its_refusal_has_words(
    hub: Hub, cluster: EmbeddedCluster
) -> None:
    """Pods that the hub did not make hold devices too: the start is refused in words and keeps nothing."""
    from jupyterhub_libretexts.cluster.access import AccessSettings, load_access
    from jupyterhub_libretexts.cluster.connection import Connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        async with Connection(lambda: load_access(AccessSettings())) as api:
            quotas = "/api/v1/namespaces/org-north/resourcequotas"
            hard = {"hard": {f"requests.{RESOURCE}": "1"}}
            await api.create(quotas, {"metadata": {"name": "libretexts"}, "spec": hard})
            await started(hub, "ada")
            status, said = await hub.start_by_api("bo", ASKED)
            assert status == 409, said
            assert "All GPUs of your organisation are in use" in str(said)
            await api.delete(f"{quotas}/libretexts")
    await started(hub, "bo")
    for name in ("ada", "bo"):
        await hub.stop_by_api(name)


def free_on(page: str, title: str = "A slice") -> str:
    found = re.search(
        rf"{title}(?:: |\. <strong>Closed:</strong> .*?)free now: (\w+(?: known)?); (\d+) of (\d+)", page
    )
    assert found, page
    return f"{found[1]} free, {found[2]} of {found[3]}"


async def shows(browser: Browser, wanted: str, title: str = "A slice", seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while (seen := free_on((await browser.get("/spawn"))[1], title)) != wanted:
        assert time.monotonic() < end, f"{seen} instead of {wanted}"
        await asyncio.sleep(0.05)


async def test_the_page_follows_the_cluster_and_asks_it_nothing(hub: Hub, cluster: EmbeddedCluster) -> None:
    """A slice that is taken or comes back shows at once; a hundred pages are no request to the cluster."""
    async with Browser.signed_in(hub, "cy") as browser:
        await shows(browser, "2 free, 0 of 2")
        await started(hub, "ada")
        await shows(browser, "1 free, 1 of 2")
        await started(hub, "bo")
        await shows(browser, "0 free, 2 of 2")
        page = (await browser.get("/spawn"))[1]
        assert re.search(r"next expected back by \d\d:\d\d", page)
        before = cluster.requests.count() - cluster.requests.count(resource="version")
        begun = time.monotonic()
        for _ in range(100):
            await browser.get("/spawn")
        seconds = time.monotonic() - begun
        asked = cluster.requests.count() - cluster.requests.count(resource="version") - before
        # Signs of life come every two seconds, pages or none.
        assert asked <= seconds / 2 + 2
        # By hand, past the hub: the page knows within five seconds.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KUBECONFIG", str(cluster.kubeconfig))
            from jupyterhub_libretexts.cluster.access import AccessSettings, load_access
            from jupyterhub_libretexts.cluster.connection import Connection

            async with Connection(lambda: load_access(AccessSettings())) as api:
                await api.delete("/api/v1/namespaces/org-north/pods/jupyter-ada")
        await shows(browser, "1 free, 1 of 2")
        for name in ("ada", "bo"):
            await hub.stop_by_api(name)


async def test_the_page_says_not_known_instead_of_a_guess(hub: Hub, wire: Wire) -> None:
    """Nodes without the label have none; while the API server is silent nothing is said to be free."""
    async with Browser.signed_in(hub, "cy") as browser:
        await shows(browser, "0 free, 0 of 9", "Counted")
        wire.passes.clear()
        # Five seconds, and what a busy machine takes besides.
        await shows(browser, "not known free, 0 of 2", seconds=10)
        wire.passes.set()
        await shows(browser, "2 free, 0 of 2", seconds=30)
