"""Ends pods that this hub started and no longer knows: after its database was lost, or a delete was refused.

A pod is this hub's when it stands in the namespace of one of its organisations and reports to its address.
Nobody else's is touched, so a second hub that somebody tries out beside it ends no student's server. A pod
is ended when it was unknown at two looks in a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cluster.connection import ApiFailure
from jupyterhub_libretexts.cluster.stream import Condition
from jupyterhub_libretexts.core.pod import CONTAINER
from jupyterhub_libretexts.errors import ClusterUnavailable

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from jupyterhub_libretexts.cluster.connection import Connection
    from jupyterhub_libretexts.cluster.objects import Pod
    from jupyterhub_libretexts.hub.shared import Shared

__all__ = ["Sweep", "claimed_by", "unclaimed"]

_ADDRESS = "JUPYTERHUB_API_URL"


class Sweep:
    """Looks at what the cluster has and the hub does not know.

    Args:
        shared: The hub's knowledge.
        address: Where servers of this hub report to (``JUPYTERHUB_API_URL``).
        claimed: The pods that the hub knows, as ``namespace/name``.
        log: Where each pod that is ended is said.
    """

    def __init__(
        self, shared: Shared, address: str, claimed: Callable[[], set[str]], log: logging.Logger
    ) -> None:
        self._shared, self._address, self._claimed, self._log = shared, address, claimed, log
        self._suspects: set[str] = set()

    async def look(self) -> None:
        """Look once, and end what nobody claimed the last time either."""
        await self._shared.all_known()
        spaces, informer = self._shared.namespaces, self._shared.informer
        if any(informer.condition(space)[0] is not Condition.CURRENT for space in spaces):
            return
        found = unclaimed(informer.pods, self._claimed(), set(spaces))
        for reference, pod in found.items():
            if pod["metadata"]["uid"] in self._suspects:
                await _end(informer.connection, reference, pod, self._address, self._log)
        self._suspects = {pod["metadata"]["uid"] for pod in found.values()}


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
