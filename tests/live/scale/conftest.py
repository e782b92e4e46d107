"""A real control plane with simulated nodes, for the length of the suite."""

from __future__ import annotations

import pytest

from tests.live.kubernetes.support import brought_up

NODES = 20


@pytest.fixture(scope="session")
def cluster():
    """One real node, on which the hub runs, and twenty simulated ones for servers."""
    from kubernetes_bed import simulated

    with brought_up(nodes=1) as found:
        simulated.simulate(found, NODES)
        yield found
