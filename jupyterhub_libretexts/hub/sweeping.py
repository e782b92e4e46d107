"""Ends pods that this hub started and no longer knows: after its database was lost, or a delete was refused.

A pod is this hub's when it stands in the namespace of one of its organisations and reports to its address.
Nobody else's is touched, so a second hub that somebody tries out beside it ends no student's server. A pod
is ended when it was unknown at two looks in a row.
"""

from __future__ import annotations

import asyncio
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cluster.connection import ApiFailure
from jupyterhub_libretexts.cluster.stream import Condition
from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.core.pod import CONTAINER
from jupyterhub_libretexts.errors import ClusterUnavailable

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from jupyterhub_libretexts.cluster.connection import Connection
    from jupyterhub_libretexts.cluster.objects import Pod
    from jupyterhub_libretexts.hub.shared import Shared

__all__ = ["claimed_by", "swept", "unclaimed"]

_ADDRESS = "JUPYTERHUB_API_URL"
_FIRST_PAUSE = 5.0
"""Seconds before each of the first two looks."""


async def swept(
    shared: Shared, address: str, claimed: Callable[[], set[str]], pause: float, log: logging.Logger
) -> None:
    """Look for ever, every ``pause`` seconds; the first two times soon after another.

    Args:
        shared: The hub's knowledge.
        address: Where servers of this hub report to (``JUPYTERHUB_API_URL``).
        claimed: The pods that the hub knows, as ``namespace/name``.
        pause: Seconds between two looks.
        log: Where each pod that is ended is said.
    """
    suspects: set[str] = set()
    # What a crash left behind may hold what others wait for, so the first two looks come soon.
    pauses = chain(repeat(min(pause, _FIRST_PAUSE), 2), repeat(pause))
    for seconds in pauses:
        await asyncio.sleep(seconds)
        settings = shared.catalogue.settings
        spaces = {namespace_of(settings, name) for name in settings.organizations}
        informer = shared.informer
        for space in spaces:
            try:
                await informer.ensure(space)
            except ClusterUnavailable:
                break
        if any(informer.condition(space)[0] is not Condition.CURRENT for space in spaces):
            continue
        found = unclaimed(informer.pods, claimed(), spaces)
        for reference, pod in found.items():
            if pod["metadata"]["uid"] in suspects:
                await _end(informer.connection, reference, pod, address, log)
        suspects = {pod["metadata"]["uid"] for pod in found.values()}


def unclaimed(pods: Mapping[str, Pod], claimed: set[str], spaces: set[str]) -> dict[str, Pod]:
    """Those pods in these namespaces that nobody claims, by ``namespace/name``; pure."""
    return {
        reference: pod
        for reference, pod in pods.items()
        if reference not in claimed
        and pod["metadata"]["namespace"] in spaces
        and "deletionTimestamp" not in pod["metadata"]
    }


def claimed_by(users: Mapping[Any, Any]) -> set[str]:
    """The pods of all servers that the hub's users have, starting and ending ones included."""
    return {
        spawner.pod_reference
        for user in users.values()
        for spawner in user.spawners.values()
        if spawner.active or spawner.server is not None
    }


async def _end(connection: Connection, reference: str, pod: Pod, address: str, log: logging.Logger) -> None:
    metadata = pod["metadata"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
    # Only this very pod, should a new one of the same name have come meanwhile.
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": metadata["uid"]}}
    try:
        # The informer keeps no environment, because it holds secrets.
        if _reports_to(await connection.get(path)) == address:
            log.warning("%s is a server that this hub does not know any more; it is ended", reference)
            await connection.delete(path, options)
    except (ApiFailure, ClusterUnavailable) as failure:
        log.warning("%s is not known and could not be ended: %s", reference, failure)


def _reports_to(pod: Pod) -> str | None:
    for container in pod["spec"].get("containers") or ():
        if container["name"] == CONTAINER:
            variables = container.get("env") or ()
            return next((item.get("value") for item in variables if item["name"] == _ADDRESS), None)
    return None
