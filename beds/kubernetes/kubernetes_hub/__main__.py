"""``./dev/demo --kubernetes``: the demonstration on a whole real Kubernetes."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kubernetes_bed.cluster import Cluster
from kubernetes_bed.errors import BedError
from kubernetes_bed.layout import shape
from kubernetes_bed.up import running

from jupyterhub_libretexts.demo.run import free_port
from jupyterhub_libretexts.errors import LibreTextsError

from .installation import Installation
from .main_job import main_job
from .settings import example, on_the_bed

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL_PORT = 8000
LAST_PORT = 65535
DESCRIPTION = """A hub in a real Kubernetes on this machine: students' servers are containers in pods.

It uses the cluster 'dev' where that is up (./dev/cluster up), and else brings one up and takes it down.
Needs root; the first time the cluster is built, which takes 20 minutes."""


def main(arguments: list[str]) -> int:
    """Run it; 0 when all went well."""
    parser = argparse.ArgumentParser(
        prog="./dev/demo --kubernetes",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="settings; the example without")
    parser.add_argument("--once", action="store_true", help="do the main job without a browser, and end")
    parser.add_argument(
        "--port", type=int, metavar="N", help="port of the hub on 127.0.0.1 (default: 8000, or a free one)"
    )
    parser.add_argument("--name", default="dev", help="the cluster to use where it is up (default: dev)")
    asked = parser.parse_args(arguments)
    if asked.port is not None and not 0 < asked.port <= LAST_PORT:
        parser.error(f"--port {asked.port}: allowed are 1 to {LAST_PORT}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with cluster_of(asked.name) as cluster, tempfile.TemporaryDirectory() as folder:
            files = on_the_bed(asked.files or example(), Path(folder), cluster.images["lab"])
            began = time.monotonic()
            with Installation(cluster, files).installed() as hub:
                say(f"hub and proxy: ready in {time.monotonic() - began:.1f} s")
                return once(hub) if asked.once else serve(hub, asked.port)
    except (BedError, LibreTextsError) as problem:
        say(f"./dev/demo --kubernetes: {problem}")
        return 1
    except KeyboardInterrupt:
        return 0


@contextlib.contextmanager
def cluster_of(name: str) -> Iterator[Cluster]:
    """The named cluster where it is up, and left up; else one for this run."""
    found = Cluster(name)
    if found.lives and (found.folder / "ready").exists():
        yield found
        return
    began = time.monotonic()
    own = shape("demo", 2)
    with running(own) as cluster:
        say(f"cluster: up in {time.monotonic() - began:.1f} s")
        yield cluster
    if left := cluster.remains():
        raise BedError(f"left behind: {'; '.join(left)}")
    say("cluster: gone, nothing is left of it")


def once(hub: Installation) -> int:
    """Do the main job inside the cluster's network."""
    try:
        with hub.cluster.inside():
            asyncio.run(main_job(hub, say))
    except (BedError, LibreTextsError, OSError) as problem:
        say(f"the main job failed: {problem}\nthe end of the hub's log:\n{hub.log()[-5000:]}")
        return 1
    return 0


def serve(hub: Installation, port: int | None) -> int:
    """Let a browser of this machine in, until Ctrl-C."""
    try:
        port = free_port(port if port is not None else USUAL_PORT)
    except OSError as error:
        if port is not None:
            raise BedError(f"--port {port} cannot be used: {error.strerror}") from None
        port = free_port()
    address = hub.url.removeprefix("http://")
    process = hub.cluster.process_of(hub.cluster.shape.first)
    relay = [
        sys.executable,
        str(Path(__file__).with_name("relay.py")),
        str(port),
        str(process),
        address,
        "80",
    ]
    with subprocess.Popen(relay, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as passing:
        assert passing.stdout is not None
        passing.stdout.readline()
        people = ", ".join(f"{person.name} {person.password} ({person.role})" for person in hub.accounts)
        sys.stdout.write(f"http://127.0.0.1:{port}  sign in as {people}  (Ctrl-C ends everything)\n")
        sys.stdout.flush()
        try:
            passing.wait()
        finally:
            passing.terminate()
    return 1


def say(text: str) -> None:
    """One line for whoever watches."""
    sys.stderr.write(f"… {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
