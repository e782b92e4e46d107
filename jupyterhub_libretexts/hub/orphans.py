"""Pods that no server of the hub claims: what a crash in the middle of a start leaves behind.

JupyterHub stores where a server is only after its start returned (`user.py`, ``spawn``). A hub that
dies before has pods that it will never ask about, and each holds its share, a GPU perhaps, until its
end. They are found by what is written on them and ended; whoever wanted one starts it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub import orm

from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.core.subjects import PREFIX
from jupyterhub_libretexts.errors import ClusterError
from jupyterhub_libretexts.hub.starting import Starter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyterhub.app import JupyterHub

    from jupyterhub_libretexts.cluster.objects import Pod
    from jupyterhub_libretexts.hub.shared import Shared

__all__ = ["Orphans", "is_claimed"]

_USERNAME, _SERVER = "hub.jupyter.org/username", "hub.jupyter.org/servername"
_RETRY_SECONDS = 10.0


def is_claimed(app: JupyterHub, pod: Pod) -> bool:
    """Whether a server of this hub, running or on its way, is this pod's."""
    metadata = pod["metadata"]
    annotations = metadata.get("annotations") or {}
    found = orm.User.find(app.db, annotations.get(_USERNAME, ""))
    stored = found.orm_spawners.get(annotations.get(_SERVER, "")) if found is not None else None
    if found is None or stored is None:
        return False
    known = app.users.get(found.id)
    spawner = known.spawners.get(stored.name) if known is not None else None
    if spawner is not None and spawner.pending:
        return True
    if stored.server is None:
        return False
    state: dict[str, Any] = stored.state or {}
    return (state.get("namespace"), state.get("pod_name")) == (metadata["namespace"], metadata["name"])


class Orphans:
    """Ends pods that nobody claimed twice in a row."""

    def __init__(self, shared: Shared, app: JupyterHub) -> None:
        self._shared = shared
        self._app = app
        self._suspected: set[str] = set()
        self._log = app.log

    async def sweep(self) -> int:
        """Look once; end what was unclaimed the last time too. Returns how many pods that were."""
        unclaimed = {pod["metadata"]["uid"]: pod for pod in self._ours() if not is_claimed(self._app, pod)}
        ended = 0
        for uid, pod in unclaimed.items():
            if uid in self._suspected and not is_claimed(self._app, pod):
                ended += await self._end(pod)
        self._suspected = set(unclaimed)
        return ended

    def _ours(self) -> Iterator[Pod]:
        settings = self._shared.catalogue.settings
        for pod in list(self._shared.informer.pods.values()):
            metadata = pod["metadata"]
            organization = (metadata.get("annotations") or {}).get(f"{PREFIX}organization", "")
            # Another hub on the same cluster has organisations of its own.
            if (
                organization in settings.organizations
                and metadata["namespace"] == namespace_of(settings, organization)
                and not metadata.get("deletionTimestamp")
            ):
                yield pod

    async def _end(self, pod: Pod) -> bool:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        starter = Starter(self._shared.informer, namespace, name, _RETRY_SECONDS, self._app.log)
        try:
            await starter.delete(grace=None, uid=pod["metadata"]["uid"])
        except ClusterError as error:
            self._log.warning("%s/%s, which no server claims, could not be ended: %s", namespace, name, error)
            return False
        self._log.warning(
            "%s/%s is no server's (the hub ended while it started) and is ended", namespace, name
        )
        return True
