"""What becomes of a turn: the server is started, and lost again if nobody is there in time.

Servers are started and ended through the hub's own API, with a token of the person that lives for a
few minutes: every rule of the hub and of ours applies as if they had asked themselves.
"""

from __future__ import annotations

import json
import time
from datetime import UTC
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jupyterhub
from jupyterhub import orm
from jupyterhub.utils import url_path_join
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

if TYPE_CHECKING:
    from jupyterhub.app import JupyterHub
    from jupyterhub.user import User

    from jupyterhub_libretexts.hub.shared import Shared
    from jupyterhub_libretexts.hub.waiting import Place

__all__ = ["Turns", "holds", "stop_server"]

_TOKEN_SECONDS = 300
_NOTE = "Server at your turn in the waiting line"
"""JupyterHub counts no request as activity of the person whose token's note begins with ``Server at``."""
_SETTLED = 5.0
"""Seconds after a server is up in which what it reports as activity is its own start."""
_FIRST_ERROR = 400


class Turns:
    """Looks after everybody whose turn it is."""

    def __init__(self, shared: Shared, app: JupyterHub) -> None:
        self._shared = shared
        self._app = app
        self._asked: set[int] = set()
        """Places whose server we asked for."""
        self._ready: dict[int, float] = {}
        """When the server of a place was first seen to be up."""

    async def tick(self) -> None:
        """Look after all turns once."""
        waiting = self._shared.waiting
        waiting.tidy()
        waiting.settle()
        for place in waiting.called():
            try:
                await self._look_after(place)
            except Exception:
                # One person's trouble must not keep the others waiting.
                self._app.log.exception("The turn of %s cannot be looked after now", place.username)

    async def _look_after(self, place: Place) -> None:
        waiting = self._shared.waiting
        gpu = self._shared.catalogue.settings.gpus[place.gpu]
        over = self._shared.clock.since(place.called or 0.0) > gpu.turn.seconds
        user = _user(self._app, place.username)
        if user is None:
            waiting.leave(place)
            return
        spawner = user.spawners.get(place.server) or user.get_spawner(place.server)
        if spawner.pending:
            return
        if spawner.ready and spawner.chosen_gpu == place.gpu:
            ready = self._ready.setdefault(place.number, time.time())
            if place.seen >= (place.called or 0.0) or _active(user) > ready + _SETTLED:
                waiting.done(place)
            elif over:
                await stop_server(self._app, user, place.server)
                waiting.lose(place, f"It was your turn, and you were not there within {gpu.turn}.")
        elif spawner.ready:
            if over:
                waiting.lose(place, f"It was your turn, and your other server ran on for {gpu.turn}.")
        elif place.number in self._asked or over:
            waiting.lose(
                place, _failure(spawner) or f"It was your turn, and nothing started within {gpu.turn}."
            )
        else:
            self._asked.add(place.number)
            status, said = await _ask(self._app, user, "POST", place.server, dict(place.options))
            if status >= _FIRST_ERROR:
                waiting.lose(place, said)
        self._asked &= {one.number for one in waiting.called()}


def holds(app: JupyterHub, place: Place) -> bool:
    """Whether somebody's server with the GPU of their turn is up or on its way."""
    user = _user(app, place.username)
    spawner = user.spawners.get(place.server) if user is not None else None
    return spawner is not None and bool(spawner.active) and spawner.chosen_gpu == place.gpu


async def stop_server(app: JupyterHub, user: User, server: str) -> None:
    """End somebody's server as they would."""
    await _ask(app, user, "DELETE", server, None)


def _user(app: JupyterHub, name: str) -> User | None:
    found = orm.User.find(app.db, name)
    return app.users[found] if found is not None else None


def _active(user: User) -> float:
    """When the hub last heard of somebody, in seconds since 1970."""
    last = user.orm_user.last_activity
    return last.replace(tzinfo=UTC).timestamp() if last is not None else 0.0


def _failure(spawner: Any) -> str:
    """Why the last start of a server failed, in the words that its person would have read."""
    future = spawner._spawn_future  # noqa: SLF001 (the only place where JupyterHub keeps it)
    error = future.exception() if future is not None and future.done() and not future.cancelled() else None
    return str(getattr(error, "jupyterhub_message", "")) if error is not None else ""


async def _ask(app: JupyterHub, user: User, method: str, server: str, options: Any) -> tuple[int, str]:
    """One request to the hub's API in somebody's name; the status and what was said."""
    token = user.new_api_token(note=_NOTE, expires_in=_TOKEN_SECONDS, scopes=[f"servers!user={user.name}"])
    path = ["servers", quote(server, safe="")] if server else ["server"]
    body = None
    if options is not None:
        body = json.dumps({"user_options": options} if jupyterhub.version_info >= (6,) else options)
    request = HTTPRequest(
        url_path_join(app.hub.url, "api", "users", quote(user.name, safe=""), *path),
        method=method,
        headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
        body=body,
        request_timeout=60,
    )
    try:
        answer = await AsyncHTTPClient().fetch(request)
    except HTTPClientError as error:
        return error.code, _words(error.response.body if error.response else b"") or str(error)
    return answer.code, ""


def _words(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return ""
