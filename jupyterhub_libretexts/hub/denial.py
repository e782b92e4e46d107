"""Say no to a person without harm to the hub.

JupyterHub 5.5 counts every failed start, also a refused one, towards ``consecutive_failure_limit``
(`handlers/base.py`, ``_track_failure_count``), both against the limit of the spawner and in a number
for the whole hub; five mistyped requests in a row would end it. JupyterHub 6 leaves statuses below
500 out of the count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jupyterhub
from tornado.web import HTTPError

from jupyterhub_libretexts.errors import (
    ClosedChoice,
    ClusterUnavailable,
    LibreTextsError,
    MalformedChoice,
    NoRoom,
    StartFailed,
)

if TYPE_CHECKING:
    from asyncio import Future

    from jupyterhub.spawner import Spawner

__all__ = ["answer", "leave_uncounted"]

_STATUS: tuple[tuple[type[LibreTextsError], int], ...] = (
    (MalformedChoice, 400),
    (ClosedChoice, 403),
    (NoRoom, 409),
    (StartFailed, 409),
    (ClusterUnavailable, 503),
)


def answer(error: LibreTextsError) -> HTTPError:
    """The HTTP answer that carries an error's words to the page, the progress stream and the API."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    text = str(error)
    http = HTTPError(status, text)
    http.jupyterhub_message = text  # type: ignore[attr-defined]  # read by JupyterHub's format_exception
    return http


def leave_uncounted(spawner: Spawner) -> None:
    """See that the start of this spawner that is under way counts neither as failed nor as a success.

    Called where a refusal is raised. The hub adds its own callback to the start's future before the
    start runs, and callbacks run in order, so ours sees the count after it.
    """
    if jupyterhub.version_info >= (6,):
        return
    future = spawner._spawn_future  # noqa: SLF001 (the only handle on the start that JupyterHub keeps)
    handler = spawner.handler
    if future is None or handler is None:
        return
    limit = spawner.consecutive_failure_limit
    spawner.consecutive_failure_limit = 0
    # The number is in the web application's settings; those of the user are another copy.
    settings: dict[str, Any] = handler.settings

    def uncount(_: Future[Any]) -> None:
        spawner.consecutive_failure_limit = limit
        settings["failure_count"] = max(0, settings.get("failure_count", 0) - 1)

    future.add_done_callback(uncount)
