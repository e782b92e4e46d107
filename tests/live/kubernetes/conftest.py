"""A real cluster for the length of the session: brought up once, taken down whatever happens.

The test process itself moves into the first node's network, so a test, and a hub that it starts,
reach pods and are reached by them; ``127.0.0.1`` is the node's. Run it plainly:

    pytest tests/live/kubernetes

With ``LIBRETEXTS_CLUSTER=dev`` in the environment (``./dev/cluster run`` sets it) the suite uses that
cluster of at least two nodes and leaves it up.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "beds/kubernetes"))

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


@pytest.fixture(scope="session")
def cluster():
    """A cluster of two nodes; this process is inside its first node's network."""
    if why := reason_to_skip():
        pytest.skip(why)
    if name := os.environ.get("LIBRETEXTS_CLUSTER"):
        with Cluster(name).inside():
            yield Cluster(name)
        return
    with running(shape(f"tests-{os.getpid()}", 2)) as fresh, fresh.inside():
        yield fresh


@pytest.fixture
def namespace(cluster, request):
    """A namespace for one test, with its service account there, removed with all in it."""
    name = f"{request.node.name.lower().replace('_', '-')[:40].strip('-')}-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={name}", "--timeout=20s")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
