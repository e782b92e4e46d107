"""A real cluster for the length of the session: brought up once, taken down whatever happens.

The test process itself moves into the first node's network, so a test, and a hub that it starts,
reach pods and are reached by them; ``127.0.0.1`` is the node's. Run it plainly:

    pytest tests/live/kubernetes

With ``LIBRETEXTS_CLUSTER=dev`` in the environment (``./dev/cluster run`` sets it) the suite uses that
cluster of at least two nodes and leaves it up.
"""

from __future__ import annotations

import secrets

import pytest


@pytest.fixture(scope="session")
def cluster(real_cluster):
    """A cluster of two nodes; this process is inside its first node's network."""
    return real_cluster


@pytest.fixture
def namespace(cluster, request):
    """A namespace for one test, with its service account there, removed with all in it."""
    name = f"{request.node.name.lower().replace('_', '-')[:40].strip('-')}-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={name}", "--timeout=20s")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
