"""Each fault of the cluster at each step of a start and a stop: it works, or it says so; nothing is left.

What a user loses when these fail: a server that hangs, or a pod that nobody owns and everybody pays.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from jupyterhub_libretexts.demo.cluster.faults import Fault
from jupyterhub_libretexts.demo.cluster.resources import PODS

if TYPE_CHECKING:
    from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
    from tests.hub.support import Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

PASSING = {
    "a slow create": Fault("delay", "create", "pods", seconds=1.0, count=1),
    "a refused create, once": Fault("refuse", "create", "pods", status=500, count=1),
    "an API server that has not read its rules": Fault("refuse", "create", "pods", status=403, count=2),
    "too many requests, once": Fault("refuse", "create", "pods", status=429, retry_after=1, count=1),
    "a lost answer to a create": Fault("lose_answer", "create", "pods", count=1),
    "a connection that is hung up": Fault("hang_up", "create", "pods", count=1),
    "a lost answer to a claim": Fault("lose_answer", "create", "persistentvolumeclaims", count=1),
    "a watch that is cut": Fault("drop_watch", "watch", "pods", seconds=0.0, count=2),
    "a watch whose version is gone": Fault("expire", "watch", "pods", count=2),
    "a lost answer to a delete": Fault("lose_answer", "delete", "pods", count=1),
    "a refused delete, once": Fault("refuse", "delete", "pods", status=500, count=1),
}


def pods(cluster: EmbeddedCluster) -> list[str]:
    return [document["metadata"]["name"] for document in cluster.store.documents(PODS)]


async def nothing_is_left(cluster: EmbeddedCluster, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while pods(cluster):
        assert time.monotonic() < end, f"left behind: {pods(cluster)}"
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("fault", PASSING)
async def test_a_fault_that_passes_costs_time_and_nothing_else(
    hub: Hub, cluster: EmbeddedCluster, fault: str
) -> None:
    """A stumble of the cluster is survived: the server runs, once, and stops."""
    await hub.person("ada", "north")
    cluster.faults.add(PASSING[fault])
    cluster.drop_watches(PODS)
    status, said = await hub.start_by_api("ada", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("ada")
    assert pods(cluster) == ["jupyter-ada"]
    await hub.stop_by_api("ada")
    await nothing_is_left(cluster)


@pytest.mark.parametrize(
    ("refusal", "code", "words"), [(503, 503, "Try again"), (403, 409, "may not start servers")]
)
async def test_a_cluster_that_refuses_for_good_is_said_and_leaves_nothing(
    hub: Hub, cluster: EmbeddedCluster, refusal: int, code: int, words: str
) -> None:
    """The student reads that the cluster does not answer, or forbids it, and can try again; then it works."""
    await hub.person("ada", "north")
    cluster.faults.add(Fault("refuse", "create", "pods", status=refusal))
    status, said = await hub.start_by_api("ada", {"environment": "python"})
    assert status == code, said
    assert words in str(said)
    await nothing_is_left(cluster)
    cluster.faults.clear()
    status, said = await hub.start_by_api("ada", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("ada")
    await hub.stop_by_api("ada")


async def test_a_cluster_that_is_away_for_a_while_ends_no_server(hub: Hub, cluster: EmbeddedCluster) -> None:
    """An API server that restarts costs nobody their work."""
    await hub.person("ada", "north")
    status, said = await hub.start_by_api("ada", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("ada")
    await cluster.refuse_connections(6)
    server = await hub.server("ada")
    assert server["ready"]
    await hub.stop_by_api("ada")
    await nothing_is_left(cluster)


async def test_the_starts_of_two_people_never_mix(hub: Hub, cluster: EmbeddedCluster) -> None:
    """Each gets what they chose, in their own organisation's namespace."""
    await hub.person("ada", "north")
    await hub.person("sue", "south")
    answers = await asyncio.gather(
        hub.start_by_api("ada", {"environment": "r", "size": "large"}),
        hub.start_by_api("sue", {"environment": "python"}),
    )
    assert all(status in (201, 202) for status, _ in answers), answers
    await hub.until_ready("ada")
    await hub.until_ready("sue")
    found = {document["metadata"]["name"]: document for document in cluster.store.documents(PODS)}
    ada, sue = found["jupyter-ada"], found["jupyter-sue"]
    assert ada["metadata"]["namespace"] == "org-north"
    assert sue["metadata"]["namespace"] == "org-south"

    def variables(pod: dict) -> dict[str, str]:
        return {item["name"]: item.get("value") for item in pod["spec"]["containers"][0]["env"]}

    assert variables(ada)["ORGANIZATION"] == "north"
    assert "ORGANIZATION" not in variables(sue)
    assert (
        ada["spec"]["containers"][0]["resources"]["limits"]["memory"]
        != (sue["spec"]["containers"][0]["resources"]["limits"]["memory"])
    )
    await hub.stop_by_api("ada")
    await hub.stop_by_api("sue")
    await nothing_is_left(cluster)


