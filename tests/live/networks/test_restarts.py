"""What is open while Calico's agent (felix) restarts or is away: measured, with servers old and new.

If these fail, a restart of one program on a node opens organisations to each other, and nobody knew.
"""

from __future__ import annotations

import json
import time

import pytest

from tests.live.networks.conftest import INTERNET, METADATA
from tests.live.networks.support import Watcher, address_of, server, started


@pytest.fixture
def apart(site):
    """A server of one organisation that answers, and one of another that keeps trying it, on one node."""
    node = site.cluster.shape.nodes[1]
    with started(
        site,
        ("org-davis", server(site, "answering", "davis", node=node)),
        ("org-school", server(site, "trying", "school", node=node, lab=True)),
    ) as (answering, _):
        yield node, address_of(answering)


def watched(site, targets, seconds, during):
    """What a server that stands already reached while something happened: counts by target."""
    with Watcher(site, "org-school", "trying", targets) as watcher:
        watcher.until_tried(20)
        began = time.monotonic()
        during()
        watcher.for_seconds(max(0.0, seconds - (time.monotonic() - began)))
        return watcher.ended()


def test_servers_that_run_stay_apart_while_the_policy_engine_restarts(site, apart, record_property):
    """Else each update of Calico opens every organisation for seconds."""
    node, address = apart
    targets = [(address, 8888), METADATA, INTERNET]

    def restart():
        for _ in range(3):
            site.cluster.kill("felix", node)
            time.sleep(2)

    found = watched(site, targets, 8, restart)
    record_property("tries", found["tries"])
    assert found["tries"] > 100
    assert found["reached"] == [0, 0, 0]


def test_servers_that_run_stay_apart_while_the_policy_engine_is_away(site, apart):
    """Else a node whose agent does not start again is open."""
    node, address = apart
    found = {}

    def away():
        with site.cluster.held("felix", node):
            time.sleep(6)

    found = watched(site, [(address, 8888), METADATA, INTERNET], 8, away)
    assert found["reached"] == [0, 0, 0]


def test_a_server_that_starts_while_the_policy_engine_is_away(site, apart, record_property):
    """What is measured here stands in the how-to: a new server on such a node, before the agent is back."""
    node, address = apart
    with site.cluster.held("felix", node), started(
        site, ("org-school", server(site, "newcomer", "school", node=node, lab=True))
    ):
        with Watcher(site, "org-school", "newcomer", [(address, 8888), METADATA, INTERNET]) as watcher:
            watcher.until_tried(20)
            watcher.for_seconds(3)
            found = watcher.ended()
    record_property("newcomer", json.dumps(found))
    assert found["tries"] > 0
    print(found)
    assert 0
