"""The embedded cluster as one thing to start and to end."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import tempfile
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from .addresses import Addresses
from .application import Application
from .configuration import ClusterSpec, NodeSpec
from .controllers import Controllers
from .events import Recorder
from .limits import Limits
from .listing import Listing
from .local_node import LocalNode
from .node_objects import furnish, register
from .registry import Registry
from .scheduler import Scheduler
from .standin_node import StandInNode, StandInServer
from .store import Store
from .verbs import Verbs
from .watches import Watches

if TYPE_CHECKING:
    from types import TracebackType

    from .faults import Faults
    from .requests import RequestCounts
    from .resources import Resource

_CLOSING = 2.0  # Seconds that open requests have to end; watches are ended before.


class EmbeddedCluster:
    """A Kubernetes API, a scheduler, controllers and nodes in this process's event loop.

    It is for trying out and for tests. Nothing is isolated by it: pods are local processes of this
    account, network policies and rights are stored and not enforced. It listens on the loopback
    interface only and wants its token.

        async with EmbeddedCluster(ClusterSpec(nodes=(NodeSpec(cpu="4"),))) as cluster:
            os.environ["KUBECONFIG"] = str(cluster.kubeconfig)
    """

    def __init__(self, spec: ClusterSpec | None = None) -> None:
        self.spec = spec or ClusterSpec()
        self.token = self.spec.token or secrets.token_urlsafe(24)
        self.store = Store(self.spec.history)
        self.registry = Registry(self.store)
        self.watches = Watches(self.store)
        self.listing = Listing(self.store)
        self.recorder = Recorder(self.store)
        self.scheduler = Scheduler(self.registry, self.recorder)
        self.controllers = Controllers(self.registry, self.recorder)
        self.nodes: list[LocalNode | StandInNode] = []
        self.application = Application(
            Verbs(self.registry, self.watches, self.listing, self),
            self.token,
            control=self.spec.control,
            bookmarks=self.spec.bookmarks,
        )
        self.port = 0
        self.folder = Path()
        self._site: web.TCPSite | None = None
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stack = AsyncExitStack()

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose."""
        return self.application.faults

    @property
    def requests(self) -> RequestCounts:
        """What was asked so far."""
        return self.application.counts

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://{self.spec.host}:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """A file that tells clients the address and the token."""
        return self.folder / "kubeconfig"

    @property
    def kubectl_config(self) -> Path:
        """The same for kubectl, which sends no token without TLS: its address contains the token."""
        return self.folder / "kubectl.kubeconfig"

    @property
    def local(self) -> LocalNode:
        """The first node that runs processes."""
        return next(node for node in self.nodes if isinstance(node, LocalNode))

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        self._make_folder()
        addresses = Addresses()
        self._stack.callback(addresses.close)
        self.nodes = [self._node(node, addresses) for node in self.spec.nodes]
        self._stack.push_async_callback(self._close_nodes)
        for work in (self.scheduler.run(), self.controllers.run()):
            self._tasks.append(asyncio.create_task(work))
        self._stack.push_async_callback(self._cancel)
        furnish(self.registry, self.spec.namespaces)
        for node, spec in zip(self.nodes, self.spec.nodes, strict=True):
            limits = node.limits.kind if isinstance(node, LocalNode) else "none"
            register(self.registry, spec, addresses.node, limits)
        if any(isinstance(node, StandInNode) for node in self.nodes):
            await self._answer_for_pods(addresses.node)
        self._runner = web.AppRunner(
            self.application.build(), access_log=None, shutdown_timeout=_CLOSING, handler_cancellation=True
        )
        await self._runner.setup()
        self._stack.push_async_callback(self._close_server)
        await self._listen(self.spec.port)
        self._write_kubeconfigs()

    def _make_folder(self) -> None:
        if self.spec.folder is None:
            # Short, as programs put sockets below it whose paths may have 107 characters.
            self.folder = Path(tempfile.mkdtemp(prefix="lt-"))
            self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        else:
            self.folder = self.spec.folder.resolve()
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for part in ("pods", "claims", "kubeconfig", "kubectl.kubeconfig"):
                self._stack.callback(_removed, self.folder / part)

    def _node(self, spec: NodeSpec, addresses: Addresses) -> LocalNode | StandInNode:
        if spec.kind == "standin":
            return StandInNode(
                spec.name,
                self.registry,
                self.recorder,
                addresses.node,
                start_seconds=self.spec.start_seconds,
                events=self.spec.events,
            )
        return LocalNode(
            spec.name,
            self.registry,
            self.recorder,
            addresses,
            self.folder,
            self.spec.images,
            host_roots=tuple(root.resolve() for root in self.spec.host_roots),
            back_off=self.spec.back_off,
            limits=Limits(enforce=self.spec.memory_limits),
        )

    async def _answer_for_pods(self, address: str) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: StandInServer(self.spec.hub_version), address, self.spec.stand_in_port, backlog=4096
        )
        self._stack.callback(server.close)

    async def _listen(self, port: int) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, self.spec.host, port, backlog=4096)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def refuse_connections(self, seconds: float) -> None:
        """Be away for a while, as an API server that is started again: no connection is accepted."""
        assert self._site is not None
        port = self.port
        await self._site.stop()
        self.watches.end_all()
        await asyncio.sleep(seconds)
        await self._listen(port)

    def drop_watches(self, resource: Resource | None = None) -> int:
        """End every watch (of a kind) now; returns how many there were."""
        return self.watches.end_all(resource)

    def forget_history(self, resource: Resource | None = None) -> None:
        """Compact: watches from older versions and lists in pages answer 410 from now on."""
        self.store.forget(resource)
        self.listing.forget()

    def log(self, uid: str, container: str, *, previous: bool) -> Path | None:
        """The file of a container's output."""
        for node in self.nodes:
            if isinstance(node, LocalNode) and uid in node.workers:
                return node.log(uid, container, previous=previous)
        return None

    def _write_kubeconfigs(self) -> None:
        for path, server in ((self.kubeconfig, self.url), (self.kubectl_config, f"{self.url}/{self.token}")):
            path.touch(mode=0o600)
            path.write_text(json.dumps(self._kubeconfig(server), indent=1), encoding="utf-8")

    def _kubeconfig(self, server: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "embedded", "cluster": {"server": server}}],
            "users": [{"name": "embedded", "user": {"token": self.token}}],
            "contexts": [{"name": "embedded", "context": {"cluster": "embedded", "user": "embedded"}}],
            "current-context": "embedded",
        }

    async def _close_server(self) -> None:
        self.watches.end_all()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _close_nodes(self) -> None:
        for node in self.nodes:
            await node.close()

    async def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _removed(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
