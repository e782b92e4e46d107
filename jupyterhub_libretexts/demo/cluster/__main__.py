"""``python -m jupyterhub_libretexts.demo.cluster [--config FILE]``: the cluster as a process of its own.

It prints one line of JSON when it is ready and ends when its standard input does, so that it
never outlives the program that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from jupyterhub_libretexts.errors import UsageError

from .cluster import EmbeddedCluster
from .configuration import ClusterSpec, loaded

_WARNING = "for trying out and for tests: pods are local processes of this account, nothing is isolated"


async def _serve(spec: ClusterSpec) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def until_input_ends() -> None:
        while await reader.read(4096):
            pass
        over.set()

    async with EmbeddedCluster(spec) as cluster:
        ready = {
            "url": cluster.url,
            "token": cluster.token,
            "kubeconfig": str(cluster.kubeconfig),
            "kubectl": str(cluster.kubectl_config),
            "folder": str(cluster.folder),
            "warning": _WARNING,
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        waiting = asyncio.create_task(until_input_ends())
        await over.wait()
        waiting.cancel()


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m jupyterhub_libretexts.demo.cluster",
        description=f"An embedded Kubernetes API with a local node, {_WARNING}.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="JSON with the keys of ClusterSpec")
    chosen = parser.parse_args(arguments)
    try:
        spec = loaded(chosen.config) if chosen.config else ClusterSpec()
        asyncio.run(_serve(spec))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
