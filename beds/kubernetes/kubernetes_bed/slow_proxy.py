"""A slow way to the registry on this machine, for pulls that take their time.

    python3 slow_proxy.py LISTEN_PORT TARGET_PORT

Questions pass at once; answers come back at ``BYTES_PER_SECOND``. So manifests arrive fast and layers
slowly, as over a poor line.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

BYTES_PER_SECOND = 512 * 1024
PIECE = 32 * 1024


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, rate: int | None) -> None:
    """Copy until the source ends, no faster than ``rate`` bytes a second."""
    with contextlib.suppress(ConnectionError):
        while piece := await source.read(PIECE):
            target.write(piece)
            await target.drain()
            if rate:
                await asyncio.sleep(len(piece) / rate)
        target.write_eof()


async def main(listen: int, port: int) -> None:
    """Serve for ever on every address of this network."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            pump(reader, far_writer, None), pump(far_reader, writer, BYTES_PER_SECOND), return_exceptions=True
        )
        far_writer.close()
        writer.close()

    server = await asyncio.start_server(serve, "0.0.0.0", listen)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
