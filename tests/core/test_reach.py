"""What a verification expects, from the file alone, and how it judges what was measured.

If these fail, `verify networks` calls an open way closed, or a dead target isolated.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyterhub_libretexts.core.reach import Measured, Source, Target, cells, expected
from jupyterhub_libretexts.settings.load import load

SETTINGS = load(Path(__file__).parents[1] / "data" / "settings" / "networks.yaml")


def student(organization, node="node1"):
    return Source(organization, node, organization)


HUB, ELSEWHERE = Source("hub", "node1"), Source("elsewhere", "node2")

EXPECTED = [
    ("davis", "192.31.196.1", True),
    ("davis", "8.8.8.8", True),
    ("davis", "10.20.0.1", False),
    ("davis", "169.254.169.254", False),
    ("davis", "224.0.0.1", False),
    ("davis", "10.77.0.200", False),
    ("davis", "2606:4700:4700::1111", False),
    ("davis", "fd00:ec2::254", False),
    ("davis", "kubernetes.default.svc", False),
    ("school", "192.31.196.1", False),
    ("physics", "10.50.0.1", True),
    ("physics", "10.51.0.1", False),
    ("physics", "2001:db8:50::1", True),
    ("physics", "2001:db8:51::1", False),
    ("physics", "192.31.196.1", False),
]


@pytest.mark.parametrize(("organization", "address", "open_"), EXPECTED)
def test_what_an_organisation_must_reach_outside(organization, address, open_):
    """Else the matrix is compared with something else than the file."""
    assert expected(SETTINGS, student(organization), Target("x", address, 80)) is open_


def test_who_must_reach_servers():
    """Else an open kernel counts as right."""
    server = Target("servers", "10.244.192.9", 8888, "node1", "davis")
    assert not expected(SETTINGS, student("davis"), server)
    assert not expected(SETTINGS, student("school"), server)
    assert not expected(SETTINGS, ELSEWHERE, server)
    assert expected(SETTINGS, HUB, server)
    assert expected(SETTINGS, Source("proxy", "node1"), server)
    peers = Target("servers", "10.244.193.9", 8888, "node1", "physics")
    assert expected(SETTINGS, student("physics"), peers)
    assert not expected(SETTINGS, student("davis"), peers)


def test_nodes_and_storage_stay_closed_whatever_is_public():
    """Else a cluster on public addresses is expected to be open."""
    from tests.core.test_manifests import laid_over

    settings = laid_over("cluster: {nodes: [1.2.3.0/24], storage: [5.6.7.8/32]}\n")
    for address in ("1.2.3.4", "5.6.7.8"):
        assert not expected(settings, student("davis"), Target("x", address, 80))


METADATA = Target("metadata", "169.254.169.254", 80)


def one(*measured):
    """The cell of one student's row."""
    (found,) = [cell for cell in cells(SETTINGS, measured) if cell.row == "school"]
    return found


def test_refused_counts_only_where_a_control_reached_the_same_target():
    """Else a service that is down proves that it is closed."""
    refused = Measured(student("school"), METADATA, reached=False)
    assert not one(refused).right
    assert not one(refused, Measured(ELSEWHERE, METADATA, reached=False)).right
    assert one(refused, Measured(ELSEWHERE, METADATA, reached=True)).right
    # Another organisation's student is no control, and another address is another target.
    assert not one(refused, Measured(student("davis"), METADATA, reached=True)).right
    other = Target("metadata", "169.254.169.253", 80)
    assert not one(refused, Measured(ELSEWHERE, other, reached=True)).right


def test_one_try_that_got_through_is_told():
    """Else what holds on one node and not on the other counts as closed."""
    control = Measured(ELSEWHERE, METADATA, reached=True)
    tries = [
        Measured(student("school", "node1"), METADATA, reached=False),
        Measured(student("school", "node2"), METADATA, reached=True),
    ]
    found = one(*tries, control)
    assert found.measured is None
    assert not found.right
    assert found.against == ("from node2 reached 169.254.169.254 port 80",)


def test_tries_between_nodes_are_counted():
    """Else a matrix of one node looks like one of two."""
    server = Target("servers", "10.244.1.9", 8888, "node2", "davis")
    tries = [Measured(student("school", node), server, reached=False) for node in ("node1", "node2")]
    found = one(*tries, Measured(HUB, server, reached=True))
    assert (found.column, found.attempts, found.across_nodes) == ("other organisations", 2, 1)
    assert found.right
