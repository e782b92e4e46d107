"""Who reaches whom, with real packets between real nodes: what is refused is refused, and is alive.

If these fail, the students of one organisation reach another's, or what a campus keeps closed; or the
command that should say so is silent.
"""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
import time

import pytest
import yaml

from tests.live.networks.conftest import INTERNET, METADATA, NETWORKS, ROOT, on_switch

PAGE = ROOT / "docs" / "network-matrix.md"
SCHOOL = ("--organization=school", "--organization=davis", "--seconds=3")


def cell(found, row, column):
    """The one cell of a matrix."""
    (one,) = [item for item in found["cells"] if (item["from"], item["to"]) == (row, column)]
    return one


def wrong(found):
    """The cells that are not as they must be."""
    return {(item["from"], item["to"]): item["measured"] for item in found["cells"] if not item["right"]}


def leftovers(site):
    """Probes and namespaces of a verification that are still there."""
    pods = site.cluster.get("pods", "--all-namespaces", "--selector=libretexts.org/probe")["items"]
    spaces = site.cluster.get("namespaces")["items"]
    return [pod["metadata"]["name"] for pod in pods] + [
        item["metadata"]["name"]
        for item in spaces
        if item["metadata"]["name"] == "libretexts-verify" and item["status"]["phase"] == "Active"
    ]


def test_every_way_is_open_or_closed_as_the_file_says_on_one_node_and_between_two(site, request):
    """Else isolation is what the documentation claims and packets do not."""
    arguments = (
        "verify",
        "networks",
        str(NETWORKS),
        f"--internet={INTERNET[0]}:{INTERNET[1]}",
        "--also=10.50.0.1:5025",
    )
    done = site.command(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert leftovers(site) == []
    lines = done.stdout.rstrip("\n").splitlines()
    rows = [re.split(r"  +", line) for line in lines[1:]]
    assert len(rows) == 5 * 13 + 3 * 5
    # On two nodes, half of what goes to servers, to the hub and to nodes goes to the other one.
    to_other_nodes = [
        int(row[5]) for row in rows if "servers" in row[1] or row[1] in {"another server", "nodes"}
    ]
    assert min(to_other_nodes) > 0
    stored = PAGE.read_text(encoding="utf8")
    before, rest = stored.split("```text\n", 1)
    old, after = rest.split("```", 1)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(f"{before}```text\n{done.stdout.rstrip()}\n```{after}", encoding="utf8")
    else:
        # How many tries went between nodes is the scheduler's choice; the page shows one run.
        assert [re.split(r"  +", line)[:4] for line in old.rstrip("\n").splitlines()[1:]] == [
            row[:4] for row in rows
        ]


def test_policies_that_are_gone_show_as_open_ways_and_as_missing_objects(site):
    """Else somebody deletes a policy and the command still says that all is well."""
    site.cluster.kubectl("delete", "networkpolicy", "--all", "--namespace=org-school")
    try:
        done, found = site.verify(NETWORKS, *SCHOOL)
        assert done.returncode == 1
        # Whoever comes is let in, and nothing gets out: where only the wall is left, Calico refuses the rest.
        assert wrong(found) == {
            ("school", "hub"): "refused",
            ("school", "hub by its name"): "refused",
            ("school", "names"): "refused",
            ("elsewhere", "servers of school"): "allowed",
        }
        assert {(item["kind"], item["name"]) for item in found["objects"]} == {
            ("NetworkPolicy", "libretexts-closed"),
            ("NetworkPolicy", "libretexts-servers"),
        }
    finally:
        site.apply(NETWORKS)
    done, _ = site.verify(NETWORKS, "--objects")
    assert done.returncode == 0, done.stdout


def test_what_an_organisation_opens_by_itself_the_wall_keeps_closed(site):
    """Else whoever may write policies in one namespace opens metadata, storage and nodes."""
    opened = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "everything", "namespace": "org-school"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]},
    }
    site.cluster.apply(opened)
    try:
        done, found = site.verify(NETWORKS, *SCHOOL)
    finally:
        site.cluster.kubectl("delete", "networkpolicy", "everything", "--namespace=org-school")
    assert done.returncode == 1
    assert wrong(found)["school", "internet"] == "allowed"
    for column in ("metadata", "storage", "nodes", "API server"):
        assert cell(found, "school", column)["measured"] == "refused", column
        assert cell(found, "school", column)["proved"]


