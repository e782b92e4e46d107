"""`verify networks`: wrong use in one line, the rights that it lists, and a cluster that isolates nothing.

What packets show on a real cluster stands in tests/live/networks.
"""

from __future__ import annotations

import pytest
import yaml

from tests.cli.support import ROOT, called, surroundings

NETWORKS = ROOT / "tests" / "data" / "settings" / "networks.yaml"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--organization", "davies"), "there is none; the settings have davis"),
        (("--without", "metadate"), "write one of hub"),
        (("--internet", "example.org:443"), "write ADDRESS:PORT"),
        (("--also", "10.0.0.1"), "write ADDRESS:PORT"),
        (("--also", "10.0.0.1:99999"), "write ADDRESS:PORT"),
        (("--seconds", "soon"), "invalid float value"),
    ],
)
def test_wrong_use_is_told_in_one_line(arguments, words):
    """Else a mistyped target is measured as closed."""
    answer = called("verify", "networks", NETWORKS, *arguments)
    assert answer.status == 2
    assert words in answer.error
    assert answer.error.count("\n") == 1


def test_storage_that_is_a_range_must_be_named(tmp_path):
    """Else an address in it where nothing listens is taken for the storage server."""
    over = tmp_path / "over.yaml"
    over.write_text("cluster: {storage: [10.78.0.0/24]}\n")
    answer = called("verify", "networks", NETWORKS, over)
    assert answer.status == 2
    assert "--storage ADDRESS:PORT" in answer.error


def test_without_a_cluster_it_says_so():
    """Else no cluster looks like one where nothing is wrong."""
    answer = called(
        "verify", "networks", NETWORKS, environment=surroundings(KUBECONFIG="/nowhere/kubeconfig")
    )
    assert answer.status == 1
    assert "No way into a cluster was found" in answer.error


def test_the_rights_are_pods_in_the_namespaces_concerned_and_lists_of_what_is_rendered():
    """Else verifying takes an administrator, or more than an operator read."""
    answer = called("verify", "networks", NETWORKS, "--rights")
    assert answer.status == 0
    objects = list(yaml.load_all(answer.out, Loader=yaml.CSafeLoader))
    roles = {item["metadata"]["namespace"]: item["rules"] for item in objects if item["kind"] == "Role"}
    assert set(roles) == {
        "libretexts-verify", "jupyterhub", "org-davis", "org-merced", "org-school", "teaching-physics",
    }  # fmt: skip
    for rules in roles.values():
        assert rules == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "delete", "list"]}]
    (cluster,) = (item for item in objects if item["kind"] == "ClusterRole")
    assert {verb for rule in cluster["rules"] for verb in rule["verbs"]} == {"list", "get"}
    resources = {resource for rule in cluster["rules"] for resource in rule["resources"]}
    assert "secrets" not in resources
    assert {"networkpolicies", "globalnetworkpolicies", "ippools", "namespaces"} <= resources
