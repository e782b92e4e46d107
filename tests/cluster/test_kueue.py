"""The place in Kueue's line, read from answers in the form that Kueue documents; `tests/live/kueue` runs Kueue.

What a user loses when these fail: a place that is somebody else's, or a page that asks the API for each student.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from aiohttp import web
from aiohttp.test_utils import TestServer

from jupyterhub_libretexts.cluster.access import Access
from jupyterhub_libretexts.cluster.connection import Connection
from jupyterhub_libretexts.cluster.kueue import Queues, is_gated, position

# https://kueue.sigs.k8s.io/docs/tasks/manage/monitor_pending_workloads/pending_workloads_on_demand/
PENDING = {
    "kind": "PendingWorkloadsSummary",
    "items": [
        {
            "metadata": {
                "name": f"pod-jupyter-{name}-1a2b3",
                "namespace": "org-north",
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Pod", "name": f"jupyter-{name}", "uid": name}
                ],
            },
            "priority": 0,
            "localQueueName": "teaching",
            "positionInClusterQueue": 5 + place,
            "positionInLocalQueue": place,
        }
        for place, name in enumerate(["ada", "bo"])
    ],
}


def pod(name: str, **spec) -> dict:
    labels = {"kueue.x-k8s.io/queue-name": "teaching"}
    return {"metadata": {"name": f"jupyter-{name}", "labels": labels}, "spec": spec}


def test_the_place_is_that_of_the_pods_own_workload() -> None:
    """Else a student reads how long somebody else waits."""
    assert position(PENDING, "jupyter-bo") == 1
    assert position(PENDING, "jupyter-cy") is None
    assert position({}, "jupyter-bo") is None
    assert is_gated(pod("bo", schedulingGates=[{"name": "kueue.x-k8s.io/admission"}]))
    assert not is_gated(pod("bo", schedulingGates=[{"name": "another"}]))


async def test_everybody_in_a_queue_is_served_by_one_request_and_silence_is_no_place() -> None:
    """Else three hundred who wait are three hundred requests in five seconds."""
    asked = Counter()

    async def answer(request: web.Request) -> web.Response:
        asked[request.path] += 1
        if request.path == "/apis/visibility.kueue.x-k8s.io":
            return web.json_response(
                {"preferredVersion": {"groupVersion": "visibility.kueue.x-k8s.io/v1beta2"}}
            )
        if "org-north" in request.path:
            return web.json_response(PENDING)
        return web.json_response({"kind": "Status", "reason": "Forbidden"}, status=403)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:

        async def access() -> Access:
            async def nobody() -> None:
                return None

            address = str(server.make_url("")).rstrip("/")
            return Access(address, tls=None, server_name=None, proxy=None, authorization=nobody)

        async with Connection(access) as connection:
            queues = Queues(connection)
            found = [await queues.position("org-north", pod(name)) for name in ("ada", "bo", "cy") * 20]
            assert found == [0, 1, None] * 20
            assert await queues.position("org-south", pod("sue")) is None
            assert await queues.position("org-south", pod("sue")) is None
            assert await queues.position("org-north", {"metadata": {"name": "x"}}) is None
    path = (
        "/apis/visibility.kueue.x-k8s.io/v1beta2/namespaces/org-north/localqueues/teaching/pendingworkloads"
    )
    assert asked[path] == 1
    assert asked[path.replace("north", "south")] == 1
    await asyncio.sleep(0)