def test_a_wall_that_ends_in_pass_would_open_everything_and_is_seen(site):
    """Else the mistake that looks most like a careful rule goes unnoticed: Pass skips every NetworkPolicy."""
    wall = next(
        item
        for item in yaml.safe_load_all(site.command("render", "manifests", NETWORKS).stdout)
        if item["kind"] == "GlobalNetworkPolicy"
    )
    wall["spec"]["egress"].append({"action": "Pass"})
    site.cluster.apply(wall)
    try:
        done, found = site.verify(NETWORKS, *SCHOOL)
    finally:
        site.apply(NETWORKS)
    assert done.returncode == 1
    assert wrong(found)["school", "internet"] == "allowed"
    assert [item["details"] for item in found["objects"]] == [['spec.egress: no longer {"action": "Pass"}']]


def test_a_dead_target_is_not_taken_for_isolation(site):
    """Else a metadata service that is down today proves that it is closed, and is open tomorrow."""
    on_switch(site.cluster, "ip", "addr", "del", f"{METADATA[0]}/32", "dev", "bridge")
    try:
        done, found = site.verify(NETWORKS, *SCHOOL)
        assert done.returncode == 1
        assert set(wrong(found)) == {("school", "metadata"), ("davis", "metadata")}
        assert not cell(found, "school", "metadata")["proved"]
        done, found = site.verify(NETWORKS, *SCHOOL, "--without=metadata")
        assert done.returncode == 0, done.stdout
    finally:
        on_switch(site.cluster, "ip", "addr", "add", f"{METADATA[0]}/32", "dev", "bridge")


def test_a_hub_that_does_not_run_is_told(site):
    """Else a matrix without the hub looks complete."""
    done, _ = site.verify(NETWORKS, *SCHOOL, "--hub-labels=app=nobody")
    assert done.returncode == 1
    assert "No pod of the hub runs in the namespace jupyterhub" in done.stderr
    assert leftovers(site) == []


def test_an_interrupted_verification_leaves_nothing(site):
    """Else every Ctrl-C leaves pods that look like students' servers."""
    command = subprocess.Popen(
        [sys.executable, "-m", "jupyterhub_libretexts.cli", "verify", "networks", str(NETWORKS), *SCHOOL],
        cwd=ROOT,
        env=site.cluster.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + 60
        while not leftovers(site):
            assert time.monotonic() < until, "no probe was started"
            time.sleep(0.1)
        command.send_signal(signal.SIGINT)
        assert command.wait(60) == 130, command.stderr.read()
    finally:
        command.kill()
        command.stderr.close()
    assert leftovers(site) == []


@pytest.fixture
def verifier(site, tmp_path):
    """A kubeconfig of an account that has the rights that the command lists, and no others."""
    rights = site.command("verify", "networks", NETWORKS, "--rights").stdout
    # One that an earlier test removed may still be going.
    site.cluster.kubectl("wait", "--for=delete", "namespace/libretexts-verify", "--timeout=60s", check=False)
    site.cluster.kubectl("apply", "--filename=-", stdin=rights)
    token = site.cluster.kubectl(
        "create", "token", "libretexts-verify", "--namespace=libretexts-verify"
    ).strip()
    admin = yaml.safe_load(site.cluster.kubeconfig.read_text())
    name = f"verify-{secrets.token_hex(2)}"
    admin["users"] = [{"name": name, "user": {"token": token}}]
    admin["contexts"] = [{"name": name, "context": {"cluster": admin["clusters"][0]["name"], "user": name}}]
    admin["current-context"] = name
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(admin))
    yield file
    site.cluster.kubectl("delete", "--filename=-", "--ignore-not-found", "--wait=false", stdin=rights)
    site.cluster.kubectl("wait", "--for=delete", "namespace/libretexts-verify", "--timeout=60s", check=False)


def _give(site, verbs):
    """Let the verifier do these with pods of one organisation."""
    change = [{"op": "replace", "path": "/rules/0/verbs", "value": verbs}]
    site.cluster.kubectl(
        "patch",
        "role",
        "libretexts-verify",
        "--namespace=org-school",
        "--type=json",
        f"--patch={json.dumps(change)}",
    )


def test_the_rights_that_it_lists_are_enough_and_each_is_needed(site, verifier):
    """Else an operator gives it the whole cluster, or it stops halfway."""
    arguments = (
        "verify", "networks", NETWORKS, *SCHOOL, f"--internet={INTERNET[0]}:{INTERNET[1]}",
    )  # fmt: skip
    done = site.command(*arguments, KUBECONFIG=str(verifier))
    assert done.returncode == 0, done.stdout + done.stderr
    verbs = ["create", "delete", "list"]
    for verb in ("create", "list"):
        _give(site, [other for other in verbs if other != verb])
        done = site.command(*arguments, KUBECONFIG=str(verifier))
        _give(site, verbs)
        assert done.returncode == 1, verb
        assert f"cannot {verb} resource" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
    site.cluster.kubectl(
        "delete", "pods", "--namespace=org-school", "--selector=libretexts.org/probe", "--grace-period=0", "--force",
        check=False,
    )  # fmt: skip
