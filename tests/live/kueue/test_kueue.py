"""Kueue's own line under a real hub: who waits, reads their place, and starts when it is their turn.

What a user loses when these fail: a place in a line that nobody moves, or one that is somebody else's.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from jupyterhub_libretexts.cluster.kueue import is_gated
from tests.live.kubernetes.support import may, until
from tests.live.kueue.conftest import SLICE

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED = {"environment": "light", "gpu": "slice"}


def pods(cluster) -> dict[str, dict]:
    """Pods of students by the name of who they are for."""
    return {
        pod["metadata"]["annotations"]["hub.jupyter.org/username"]: pod
        for pod in cluster.get("pods", "--namespace=org-north")["items"]
    }


def gated(cluster) -> set[str]:
    """Whose pods Kueue holds back."""
    return {name for name, pod in pods(cluster).items() if is_gated(pod)}


async def reads(hub, name: str, words: str, server: str = "server") -> None:
    """Return when the page of a start says something."""
    said = []
    page = f"{hub.url}/api/users/{name}/{server}/progress"
    try:
        async with asyncio.timeout(60), hub.session.get(page) as events:
            async for line in events.content:
                said.append(line.decode())
                if words in said[-1]:
                    return
    except TimeoutError:
        pass
    raise AssertionError(f"{name} does not read {words!r}: {said}")


async def test_who_finds_all_taken_waits_in_kueues_line_and_starts_by_themselves(hub, kueue):
    """One slice, three students: one computes, two read their place, and each starts when it comes back."""
    await hub.started("ada", "north", **ASKED)
    limits = pods(kueue)["ada"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits[SLICE] == "1"
    for name in ("bea", "cem"):
        await hub.person(name, "north")
        status, said = await hub.start_by_api(name, ASKED)
        assert status in (201, 202), said

        async def waits(name: str = name) -> bool:
            return name in gated(kueue)

        await until(waits, 60, f"{name} does not wait for Kueue")
        # Kueue orders by times of the API, which have whole seconds.
        await asyncio.sleep(1.1)

    await reads(hub, "bea", "You are next.")
    await reads(hub, "cem", "One comes before you.")
    await hub.stop_by_api("ada")
    await hub.until_ready("bea", seconds=60)
    assert gated(kueue) == {"cem"}
    await reads(hub, "cem", "You are next.")
    # Who gives up leaves no place behind.
    await hub.stop_by_api("cem")
    assert pods(kueue).keys() == {"bea"}
    await hub.stop_by_api("bea")
    hub.installation.wait_until_no_server_is_left()


async def test_a_server_without_a_gpu_is_none_of_kueues_business(hub, kueue):
    """Else a queue for GPUs holds up everybody."""
    began = time.monotonic()
    await hub.started("dee", "north", environment="light")
    pod = pods(kueue)["dee"]
    assert not any(name.startswith("kueue.x-k8s.io/") for name in pod["metadata"]["labels"])
    assert time.monotonic() - began < 60
    await hub.stop_by_api("dee")


async def test_limits_of_a_person_stay_the_hubs(hub):
    """Else the queue gives a second slice to who may have one."""
    await hub.started("ada", "north", **ASKED)
    await hub.start_by_api("ada", ASKED, server="second")
    await reads(hub, "ada", "You hold 1 of at most 1", "servers/second")
    await hub.stop_by_api("ada")


async def test_the_hub_may_ask_for_places_and_for_nothing_else_of_kueue(hub, kueue):
    """Else a hub that is taken over moves the line."""
    account = f"system:serviceaccount:{hub.installation.namespace}:hub"

    place = "localqueues.visibility.kueue.x-k8s.io/pendingworkloads"
    assert may(kueue, account, "get", place, "org-north")
    for verb, what in (
        ("update", "localqueues.kueue.x-k8s.io"),
        ("list", "workloads.kueue.x-k8s.io"),
        ("delete", "workloads.kueue.x-k8s.io"),
        ("update", "clusterqueues.kueue.x-k8s.io"),
    ):
        assert not may(kueue, account, verb, what, "org-north"), f"{verb} {what}"
