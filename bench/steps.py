"""How long our own coroutines hold the event loop: the processor time of each step between two awaits.

Used inside the measured hub, by its configuration; what a step calls (KubeSpawner's manifest, the
hub's environment) counts as ours. Processor time of the thread, so that another process on the machine
is not taken for us.
"""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["watch"]


class _Timed:
    """Awaits a coroutine and writes down each of its steps."""

    def __init__(self, name: str, coroutine: Any, told: Callable[[str, float], None]) -> None:
        self.name, self.coroutine, self.told = name, coroutine, told

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self.coroutine.__await__()
        send, value = steps.send, None
        while True:
            began = time.thread_time()
            try:
                wish = send(value)
            except StopIteration as end:
                return end.value
            finally:
                self.told(self.name, time.thread_time() - began)
            try:
                send, value = steps.send, (yield wish)
            except BaseException as error:
                send, value = steps.throw, error


def watch(path: str) -> None:
    """Time the steps of spawner and informer; the file holds the longest of each, in seconds."""
    from jupyterhub_libretexts.cluster.stream import Stream
    from jupyterhub_libretexts.hub.spawner import LibreTextsSpawner

    longest: dict[str, float] = {}

    def told(name: str, seconds: float) -> None:
        if seconds > longest.get(name, 0.0):
            longest[name] = seconds
            Path(path).write_text(json.dumps(longest))

    def timed(owner: type, name: str) -> None:
        method = getattr(owner, name)

        @functools.wraps(method)
        async def run(*args: Any, **kwargs: Any) -> Any:
            return await _Timed(f"{owner.__name__}.{name}", method(*args, **kwargs), told)

        setattr(owner, name, run)

    for name in ("_run_apply_user_options", "_start", "stop", "poll", "rendered_form"):
        timed(LibreTextsSpawner, name)
    timed(Stream, "run")
