"""A crowd at the hub's door: connections wait in the kernel, and requests are handled a few at a time.

Of a class that clicks in the same second, JupyterHub's web server takes every request that has arrived into
one round of its event loop; each costs some milliseconds before anything is awaited, so that with a thousand
of them the loop serves nothing else for seconds: no page, no answer of the cluster, no health check.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from tornado.httputil import HTTPMessageDelegate, HTTPServerConnectionDelegate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyterhub.app import JupyterHub
    from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine, ResponseStartLine

__all__ = ["Door", "receive"]

_WAITING = 4096
"""Connections that the kernel keeps; it bounds them by ``net.core.somaxconn``."""
_MOST = 4
"""Requests in one round of the event loop. Not a time: tornado begins them in the round after."""


def receive(app: JupyterHub) -> None:
    """Be ready for a crowd, from when the hub listens."""
    server = app.http_server
    # Tornado has the kernel keep 128; those beyond are reset after some seconds of a busy loop. A second
    # listen(2) changes nothing but that number.
    for listening in server._sockets.values():  # noqa: SLF001 (tornado has no other way to them)
        listening.listen(_WAITING)
    server.request_callback = Door(server.request_callback)


class Door(HTTPServerConnectionDelegate):
    """Hands complete requests to an application in their order, a few in each round of the event loop.

    Args:
        application: Handles them.
        most: After how many the loop goes around.
    """

    def __init__(self, application: HTTPServerConnectionDelegate, most: int = _MOST) -> None:
        self._application = application
        self._most = most
        self._waiting: deque[Callable[[], None]] = deque()
        self._running = False

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Begin to read one request."""
        return _Request(self._application.start_request(server_conn, request_conn), self._later)

    def on_close(self, server_conn: object) -> None:
        """A connection has ended."""
        self._application.on_close(server_conn)

    def _later(self, work: Callable[[], None]) -> None:
        self._waiting.append(work)
        if not self._running:
            self._again()

    def _again(self) -> None:
        self._running = bool(self._waiting)
        if self._running:
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        try:
            for _ in range(min(self._most, len(self._waiting))):
                self._waiting.popleft()()
        finally:
            self._again()


class _Request(HTTPMessageDelegate):
    """One request on its way in."""

    def __init__(self, inner: HTTPMessageDelegate, later: Callable[[Callable[[], None]], None]) -> None:
        self._inner, self._later = inner, later

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        self._later(self._inner.finish)

    def on_connection_close(self) -> None:
        self._inner.on_connection_close()
