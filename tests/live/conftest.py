"""A real cluster for every room here; a room that needs another shape has a ``cluster`` of its own.

The test process itself moves into the first node's network, so a test, and a hub that it starts,
reach pods and are reached by them; ``127.0.0.1`` is the node's. Run it plainly:

    pytest tests/live/kubernetes

With ``LIBRETEXTS_CLUSTER=dev`` in the environment (``./dev/cluster run`` sets it) the suite uses that
cluster of at least two nodes and leaves it up.
"""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def cluster(real_cluster):
    """A cluster of two nodes; this process is inside its first node's network."""
    return real_cluster
