"""Least rights: what the hub may do is needed, what it does not need is refused, and a student may do nothing.

What a user loses when these fail: whoever breaks into a server, or into the hub, owns more than that.
"""

from __future__ import annotations

import json

import pytest
import pytest_asyncio

from jupyterhub_libretexts.core.subjects import PREFIX
from tests.live.kubernetes.hubs import hub_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

HUB = "system:serviceaccount:jupyterhub:hub"
ROLE = "libretexts-hub"
NORTH = "org-north"

REFUSED = {
    "read a secret": ("get", "secrets", NORTH),
    "read a secret of its own namespace": ("get", "secrets", "jupyterhub"),
    "run a command in a student's pod": ("create", "pods/exec", NORTH),
    "read a student's output": ("get", "pods/log", NORTH),
    "change a running pod": ("patch", "pods", NORTH),
    "replace a pod": ("update", "pods", NORTH),
    "delete all pods at once": ("deletecollection", "pods", NORTH),
    "start a pod beside itself": ("create", "pods", "jupyterhub"),
    "start a pod elsewhere": ("create", "pods", "kube-system"),
    "delete a pod elsewhere": ("delete", "pods", "kube-system"),
    "give itself rights": ("create", "rolebindings", NORTH),
    "widen its role": ("update", "roles", NORTH),
    "make a namespace": ("create", "namespaces", ""),
    "open a network": ("delete", "networkpolicies", NORTH),
    "lift a quota": ("update", "resourcequotas", NORTH),
    "make a token": ("create", "serviceaccounts/token", NORTH),
    "make a volume": ("create", "persistentvolumes", ""),
    "list all homes": ("list", "persistentvolumeclaims", NORTH),
    "write events": ("create", "events", NORTH),
    "change a node": ("patch", "nodes", ""),
    "speak as somebody else": ("impersonate", "users", ""),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster, tmp_path_factory):
    """A hub with the rights that `render manifests` gives it."""
    async with hub_in(cluster, tmp_path_factory.mktemp("hub")) as running:
        yield running


def may(cluster, who: str, verb: str, resource: str, namespace: str = "") -> bool:
    """What the API server's authoriser says."""
    where = [f"--namespace={namespace}"] if namespace else ["--all-namespaces"]
    asked = ["auth", "can-i", verb, resource, f"--as={who}", *where]
    return cluster.kubectl(*asked, check=False).strip() == "yes"


@pytest.mark.parametrize("what", REFUSED)
async def test_the_hub_may_not(hub, cluster, what):
    """Else whoever takes over the hub takes over more than its servers."""
    assert not may(cluster, HUB, *REFUSED[what])


def rules(cluster) -> list[tuple[str, str, str]]:
    """Each single right of the hub, as kind of role, resource and verb."""
    found = []
    for kind, where in (("role", ["--namespace=org-north"]), ("clusterrole", [])):
        name = ROLE if kind == "role" else f"jupyterhub-{ROLE}"
        for rule in cluster.get(kind, name, *where)["rules"]:
            found += [(kind, resource, verb) for resource in rule["resources"] for verb in rule["verbs"]]
    return found


async def started_with_a_gpu(hub):
    await hub.started("ada", "north", environment="light", gpu="slice")


async def stopped(hub):
    await hub.started("ada", "north", environment="light")
    await hub.stop_by_api("ada")
    hub.installation.wait_until_no_server_is_left(10)


async def removed(hub):
    """A person who is removed takes their home along."""
    await hub.started("ada", "north", environment="light")
    await hub.stop_by_api("ada")
    status, said = await hub.api("DELETE", "/users/ada")
    assert status == 204, said
    claims = hub.installation.cluster.get("persistentvolumeclaims", f"--namespace={NORTH}")["items"]
    assert not [claim["metadata"]["name"] for claim in claims if "ada" in claim["metadata"]["name"]]


NEEDED_FOR = {
    ("role", "pods", "create"): started_with_a_gpu,
}
"""Grows below, where each right is taken away."""


async def test_a_students_pod_has_no_token_and_no_way_to_the_cluster(hub, cluster):
    """Else a notebook is a way into everybody's."""
    await hub.started("ada", "north", environment="python")
    pod = cluster.get("pod", "jupyter-ada", f"--namespace={NORTH}")
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert not [mount for volume in pod["spec"]["volumes"] for mount in volume if mount == "projected"]
    look = "import os; print(os.path.exists('/var/run/secrets/kubernetes.io'))"
    inside = ["exec", "jupyter-ada", f"--namespace={NORTH}", "--", "python3", "-c"]
    assert cluster.kubectl(*inside, look).strip() == "False"
    knock = (
        "import socket\nfor at in (('10.96.0.1', 443), ('10.77.0.1', 6443), ('10.77.0.1', 10250)):\n"
        "    try: print(socket.create_connection(at, 3))\n    except OSError as error: print(type(error).__name__)"
    )
    assert cluster.kubectl(*inside, knock).split() == ["TimeoutError"] * 3
    for verb, resource in (("get", "pods"), ("list", "secrets"), ("create", "pods"), ("get", "nodes")):
        assert not may(cluster, f"system:serviceaccount:{NORTH}:default", verb, resource, NORTH)
    await hub.stop_by_api("ada")


async def test_pod_security_baseline_is_enforced_and_restricted_is_said(hub, cluster):
    """Else an operator's escape hatch, or a stolen hub, starts a pod that owns its node."""
    await hub.started("ada", "north", environment="light")
    pod = cluster.get("pod", "jupyter-ada", f"--namespace={NORTH}")
    await hub.stop_by_api("ada")
    labels = cluster.get("namespace", NORTH)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert labels["pod-security.kubernetes.io/warn"] == "restricted"
    fresh = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "again", "labels": pod["metadata"]["labels"]},
        "spec": {key: pod["spec"][key] for key in ("containers", "securityContext", "volumes")},
    }
    said = created(cluster, fresh)
    assert "pod/again created (server dry run)" in said
    assert 'would violate PodSecurity "restricted:latest"' in said
    for what, widened in {
        "privileged": {"securityContext": {"privileged": True}},
        "hostNetwork": {},
        "hostPath": {},
        "capabilities": {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}},
    }.items():
        worse = json.loads(json.dumps(fresh))
        worse["spec"]["containers"][0] |= widened
        if what == "hostNetwork":
            worse["spec"]["hostNetwork"] = True
        if what == "hostPath":
            worse["spec"]["volumes"] = [{"name": "root", "hostPath": {"path": "/"}}]
            worse["spec"]["containers"][0]["volumeMounts"] = [{"name": "root", "mountPath": "/mnt"}]
        said = created(cluster, worse)
        assert 'violates PodSecurity "baseline:latest"' in said, (what, said)


def created(cluster, manifest) -> str:
    """What kubectl says to a pod that is only tried."""
    words = ["kubectl", "create", f"--namespace={NORTH}", "--dry-run=server", "--filename=-"]
    done = cluster.run(words, input=json.dumps(manifest))
    return done.stdout + done.stderr


async def test_the_hub_and_the_proxy_keep_to_the_strictest_standard(hub, cluster):
    """Else the one program that everybody depends on is the weakest."""
    labels = cluster.get("namespace", "jupyterhub")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    proxy = cluster.get("pods", "--namespace=jupyterhub", "--selector=component=proxy")["items"][0]
    assert proxy["spec"]["automountServiceAccountToken"] is False
    assert PREFIX  # the labels of ours are in one place
