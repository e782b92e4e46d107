"""Least rights: what the hub may do is needed, what it does not need is refused, and a student may do nothing.

What a user loses when these fail: whoever breaks into a server, or into the hub, owns more than that.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time

import pytest
import pytest_asyncio
from kubernetes_bed.errors import BedError

from tests.hub.support import Browser
from tests.live.kubernetes.hubs import hub_in
from tests.live.kubernetes.support import may

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


@pytest.mark.parametrize("what", REFUSED)
async def test_the_hub_may_not(hub, cluster, what):
    """Else whoever takes over the hub takes over more than its servers."""
    assert not may(cluster, HUB, *REFUSED[what])


def rules(cluster) -> list[tuple[str, str, str]]:
    """Each single right of the hub, as kind of role, resource and verb."""
    found = []
    for kind, (name, where) in ROLES.items():
        for rule in cluster.get(kind, name, *where)["rules"]:
            found += [(kind, resource, verb) for resource in rule["resources"] for verb in rule["verbs"]]
    return found


ROLES = {"role": (ROLE, [f"--namespace={NORTH}"]), "clusterrole": (f"jupyterhub-{ROLE}", [])}


async def a_start(hub):
    """A person's first start: a claim, a pod, its events."""
    name = f"new-{secrets.token_hex(3)}"
    await hub.started(name, "north", environment="light")


async def a_stop(hub):
    """A pod that is asked to end."""
    name = f"stop-{secrets.token_hex(3)}"
    await hub.started(name, "north", environment="light")
    await hub.api("DELETE", f"/users/{name}/server")
    await hub.until_stopped(name, 20)
    assert not [pod for pod in hub.installation.servers() if name in pod]


async def a_pod_in_the_way(hub):
    """A pod of the same name is there already, left by an earlier life of the hub."""
    name = f"old-{secrets.token_hex(3)}"
    cluster = hub.installation.cluster
    container = {"name": "notebook", "image": cluster.images["light-server"], "imagePullPolicy": "Never"}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"jupyter-{name}", "namespace": NORTH},
            "spec": {"containers": [container]},
        }
    )
    await hub.started(name, "north", environment="light")


async def a_home_in_a_full_namespace(hub):
    """The namespace takes no more claims, and this person has one."""
    cluster = hub.installation.cluster
    name = f"full-{secrets.token_hex(3)}"
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"claim-{name}", "namespace": NORTH},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    cluster.apply(claim)
    there = len(cluster.get("persistentvolumeclaims", f"--namespace={NORTH}")["items"])
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": NORTH}}
    cluster.apply(quota | {"spec": {"hard": {"persistentvolumeclaims": str(there)}}})
    try:
        cluster.kubectl(
            "wait", f"--for=jsonpath={{.status.used.persistentvolumeclaims}}={there}", "resourcequota/full",
            f"--namespace={NORTH}", "--timeout=20s",
        )  # fmt: skip
        await hub.started(name, "north", environment="light")
    finally:
        cluster.kubectl("delete", "resourcequota", "full", f"--namespace={NORTH}")


async def a_person_removed(hub):
    """Somebody who is removed takes their home along."""
    name = f"gone-{secrets.token_hex(3)}"
    await hub.started(name, "north", environment="light")
    await hub.stop_by_api(name)
    status, said = await hub.api("DELETE", f"/users/{name}")
    assert status == 204, said
    claim = [f"persistentvolumeclaim/claim-{name}", f"--namespace={NORTH}"]
    hub.installation.cluster.kubectl("wait", "--for=delete", *claim, "--timeout=10s")


async def watched_together(hub):
    """All namespaces are read in one watch."""
    await a_start(hub)
    assert "so it watches each namespace by itself" not in hub.log


async def watched_each(hub):
    """Each namespace is read by itself, and followed without asking again and again."""
    await a_start(hub)
    assert "watches each namespace by itself" in hub.log
    # Nodes are of no namespace: without rights over all, how many GPUs are free is not known.
    refused = [line for line in hub.log.splitlines() if ": refused (" in line and "nodes" not in line]
    assert not refused


