"""Talk to the API server: requests, lists in chunks and watches, with failures of two kinds.

Watches have connections of their own, so that no number of them can hold up a request.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import aiohttp

from jupyterhub_libretexts.cluster.access import Access, load_access
from jupyterhub_libretexts.errors import ClusterError, ClusterUnavailable

__all__ = ["ApiFailure", "Connection"]

REQUEST_CONNECTIONS: Final = 32
CONNECT_SECONDS: Final = 5.0
REQUEST_SECONDS: Final = 10.0
LIST_READ_SECONDS: Final = 30.0
LONGEST_LINE: Final = 8 * 2**20
UNAUTHORIZED: Final = 401
FIRST_ERROR: Final = 400

Params = Mapping[str, str]


class ApiFailure(ClusterError):
    """The API server answered, and the answer is no.

    Attributes:
        status: The HTTP status, 400 to 599.
        reason: Kubernetes' one-word reason, such as ``Forbidden`` or ``AlreadyExists``; may be empty.
        message: Kubernetes' own sentence, for the log.
        details: The ``details`` of the Status object; may be empty.
        retry_after: Seconds that the server asks us to wait, or None.
    """

    def __init__(
        self,
        status: int,
        reason: str = "",
        message: str = "",
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self.message = message
        self.details = dict(details or {})
        self.retry_after = retry_after
        super().__init__(f"{status} {reason}: {message}".strip(": "))

    @classmethod
    def of_status(cls, answer: Any, status: int = 0, retry_after: float | None = None) -> ApiFailure:
        """The failure that a Status object describes; tolerant of anything else."""
        told = answer if isinstance(answer, dict) else {}
        code = told.get("code")
        return cls(
            status or (code if isinstance(code, int) else 500),
            str(told.get("reason") or ""),
            str(told.get("message") or ""),
            told.get("details") if isinstance(told.get("details"), dict) else None,
            retry_after,
        )


class Connection:
    """The hub's connections to one API server; open on first use, close once at the end.

    Args:
        load: Finds the way in. It is called again when the server no longer accepts our token, so
            that rotated files and exec plugins are followed.
        requests: How many requests may be under way at once; the others wait their turn.
    """

    def __init__(
        self, load: Callable[[], Awaitable[Access]] = load_access, *, requests: int = REQUEST_CONNECTIONS
    ) -> None:
        self._load = load
        self._limit = requests
        self._access: Access | None = None
        self._opening = asyncio.Lock()
        self._requests: aiohttp.ClientSession | None = None
        self._watches: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection; a later request opens new ones."""
        sessions = (self._requests, self._watches)
        self._requests = self._watches = None
        for session in sessions:
            if session is not None:
                await session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Any = None,
        content_type: str = "application/json",
        seconds: float = REQUEST_SECONDS,
    ) -> dict[str, Any]:
        """Send one request and return the object of its answer.

        Raises:
            ApiFailure: The server refused.
            ClusterUnavailable: No answer, or not one of an API server.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type} if data is not None else {}
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        async with self._answer(method, path, params, data=data, headers=headers, timeout=timeout) as answer:
            return _object(await answer.read(), path)

    async def get(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """Read one object."""
        return await self.request("GET", path, params=params)

    async def create(
        self, path: str, body: Mapping[str, Any], params: Params | None = None
    ) -> dict[str, Any]:
        """Create an object in the collection ``path``."""
        return await self.request("POST", path, params=params, body=body)

    async def patch(self, path: str, body: Any, kind: str = "strategic-merge-patch") -> dict[str, Any]:
        """Change an object; ``kind`` is ``strategic-merge-patch``, ``merge-patch`` or ``json-patch``."""
        return await self.request("PATCH", path, body=body, content_type=f"application/{kind}+json")

    async def delete(self, path: str, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Delete an object; ``options`` are DeleteOptions."""
        return await self.request("DELETE", path, body=options)

    async def page(self, path: str, params: Params) -> str:
        """One page of a list as text, for a reader that takes it apart in slices."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=LIST_READ_SECONDS)
        async with self._answer("GET", path, params, timeout=timeout) as answer:
            return (await answer.read()).decode("utf-8", "replace")

    @asynccontextmanager
    async def watch(
        self, path: str, params: Params, silence: float
    ) -> AsyncIterator[AsyncIterator[list[bytes]]]:
        """Open a watch; the value yields batches of lines, one JSON event each.

        Args:
            path: The collection.
            params: Selectors, ``resourceVersion`` and ``timeoutSeconds``.
            silence: Seconds without a byte after which the connection counts as dead.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)
        async with self._answer("GET", path, params, timeout=timeout, watching=True) as answer:
            yield _lines(answer.content)

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, params: Params | None, *, watching: bool = False, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        access = await self._open()
        headers = dict(options.pop("headers", {}))
        try:
            for attempt in (1, 2):
                session = self._watches if watching else self._requests
                if session is None:
                    raise ClusterUnavailable("The connection to the cluster is closed")
                token = await access.authorization()
                if token:
                    headers["Authorization"] = token
                async with session.request(
                    method,
                    access.server + path,
                    params=params,
                    headers=headers,
                    proxy=access.proxy,
                    server_hostname=access.server_name,
                    **options,
                ) as answer:
                    if answer.status == UNAUTHORIZED and attempt == 1:
                        access = self._access = await self._load()
                        continue
                    if answer.status >= FIRST_ERROR:
                        raise await _failure(answer)
                    yield answer
                    return
        except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
            raise ClusterUnavailable(
                f"The cluster at {access.server} does not answer ({type(error).__name__}: {error})"
            ) from error

    async def _open(self) -> Access:
        if self._access is not None and self._requests is not None:
            return self._access
        async with self._opening:
            if self._access is None:
                self._access = await self._load()
            if self._requests is None:
                self._requests = _session(self._access, self._limit)
                # How many watches there are is decided by who opens them, not by a queue in here.
                self._watches = _session(self._access, 0)
        return self._access


def _session(access: Access, limit: int) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=limit, ssl=access.tls if access.tls is not None else True)
    return aiohttp.ClientSession(
        connector=connector,
        trust_env=True,
        # Taking a compressed list apart costs the hub more time than the network needs to carry it.
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


async def _failure(answer: aiohttp.ClientResponse) -> ApiFailure:
    text = await answer.text("utf-8", "replace")
    try:
        told = json.loads(text)
    except ValueError:
        told = {"reason": answer.reason, "message": text[:500]}
    wait = answer.headers.get("Retry-After", "")
    return ApiFailure.of_status(told, answer.status, float(wait) if wait.isdecimal() else None)


def _object(raw: bytes, path: str) -> dict[str, Any]:
    try:
        value = json.loads(raw) if raw else {}
    except ValueError as error:
        raise ClusterUnavailable(f"The answer to {path} is not JSON: {raw[:100]!r}") from error
    if not isinstance(value, dict):
        raise ClusterUnavailable(f"The answer to {path} is not an object: {raw[:100]!r}")
    return value


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[list[bytes]]:
    """Yield what has arrived as whole lines; a rest without its newline waits for more."""
    rest = b""
    async for piece in content.iter_any():
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise ClusterUnavailable(f"A watch sent more than {LONGEST_LINE} bytes without a new line")
        if lines:
            yield lines
