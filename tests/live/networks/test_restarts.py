"""What is open while Calico's agent (felix) restarts or is away: measured, with servers old and new.

If these fail, a restart of one program on a node opens organisations to each other, and nobody knew.
"""

from __future__ import annotations

import subprocess
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


def test_servers_that_run_stay_apart_while_the_policy_engine_restarts(site, apart):
    """Else each update of Calico opens every organisation for seconds."""
    node, address = apart
    targets = [(address, 8888), METADATA, INTERNET]

    def restart():
        for _ in range(3):
            site.cluster.kill("felix", node)
            time.sleep(2)

    found = watched(site, targets, 8, restart)
    assert found["tries"] > 100
    assert found["reached"] == [0, 0, 0]


def test_servers_that_run_stay_apart_while_the_policy_engine_is_away(site, apart):
    """Else a node whose agent does not start again is open."""
    node, address = apart

    def away():
        with site.cluster.held("felix", node):
            time.sleep(6)

    found = watched(site, [(address, 8888), METADATA, INTERNET], 8, away)
    assert found["reached"] == [0, 0, 0]


def test_a_server_that_starts_while_the_policy_engine_is_away_reaches_nothing(site, apart):
    """Else whoever starts a server in the right minute is in every organisation."""
    node, address = apart
    with (
        site.cluster.held("felix", node),
        started(
            site,
            ("org-school", server(site, "newcomer", "school", node=node, lab=True)),
            ("org-davis", server(site, "new-answering", "davis", node=node)),
        ) as (_, answering),
        Watcher(
            site,
            "org-school",
            "newcomer",
            [(address, 8888), (address_of(answering), 8888), METADATA, INTERNET],
        ) as watcher,
    ):
        watcher.until_tried(20)
        watcher.for_seconds(3)
        found = watcher.ended()
    assert found["tries"] > 100
    assert found["reached"] == [0, 0, 0, 0]


def test_a_node_without_any_rule_is_open_until_its_policy_engine_has_run_once(site, apart):
    """What cannot be closed from here is known: a node that boots and runs servers before its Calico agent.

    The state right after a boot is made by removing the rules that the agent wrote. If this fails because
    nothing is open any more, the how-to's sentence about it can go.
    """
    node, address = apart
    with Watcher(site, "org-school", "trying", [(address, 8888)]) as watcher:
        with site.cluster.held("felix", node):
            for table in ("raw", "mangle", "nat", "filter"):
                done = subprocess.run(
                    [*site.cluster.entered(node), "nft", "flush", "table", "ip", table],
                    check=False,
                    capture_output=True,
                    text=True,
                )
                assert done.returncode == 0, done.stderr
            limit = time.monotonic() + 30
            while watcher.so_far()["reached"] == [0]:
                assert time.monotonic() < limit, "nothing is open: the how-to is out of date"
            back = time.monotonic()
        limit = back + 60
        while True:
            before = watcher.so_far()
            watcher.for_seconds(3)
            found = watcher.so_far()
            if found["reached"] == before["reached"] and found["tries"] > before["tries"] + 20:
                break
            assert time.monotonic() < limit, "still open a minute after the policy engine is back"
    print(f"open for {found['last'][0] - back:.1f} s after the policy engine was let start again")
