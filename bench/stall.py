"""How long a hub's event loop keeps others waiting: a tick every 10 ms writes down how late it comes."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path


def watch(path: str) -> None:
    """Begin once the loop runs; the file holds when each tick came (time.monotonic) and how late, in seconds."""

    def begin() -> None:
        async def ticks() -> None:
            delays: list[tuple[float, float]] = []
            told = time.monotonic()
            while True:
                before = time.monotonic()
                await asyncio.sleep(0.01)
                now = time.monotonic()
                delays.append((now, max(0.0, now - before - 0.01)))
                if now - told > 1:
                    told = now
                    # Whole at any moment: somebody reads it while this goes on.
                    fresh = Path(f"{path}.new")
                    fresh.write_text(json.dumps(delays))
                    fresh.rename(path)

        loop.call_soon_threadsafe(lambda: setattr(loop, "_stall_task", loop.create_task(ticks())))

    loop = asyncio.get_event_loop()
    threading.Timer(0.5, begin).start()
