"""The HTTP side: who is let in, what is counted, which faults strike, how answers go out."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from jupyterhub_libretexts.errors import UsageError

from .answers import ApiRefusal, bad_request, expired, no_such_path, unauthorized
from .discovery import discovery, review
from .faults import Fault, Faults, fault_from
from .reading import LARGEST_BODY, decoded, flag, whole_number
from .requests import RequestCounts
from .resources import PODS
from .routes import Route, route
from .store import encoded, watch_line
from .verbs import Answer, Verbs, answer
from .watches import Watcher, bookmark

CONTROL = "/control"
_OPEN = ("/healthz", "/readyz", "/livez")
_LONGEST_WATCH = 1800  # Seconds, when the client does not say; the real server's shortest.


class _CutError(Exception):
    """The connection ends without an answer: a fault."""


@dataclass(slots=True)
class Application:
    """The API as an aiohttp application."""

    verbs: Verbs
    token: str
    faults: Faults = field(default_factory=Faults)
    counts: RequestCounts = field(default_factory=RequestCounts)
    control: bool = False
    """Whether faults may be switched and counters read over HTTP, under ``/control``."""
    bookmarks: float = 60.0
    """Seconds between two bookmarks of a watch."""

    def build(self) -> web.Application:
        """The application, not yet listening."""
        made = web.Application(client_max_size=LARGEST_BODY)
        made.router.add_route("*", "/{path:.*}", self._handle)
        return made

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            if request.path in _OPEN:
                return web.Response(text="ok")
            inside = f"/{self.token}/"
            if request.path.startswith(inside):
                # kubectl sends no token without TLS: it gets an address that contains it instead.
                request = request.clone(rel_url=request.path_qs[len(inside) - 1 :])
            elif not self._known(request):
                raise unauthorized()
            return await self._route(request)
        except ApiRefusal as refusal:
            self.counts.codes[refusal.code] += 1
            return _response(answer(refusal.status, refusal.code))
        except web.HTTPRequestEntityTooLarge:
            text = f"Request entity too large: limit is {LARGEST_BODY}"
            return _response(answer(ApiRefusal(413, "RequestEntityTooLarge", text).status, 413))
        except _CutError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    def _known(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").encode()
        return hmac.compare_digest(given, f"Bearer {self.token}".encode())

    async def _route(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        at = route(path)
        if at is None:
            return await self._other(request)
        watching = request.method == "GET" and flag(request.query, "watch")
        verb = at.verb(request.method, watch=watching)
        key = (verb, at.label)
        self.counts.requests[key] += 1
        data = await request.read() if request.can_read_body else b""
        self.counts.received[key] += len(data)
        struck = self.faults.take(verb, at.label, at.namespace or "", at.name) if self.faults.active else []
        if struck and (refused := await _strike(struck)):
            self.counts.codes[refused.status] += 1
            return refused
        if verb == "watch":
            return await self._watch(at, request, struck)
        if at.sub == "log" and at.resource is PODS:
            return await self.verbs.send_log(at, request)
        done = self.verbs.run(verb, at, request, data)
        if any(fault.action == "lose_answer" for fault in struck):
            raise _CutError
        self.counts.codes[done.code] += 1
        self.counts.sent[key] += len(done.data)
        return _response(done)

    async def _other(self, request: web.Request) -> web.StreamResponse:
        data = await request.read() if request.can_read_body else b""
        if self.control and request.path.startswith(f"{CONTROL}/"):
            return self._controlled(request, data)
        found: dict[str, Any] | None = None
        code = 200
        if request.method == "POST" and data:
            found, code = review(request.path, decoded(data, request.content_type)), 201
        elif request.method in ("GET", "HEAD"):
            found = discovery(request.path, request.host)
        if found is None:
            raise no_such_path()
        return _response(answer(found, code))

    def _controlled(self, request: web.Request, data: bytes) -> web.Response:
        """Switch faults and read counters from outside; only where it was enabled."""
        word = request.path.removeprefix(f"{CONTROL}/")
        match request.method, word:
            case "POST", "faults":
                try:
                    self.faults.add(fault_from(decoded(data, "application/json")))
                except UsageError as error:
                    raise bad_request(str(error)) from None
            case "DELETE", "faults":
                self.faults.clear()
            case "DELETE", "requests":
                self.counts.clear()
            case "POST", "drop-watches":
                self.verbs.watches.end_all()
            case "GET", "requests":
                pass
            case _:
                raise no_such_path()
        return _response(answer({"requests": list(self.counts.rows()), "faults": len(self.faults.active)}))

    async def _watch(self, at: Route, request: web.Request, struck: list[Fault]) -> web.StreamResponse:
        query = request.query
        test = self.verbs.test(at, query)
        seconds = whole_number(query, "timeoutSeconds") or _LONGEST_WATCH
        asked = query.get("resourceVersion", "")
        if asked and not asked.isdigit():
            raise bad_request(
                f'Invalid value: "{asked}": strconv.ParseUint: parsing "{asked}": invalid syntax'
            )
        watches = self.verbs.watches
        initial = flag(query, "sendInitialEvents")
        try:
            if any(fault.action == "expire" for fault in struck):
                raise expired(f"too old resource version: {asked or 0} ({asked or 0})")
            if initial or asked in ("", "0"):
                watcher = watches.open_with_state(at.resource, at.namespace, test)
            else:
                watcher = watches.open(at.resource, at.namespace, test, int(asked))
        except ApiRefusal as refusal:
            # A watch that cannot begin says so inside its stream, as the real server does.
            watcher = Watcher(at.resource, test)
            watcher.tell(watch_line("ERROR", encoded(refusal.status)))
            watcher.end()
        if initial:
            watcher.tell(bookmark(at.resource, watcher.version, initial=True))
        cut = next((fault.seconds for fault in struck if fault.action == "drop_watch"), None)
        stream = _Stream(watcher, self.bookmarks if flag(query, "allowWatchBookmarks") else None)
        try:
            return await stream.run(request, seconds, self._sent(at), cut)
        finally:
            watches.close(watcher)

    def _sent(self, at: Route) -> Any:
        key = ("watch", at.label)

        def add(size: int) -> None:
            self.counts.sent[key] += size

        return add


async def _strike(struck: list[Fault]) -> web.Response | None:
    """Carry out the faults that come before the work; returns the refusal, if one is an answer."""
    for fault in struck:
        if fault.action == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.action == "hang_up":
            raise _CutError
        elif fault.action == "expire" and fault.verb not in {"watch", "*"}:
            raise expired("The resourceVersion for the provided list is too old.")
        elif fault.action == "refuse":
            return _refusal(fault)
    return None


def _refusal(fault: Fault) -> web.Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.status == web.HTTPTooManyRequests.status_code:
        headers.setdefault("Retry-After", "1")
        text = "Too many requests, please try again later.\n"
        return web.Response(status=fault.status, text=text, headers=headers)
    reason, text = {
        web.HTTPForbidden.status_code: (
            "Forbidden",
            f'{fault.resource} is forbidden: User "demo" cannot {fault.verb} resource "{fault.resource}"',
        ),
        web.HTTPServiceUnavailable.status_code: ("ServiceUnavailable", "etcdserver: request timed out"),
    }.get(fault.status, ("InternalError", "etcdserver: request timed out"))
    document = ApiRefusal(fault.status, reason, text).status
    return web.Response(
        status=fault.status, body=encoded(document), content_type="application/json", headers=headers
    )


def _response(done: Answer) -> web.Response:
    response = web.Response(status=done.code, body=done.data, content_type=done.content_type)
    for text in done.warnings:
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{quoted}"')
    return response


@dataclass(slots=True)
class _Stream:
    """One watch on its connection."""

    watcher: Watcher
    bookmarks: float | None

    async def run(
        self, request: web.Request, seconds: float, sent: Any, cut: float | None = None
    ) -> web.StreamResponse:
        """Send lines as they come, for as long as the client wished.

        Args:
            request: The watch.
            seconds: How long the client wished.
            sent: Told how many bytes went.
            cut: Seconds after which the connection is broken instead, a fault.
        """
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        end = loop.time() + (seconds if cut is None else min(cut, seconds))
        pause = self.bookmarks or _LONGEST_WATCH
        try:
            while True:
                if data := self.watcher.take():
                    sent(len(data))
                    await response.write(data)
                left = end - loop.time()
                if left <= 0 or self.watcher.ended:
                    break
                try:
                    await asyncio.wait_for(self.watcher.wake.wait(), min(left, pause))
                except TimeoutError:
                    self._mark()
            if cut is not None:
                raise _CutError
            await response.write_eof()
        except (ConnectionResetError, OSError):
            pass  # The client went away; there is nobody left to tell.
        return response

    def _mark(self) -> None:
        if self.bookmarks is not None:
            self.watcher.tell(bookmark(self.watcher.resource, self.watcher.version))
