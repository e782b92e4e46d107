"""A list-and-watch server whose misbehaviour is scripted: the API's protocol, and each way it can break.

The embedded cluster of the demo is a better Kubernetes; this is a better saboteur. It keeps objects as
they were given, numbers its versions, and fails exactly when it is told to.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import unused_port

from jupyterhub_libretexts.cluster.access import Access
from jupyterhub_libretexts.cluster.connection import Connection
from jupyterhub_libretexts.cluster.informer import Informer
from jupyterhub_libretexts.cluster.stream import Pace

FAST = Pace(
    first_retry=0.01,
    longest_retry=0.05,
    watch=60,
    silence=30,
    settling=0.2,
    sweep=0.05,
    turn=0.05,
    probe=0.05,
)


def pod(name: str, namespace: str = "davis", phase: str = "Pending", **labels: str) -> dict[str, Any]:
    """A pod as an API server sends it, with the parts that nobody needs to keep."""
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "labels": {"component": "singleuser-server", "hub.jupyter.org/username": name, **labels},
            "managedFields": [{"manager": "hub", "fieldsV1": {"f:spec": {"f:containers": {}}}}] * 3,
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [
                {
                    "name": "notebook",
                    "image": "default-env:1",
                    "env": [{"name": "JUPYTERHUB_API_TOKEN", "value": "secret"}],
                    "resources": {"limits": {"cpu": "2"}},
                }
            ],
        },
        "status": {"phase": phase},
    }


_serial = itertools.count()


def event(about: str, reason: str = "Scheduled", namespace: str = "davis", **more: Any) -> dict[str, Any]:
    """An event about the pod ``about``."""
    return {
        "metadata": {
            "name": f"{about}.{next(_serial):x}",
            "namespace": namespace,
            "uid": f"event-{next(_serial)}",
            "managedFields": [{}],
        },
        "involvedObject": {
            "kind": "Pod",
            "namespace": namespace,
            "name": about,
            "uid": f"uid-{namespace}-{about}",
        },
        "type": "Normal",
        "reason": reason,
        "message": f"{reason} {about}",
        "lastTimestamp": "2026-11-23T12:00:00Z",
        "eventTime": None,
        "count": 1,
        **more,
    }


class Saboteur:
    """The server: change ``pods`` and ``events`` by ``put`` and ``remove``; break it by the other methods."""

    def __init__(self) -> None:
        self.version = 100
        self.oldest = 0
        self.objects: dict[str, dict[tuple[str, str], dict[str, Any]]] = {"pods": {}, "events": {}}
        self.history: list[tuple[int, str, str, dict[str, Any]]] = []
        self.refused: set[str | None] = set()
        self.refused_watches: set[str | None] = set()
        self.missing: set[str] = set()
        self.failing: web.Response | None = None
        self.garbage = b""
        self.token = ""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.watching: list[tuple[str, web.StreamResponse]] = []
        self.most_watching = 0
        self.news = asyncio.Condition()
        self.port = unused_port()
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        app = web.Application()
        app.router.add_get("/api/v1/{plural:pods|events}", self._serve)
        app.router.add_get("/api/v1/namespaces/{namespace}/{plural:pods|events}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def down(self) -> None:
        """Go away as a crashed server does: nobody listens, open connections end."""
        if self._runner is not None:
            await self.drop_watches()
            await self._runner.cleanup()
            self._runner = None

    async def put(self, plural: str, thing: dict[str, Any]) -> dict[str, Any]:
        key = (thing["metadata"]["namespace"], thing["metadata"]["name"])
        kind = "MODIFIED" if key in self.objects[plural] else "ADDED"
        self.version += 1
        thing = {**thing, "metadata": {**thing["metadata"], "resourceVersion": str(self.version)}}
        self.objects[plural][key] = thing
        await self._record(plural, kind, thing)
        return thing

    async def remove(self, plural: str, name: str, namespace: str = "davis") -> None:
        thing = self.objects[plural].pop((namespace, name))
        self.version += 1
        thing = {**thing, "metadata": {**thing["metadata"], "resourceVersion": str(self.version)}}
        await self._record(plural, "DELETED", thing)

    async def bookmark(self) -> None:
        self.version += 1
        for plural in self.objects:
            await self._record(plural, "BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}})

    async def forget_history(self) -> None:
        """Compact: who resumes from an older version is answered 410."""
        self.version += 1
        self.oldest = self.version
        self.history.clear()

    async def drop_watches(self) -> None:
        """Cut every watch in the middle of its stream."""
        for _, response in list(self.watching):
            transport = response._req.transport if response._req is not None else None
            if transport is not None:
                transport.abort()

    def lists(self, path: str) -> int:
        """How often a list was begun at ``path``."""
        return sum(p == path and "watch" not in q and "continue" not in q for p, q in self.requests)

    async def _record(self, plural: str, kind: str, thing: dict[str, Any]) -> None:
        self.history.append((self.version, plural, kind, thing))
        async with self.news:
            self.news.notify_all()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        plural = request.match_info["plural"]
        namespace = request.match_info.get("namespace")
        query = dict(request.query)
        self.requests.append((request.path, query))
        if self.failing is not None:
            return web.Response(
                status=self.failing.status, body=self.failing.body, headers=self.failing.headers
            )
        if self.token and request.headers.get("Authorization") != self.token:
            return _status(401, "Unauthorized")
        if namespace in self.refused or (namespace in self.refused_watches and "watch" in query):
            return _status(403, "Forbidden", f"{plural} is forbidden")
        if namespace in self.missing:
            return _status(404, "NotFound", f'namespaces "{namespace}" not found')
        if "watch" in query:
            return await self._watch(request, plural, namespace, int(query["resourceVersion"]))
        return self._list(plural, namespace, int(query.get("limit", 0)), query.get("continue", ""))

    def _list(self, plural: str, namespace: str | None, limit: int, token: str) -> web.Response:
        things = [thing for (ns, _), thing in sorted(self.objects[plural].items()) if namespace in {None, ns}]
        start, version = (int(part) for part in token.split(":")) if token else (0, self.version)
        if version < self.oldest:
            return _status(410, "Expired")
        end = start + limit if limit else len(things)
        metadata = {"resourceVersion": str(version)}
        if end < len(things):
            metadata["continue"] = f"{end}:{version}"
        return web.json_response({"kind": "List", "metadata": metadata, "items": things[start:end]})

    async def _watch(
        self, request: web.Request, plural: str, namespace: str | None, since: int
    ) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        if since < self.oldest:
            told = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
            await response.write(json.dumps(told).encode() + b"\n")
            return response
        if self.garbage:
            garbage, self.garbage = self.garbage, b""
            await response.write(garbage)
            return response
        entry = (request.path, response)
        self.watching.append(entry)
        self.most_watching = max(self.most_watching, len(self.watching))
        try:
            while True:
                lines = []
                for version, kind_of, kind, thing in self.history:
                    inside = namespace in {None, thing["metadata"].get("namespace", namespace)}
                    if version > since and kind_of == plural and inside:
                        lines.append(json.dumps({"type": kind, "object": thing}).encode() + b"\n")
                since = self.version
                if lines:
                    await response.write(b"".join(lines))
                async with self.news:
                    if since == self.version:
                        await self.news.wait()
        except ConnectionResetError:
            return response
        finally:
            self.watching.remove(entry)


def _status(code: int, reason: str, message: str = "") -> web.Response:
    return web.json_response(
        {"kind": "Status", "code": code, "reason": reason, "message": message}, status=code
    )


def connection_to(server: Saboteur) -> Connection:
    async def load() -> Access:
        async def authorization() -> str | None:
            return server.token or None

        return Access(server.address, None, None, None, authorization)

    return Connection(load)


@asynccontextmanager
async def informer_of(server: Saboteur, pace: Pace = FAST, **options: Any):
    informer = Informer(connection_to(server), pace=pace, **options)
    informer.start()
    try:
        yield informer
    finally:
        await informer.close()


async def until(check, what: str = "", seconds: float = 20.0) -> None:
    """Wait for something that no event announces; bounded."""
    try:
        async with asyncio.timeout(seconds):
            while not check():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"did not happen within {seconds} s: {what}") from None


class Wire:
    """A way to the API server that can fall silent: nothing is refused or closed, nothing arrives."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.address = ""
        self.passes = asyncio.Event()
        self.passes.set()
        self.writers: list[asyncio.StreamWriter] = []

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self.passes.wait()
            writer.write(data)
        writer.close()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers += [writer, far_writer]
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    @classmethod
    @asynccontextmanager
    async def laid(cls, port: int) -> AsyncIterator[Wire]:
        """A wire to a port of this machine, while the block lasts."""
        wire = cls(port)
        server = await asyncio.start_server(wire.connected, "127.0.0.1")
        wire.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield wire
        server.close()
        for writer in wire.writers:
            writer.close()