async def test_nothing_of_an_earlier_choice_stays_on_a_later_start(
    hub: Hub, cluster: EmbeddedCluster
) -> None:
    """A GPU, a size or a variable of yesterday is not on today's server (kubespawner #546)."""
    await hub.person("gia", "north", "north/gpu")
    status, said = await hub.start_by_api("gia", {"environment": "r", "size": "large", "gpu": "slice"})
    assert status in (201, 202), said
    await hub.until_ready("gia")
    first = next(iter(cluster.store.documents(PODS)))
    assert first["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/mig-1g.10gb"] == "1"
    await hub.stop_by_api("gia")
    status, said = await hub.start_by_api("gia", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("gia")
    second = next(iter(cluster.store.documents(PODS)))
    container = second["spec"]["containers"][0]
    assert "nvidia.com/mig-1g.10gb" not in container["resources"]["limits"]
    assert "SUBJECT" not in {item["name"] for item in container["env"]}
    assert "activeDeadlineSeconds" not in second["spec"]
    assert not any(item["key"] == "nvidia.com/gpu" for item in second["spec"].get("tolerations") or [])
    await hub.stop_by_api("gia")


async def test_two_starts_in_one_instant_cannot_both_take_the_last_gpu(
    hub: Hub, cluster: EmbeddedCluster
) -> None:
    """With two slices for the organisation, two of eight people get one and the others are told."""
    people = [f"race{number}" for number in range(8)]
    for name in people:
        await hub.person(name, "north", "north/gpu")
    answers = await asyncio.gather(
        *(hub.start_by_api(name, {"environment": "python", "gpu": "slice"}) for name in people)
    )
    taken = [name for name, (status, _) in zip(people, answers, strict=True) if status in (201, 202)]
    told = [said for status, said in answers if status == 409]
    assert len(taken) == 2, answers
    assert len(told) == 6
    assert all("in use" in str(said) for said in told)
    for name in taken:
        await hub.until_ready(name)
        await hub.stop_by_api(name)
    await nothing_is_left(cluster)


async def test_a_limit_of_servers_is_kept_and_opens_again(hub: Hub, cluster: EmbeddedCluster) -> None:
    """An organisation's limit refuses the next start in words, and a stopped server makes room."""
    for name in ("sam", "sid", "sol"):
        await hub.person(name, "south")
    for name in ("sam", "sid"):
        status, said = await hub.start_by_api(name, {"environment": "python"})
        assert status in (201, 202), said
        await hub.until_ready(name)
    status, said = await hub.start_by_api("sol", {"environment": "python"})
    assert status == 409
    assert "limit" in str(said)
    await hub.stop_by_api("sam")
    status, said = await hub.start_by_api("sol", {"environment": "python"})
    assert status in (201, 202), said
    await hub.until_ready("sol")
    await hub.stop_by_api("sol")
    await hub.stop_by_api("sid")
    await nothing_is_left(cluster)
