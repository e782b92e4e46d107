"""Runs inside the measured hub, stock or ours: what it asks of the API server, and what comes back.

Both kinds use aiohttp for it, so both are counted in one place: requests where they are sent, bytes where
a connection hands them over (headers and bodies, after TLS). A file has the sums of this process, made
anew every second.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from aiohttp.client_proto import ResponseHandler


def count(path: str) -> None:
    """Begin to count, and to write the sums into a file."""
    host = os.environ["KUBERNETES_SERVICE_HOST"]
    requests: Counter[str] = Counter()
    received = 0
    ask, take = ClientSession._request, ResponseHandler.data_received

    async def counted(self: ClientSession, method: str, url: Any, **rest: Any) -> Any:
        if host in str(url):
            watch = "watch" in f"{url}{rest.get('params')}"
            requests["WATCH" if watch else method.upper()] += 1
        return await ask(self, method, url, **rest)

    def taken(self: ResponseHandler, data: bytes) -> None:
        nonlocal received
        transport = self.transport
        if transport is not None and (transport.get_extra_info("peername") or ("",))[0] == host:
            received += len(data)
        take(self, data)

    ClientSession._request = counted
    ResponseHandler.data_received = taken

    async def write() -> None:
        while True:
            await asyncio.sleep(1)
            fresh = Path(f"{path}.new")
            fresh.write_text(json.dumps({"requests": requests, "received": received}))
            fresh.rename(path)

    loop = asyncio.get_event_loop()
    begin = threading.Timer(
        0.5,
        lambda: loop.call_soon_threadsafe(lambda: setattr(loop, "_meter_task", loop.create_task(write()))),
    )
    begin.daemon = True
    begin.start()
