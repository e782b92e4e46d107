"""A way for a browser of this machine to a hub inside a cluster's network.

A socket belongs to the network in which it was made: this process listens in the machine's network, then
moves into the cluster's, and connects from there. Only bytes pass, and only on 127.0.0.1.

    python3 relay.py PORT PID ADDRESS TARGET_PORT

It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import sys
from pathlib import Path

CLONE_NEWNET = 0x40000000
PIECE = 64 * 1024


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until the source ends."""
    with contextlib.suppress(ConnectionError):
        while piece := await source.read(PIECE):
            target.write(piece)
            await target.drain()
        target.write_eof()


async def serve(listening: socket.socket, address: str, port: int) -> None:
    """Pass connections on until nobody holds our input open."""

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(address, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)
        far_writer.close()
        writer.close()

    async with await asyncio.start_server(passed, sock=listening):
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main(own_port: int, process: int, address: str, port: int) -> None:
    """Listen here, connect there."""
    listening = socket.create_server(("127.0.0.1", own_port))
    with Path(f"/proc/{process}/ns/net").open() as network:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(network.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "cannot enter the cluster's network")
    print("listening", flush=True)
    asyncio.run(serve(listening, address, port))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
