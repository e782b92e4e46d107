"""A real cluster for a session of tests, brought up once and taken down whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes_bed.cluster import Cluster
from kubernetes_bed.layout import shape
from kubernetes_bed.up import running


def reason_to_skip() -> str:
    """Why this machine cannot have a cluster; empty when it can."""
    if os.geteuid():
        return "a real cluster needs root (network namespaces, mounts, cgroups)"
    if shutil.which("go") is None:
        return "a real cluster is compiled from Go modules and Go is not installed"
    if not Path("/sys/fs/cgroup/memory").is_dir():
        return "a real cluster was only ever proved on cgroup version 1, which this machine has not"
    return ""


@contextlib.contextmanager
def brought_up(nodes: int = 2) -> Iterator[Cluster]:
    """A cluster; this process is inside its first node's network until the block ends."""
    if why := reason_to_skip():
        pytest.skip(why)
    if name := os.environ.get("LIBRETEXTS_CLUSTER"):
        with Cluster(name).inside():
            yield Cluster(name)
        return
    with running(shape(f"tests-{os.getpid()}", nodes)) as fresh, fresh.inside():
        yield fresh


def may(cluster, who: str, verb: str, resource: str, namespace: str = "") -> bool:
    """What the API server's authoriser says."""
    where = [f"--namespace={namespace}"] if namespace else ["--all-namespaces"]
    resource, _, below = resource.partition("/")
    asked = ["auth", "can-i", verb, resource, f"--subresource={below}", f"--as={who}", *where]
    return cluster.kubectl(*asked, check=False).strip() == "yes"


async def until(true, seconds: float, what: str):
    """Wait until something is true, and return what it was; fails with what did not happen."""
    end = time.monotonic() + seconds
    while not (found := await true()):
        assert time.monotonic() < end, what
        await asyncio.sleep(0.3)
    return found
