"""Runs in the image's own Python: wait for a server, execute a cell over its websocket, print the moments."""

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

URL, TOKEN, KERNEL, SOURCE = sys.argv[1:]
HEADERS = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
LIMIT = 120


def wait() -> None:
    """Ask until the server answers."""
    until = time.monotonic() + LIMIT
    while True:
        try:
            urllib.request.urlopen(f"{URL}/api", timeout=5).close()
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def start_kernel() -> str:
    """Start a kernel; its number at the server."""
    request = urllib.request.Request(f"{URL}/api/kernels", json.dumps({"name": KERNEL}).encode(), HEADERS)
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        return str(json.load(answer)["id"])


async def execute(kernel: str) -> None:
    """Wait for the output of a kernel's first cell."""
    address = f"{URL.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
    channel = await websocket_connect(HTTPRequest(address, headers=HEADERS, request_timeout=LIMIT))
    identity = uuid.uuid4().hex
    header = {
        "msg_id": identity,
        "msg_type": "execute_request",
        "username": "",
        "session": identity,
        "version": "5.3",
    }
    content = {"code": SOURCE, "silent": False, "store_history": False, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await channel.write_message(json.dumps(message))
    while True:
        received = await asyncio.wait_for(channel.read_message(), LIMIT)
        if received is None:
            raise SystemExit("the kernel's websocket was closed")
        told = json.loads(received)
        if told["msg_type"] == "stream" and "42" in told["content"]["text"]:
            return


wait()
up = time.monotonic()
asyncio.run(execute(start_kernel()))
print(json.dumps({"up": up, "cell": time.monotonic()}))
