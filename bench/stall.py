"""How long a hub's event loop keeps others waiting: a tick every 10 ms writes down how late it comes.

The first half runs inside the measured hub, so it costs the same each second however long the hub lives.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from pathlib import Path


def watch(path: str) -> None:
    """Begin once the loop runs; each line says when a tick came (time.monotonic) and how late, in seconds."""

    def begin() -> None:
        async def ticks() -> None:
            with Path(path).open("w") as file:
                told = time.monotonic()
                while True:
                    before = time.monotonic()
                    await asyncio.sleep(0.01)
                    now = time.monotonic()
                    file.write(f"{now} {max(0.0, now - before - 0.01)}\n")
                    if now - told > 1:
                        told = now
                        file.flush()

        loop.call_soon_threadsafe(lambda: setattr(loop, "_stall_task", loop.create_task(ticks())))

    loop = asyncio.get_event_loop()
    threading.Timer(0.5, begin).start()


def worst(file: Path, begin: float = 0.0, end: float = math.inf) -> tuple[float, float]:
    """The longest delay and the 99th percentile, between two moments of the clock that a machine and its pods share."""
    # What was written last may be half a line.
    lines = [line.split() for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
    delays = sorted(float(late) for came, late in lines if begin < float(came) < end)
    return delays[-1], delays[int(len(delays) * 0.99) - 1]
