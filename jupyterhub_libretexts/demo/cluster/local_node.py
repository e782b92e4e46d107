"""A node that runs each pod's command as local processes.

It is for trying out and for tests. Nothing is isolated: pods are processes of the account that
runs the cluster, they share its file system and network, network policies do nothing, and a
container's user, capabilities and probes are not looked at.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .container import Container, Order
from .environment import Rewriting, expanded, path_of, variables
from .images import Image, argv, image_for
from .limits import Limits
from .pod_status import ContainerState
from .resources import PODS, VOLUMES
from .volumes import VolumeFolders, mounted
from .worker import PodWorker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .addresses import Addresses
    from .events import Recorder
    from .registry import Registry
    from .store import Change, Store

Document = dict[str, Any]


@dataclass(slots=True)
class LocalNode:
    """The kubelet of one such node."""

    name: str
    registry: Registry
    recorder: Recorder
    addresses: Addresses
    folder: Path
    """Where pods' files live; gone when the cluster ends."""
    images: Sequence[Image]
    host_roots: tuple[Path, ...] = ()
    back_off: float = 10.0
    """Seconds before a failed image or container is tried again; doubled each time."""
    limits: Limits = field(default_factory=Limits)
    pulled: set[str] = field(default_factory=set)
    workers: dict[str, PodWorker] = field(default_factory=dict)
    volumes: VolumeFolders = field(init=False)

    def __post_init__(self) -> None:
        self.volumes = VolumeFolders(self.store, self.folder / "claims", self.host_roots)
        self.store.subscribe(self._follow)

    @property
    def store(self) -> Store:
        """The objects of the cluster."""
        return self.registry.store

    @property
    def address(self) -> str:
        """The node's own address."""
        return self.addresses.node

    def _follow(self, change: Change) -> None:
        # A worker writes to the store, which a subscriber must not do: it runs after this change.
        if change.resource is PODS and change.document["spec"].get("nodeName") == self.name:
            asyncio.get_running_loop().call_soon(self._sync, change)
        elif change.resource is VOLUMES and change.kind == "DELETED":
            self.volumes.forget_claim(change.document["metadata"]["name"])

    def _sync(self, change: Change) -> None:
        pod = change.document
        uid = pod["metadata"]["uid"]
        worker = self.workers.get(uid)
        if change.kind == "DELETED":
            if worker is not None:  # Deleted by force: the processes go as well.
                worker.end(_at_once(pod), self._gone)
            return
        if worker is None and not pod["metadata"].get("deletionTimestamp"):
            worker = self.workers[uid] = PodWorker(self, pod)
            worker.begin()
        elif worker is not None and pod["metadata"].get("deletionTimestamp"):
            worker.end(pod, self._done)

    def _done(self, pod: Document) -> None:
        self._gone(pod)
        self.registry.finish(PODS, pod)

    def _gone(self, pod: Document) -> None:
        worker = self.workers.pop(pod["metadata"]["uid"], None)
        if worker is not None:
            self.limits.release(worker.uid)
            shutil.rmtree(worker.folder, ignore_errors=True)

    def order(
        self, worker: PodWorker, container: Document, state: ContainerState, volumes: Mapping[str, Path]
    ) -> Order:
        """What a container runs, in the terms of this machine.

        Raises:
            ContainerConfigError: Something that it refers to does not exist.
            MountError: A mount is not possible.
        """
        pod = {**worker.pod, "status": {**(worker.pod.get("status") or {}), **self._addresses_of(worker)}}
        image = image_for(container["image"], self.images)
        assert image is not None
        given = variables(container, pod, self.store)
        rewriting = self._rewriting(worker, container, image, volumes)
        words = argv(image, container.get("command") or (), container.get("args") or ())
        home = rewriting.folders[image.home]
        environment = {
            "PATH": path_of(image.path),
            "LANG": "C.UTF-8",
            "HOSTNAME": pod["metadata"]["name"],
            "TMPDIR": str(_made(worker.folder / "tmp")),
            **image.environment,
            **{name: rewriting.text(value) for name, value in given.items()},
        }
        environment["HOME"] = environment.get("HOME") or home
        folder = rewriting.text(container["workingDir"]) if container.get("workingDir") else home
        log = self.log(worker.uid, state.name, previous=False)
        if log.exists():
            log.replace(self.log(worker.uid, state.name, previous=True))
        join, events, data_limit = self.limits.apply(worker.uid, container)
        return Order(
            argv=[rewriting.text(expanded(word, given)) for word in words],
            environment=environment,
            folder=Path(folder),
            log=log,
            join=join,
            memory_events=events,
            data_limit=data_limit,
        )

    def _addresses_of(self, worker: PodWorker) -> Document:
        return {"podIP": worker.address, "hostIP": self.address, "podIPs": [{"ip": worker.address}]}

    def _rewriting(
        self, worker: PodWorker, container: Document, image: Image, volumes: Mapping[str, Path]
    ) -> Rewriting:
        folders = mounted(container, volumes)
        if image.home not in folders:
            folders[image.home] = str(_made(worker.folder / "home"))
        return Rewriting(worker.address, folders)

    def log(self, uid: str, container: str, *, previous: bool) -> Path:
        """The file of a container's output."""
        return self.folder / "pods" / uid / f"{container}.{'previous' if previous else 'log'}"

    async def execute(
        self, worker: PodWorker, container: Document, command: Sequence[str], volumes: Mapping[str, Path]
    ) -> int:
        """Run a command as a container would; returns its exit code."""
        state = ContainerState(f"{container['name']}.hook", container["image"])
        order = self.order(worker, {**container, "command": list(command), "args": []}, state, volumes)
        started = await Container.start(order)
        try:
            return (await asyncio.shield(started.end)).code
        finally:
            await started.close()

    async def close(self) -> None:
        """End every pod at once."""
        await asyncio.gather(*(worker.close() for worker in self.workers.values()))
        for uid in tuple(self.workers):
            self.limits.release(uid)
        self.workers.clear()


def _at_once(pod: Document) -> Document:
    return {**pod, "metadata": {**pod["metadata"], "deletionGracePeriodSeconds": 0}}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