async def gpus_counted(hub):
    """How many GPUs are free is known, though the settings name no total."""
    await hub.person("counts", "north")
    async with Browser.signed_in(hub, "counts") as browser:
        _, page = await browser.get("/spawn")
    assert "free now:" in page
    assert "free now: not known" not in page
    assert ": refused (" not in hub.log


NEEDED_FOR = {
    ("role", "pods", "create"): a_start,
    ("role", "pods", "delete"): a_stop,
    ("role", "pods", "get"): a_pod_in_the_way,
    ("role", "persistentvolumeclaims", "create"): a_start,
    ("role", "persistentvolumeclaims", "get"): a_home_in_a_full_namespace,
    ("role", "persistentvolumeclaims", "delete"): a_person_removed,
    ("clusterrole", "nodes", "list"): gpus_counted,
    ("clusterrole", "nodes", "watch"): gpus_counted,
    **{
        ("clusterrole", kind, verb): watched_together
        for kind in ("pods", "events")
        for verb in ("list", "watch")
    },
}
"""What fails when a right is taken away. The list is complete: another right in the role fails a test."""
WITHOUT_CLUSTER_ROLE = {
    ("role", kind, verb): watched_each for kind in ("pods", "events") for verb in ("list", "watch")
}
"""Rights that are needed where an operator gives no rights over all namespaces."""


async def test_the_hub_has_no_right_that_nothing_needs(hub, cluster):
    """Else rights pile up, and nobody dares to take one away."""
    assert set(rules(cluster)) == NEEDED_FOR.keys() | WITHOUT_CLUSTER_ROLE.keys()


@contextlib.contextmanager
def without(cluster, kind: str, resource: str, verb: str):
    """Take one right away, and give it back."""
    name, where = ROLES[kind]
    before = cluster.get(kind, name, *where)["rules"]
    after = []
    for rule in before:
        rest = [item for item in rule["resources"] if item != resource]
        after += [rule | {"resources": rest}] if rest else []
        if resource in rule["resources"] and (verbs := [item for item in rule["verbs"] if item != verb]):
            after.append(rule | {"resources": [resource], "verbs": verbs})
    patched(cluster, kind, after)
    try:
        until(lambda: not may(cluster, HUB, verb, resource, NORTH if kind == "role" else ""))
        yield
    finally:
        patched(cluster, kind, before)
        until(lambda: may(cluster, HUB, verb, resource, NORTH if kind == "role" else ""))


def patched(cluster, kind: str, new: list) -> None:
    name, where = ROLES[kind]
    cluster.kubectl("patch", kind, name, *where, "--type=merge", f"--patch={json.dumps({'rules': new})}")


def until(true) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


SCENARIOS = {scenario.__name__: scenario for scenario in NEEDED_FOR.values()}


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_with_all_its_rights_the_hub_does_its_work(hub, scenario):
    """Else the tests that take a right away would prove nothing."""
    await SCENARIOS[scenario](hub)


@pytest.mark.parametrize("right", NEEDED_FOR, ids=" ".join)
async def test_each_right_of_the_hub_is_needed(hub, cluster, right):
    """Else the hub could be given less, and whoever takes it over would have less."""
    with without(cluster, *right):
        if right[0] == "clusterrole":
            # What was read stays known; a hub that starts has to read.
            await hub.kill()
        with pytest.raises((AssertionError, BedError)):
            await NEEDED_FOR[right](hub)
    if right[0] == "clusterrole":
        await hub.kill()


async def test_without_rights_over_all_namespaces_it_works_by_those_of_each(hub, cluster):
    """Else a site that gives no cluster role has no hub."""
    binding = cluster.get("clusterrolebinding", f"jupyterhub-{ROLE}")
    cluster.kubectl("delete", "clusterrolebinding", f"jupyterhub-{ROLE}")
    try:
        for right in WITHOUT_CLUSTER_ROLE:
            with without(cluster, *right):
                await hub.kill()
                with pytest.raises(AssertionError):
                    await watched_each(hub)
        await hub.kill()
        await watched_each(hub)
    finally:
        cluster.apply(
            {key: binding[key] for key in ("apiVersion", "kind", "roleRef", "subjects")}
            | {"metadata": {key: binding["metadata"][key] for key in ("name", "labels")}}
        )
        await hub.kill()


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
