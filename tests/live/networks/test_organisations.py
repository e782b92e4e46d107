"""An organisation's namespace on a real API server: rights, guards, addresses, joining and leaving.

If these fail, what is rendered is accepted and does not hold.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import time

import pytest
import yaml

from jupyterhub_libretexts.cluster.access import AccessSettings, load_access
from jupyterhub_libretexts.cluster.connection import Connection
from tests.live.networks.conftest import INSTRUMENT, INTERNET, NETWORKS
from tests.live.networks.support import server, started

HUB = "system:serviceaccount:jupyterhub:hub"
EVERY = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
ALLOWED = {
    "pods": {"get", "list", "watch", "create", "delete"},
    "events": {"list", "watch"},
    "persistentvolumeclaims": {"get", "create", "delete"},
}
REFUSED = (
    "secrets",
    "configmaps",
    "serviceaccounts",
    "services",
    "pods/exec",
    "pods/log",
    "pods/ephemeralcontainers",
    "networkpolicies.networking.k8s.io",
    "resourcequotas",
    "limitranges",
    "roles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "deployments.apps",
)


def may(site, namespace):
    """What the hub may do in a namespace, as the API server's own review says: (verb, resource)."""
    asked = [(verb, resource) for resource in (*ALLOWED, *REFUSED) for verb in EVERY]

    async def review(connection, verb, resource):
        plain, _, subresource = resource.partition("/")
        name, _, group = plain.partition(".")
        attributes = {"namespace": namespace, "verb": verb, "resource": name, "group": group}
        spec = {
            "user": HUB,
            "groups": ["system:serviceaccounts", "system:serviceaccounts:jupyterhub"],
            "resourceAttributes": {**attributes, "subresource": subresource},
        }
        kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        answer = await connection.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", kind)
        return answer["status"]["allowed"]

    async def reviewed():
        access = AccessSettings(kubeconfig=str(site.cluster.kubeconfig))
        async with Connection(lambda: load_access(access)) as connection:
            return await asyncio.gather(*(review(connection, *pair) for pair in asked))

    return {pair for pair, allowed in zip(asked, asyncio.run(reviewed()), strict=True) if allowed}


@pytest.mark.parametrize("namespace", ["org-davis", "teaching-physics"])
def test_the_hub_may_do_what_it_needs_and_nothing_else(site, namespace):
    """Else the hub is refused at a student's start, or whoever takes the hub takes the organisation."""
    assert may(site, namespace) == {(verb, resource) for resource, verbs in ALLOWED.items() for verb in verbs}


def test_elsewhere_the_hub_only_looks_at_pods_and_their_events(site):
    """Else rights that are for speed reach beyond it."""
    assert may(site, "kube-system") == {
        (verb, resource) for resource in ("pods", "events") for verb in ("list", "watch")
    }


def refusal(site, namespace, manifest):
    """What the API server says to a pod that it refuses."""
    done = site.cluster.run(
        ["kubectl", "create", f"--namespace={namespace}", "--filename=-"], input=json.dumps(manifest)
    )
    assert done.returncode, f"{manifest['metadata']['name']} was created"
    return done.stderr


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        ({"container": {"securityContext": {"privileged": True}}}, "privileged"),
        ({"hostNetwork": True}, "host namespaces"),
        ({"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}, "hostPath"),
        ({"container": {"resources": {"requests": {"memory": "901Gi"}, "limits": {"memory": "901Gi"}}}}, "exceeded quota"),
        ({"container": {"resources": {"limits": {"nvidia.com/mig-1g.10gb": "3"}}}}, "exceeded quota"),
    ],
)  # fmt: skip
def test_the_namespace_refuses_what_no_server_may_be(site, pod, words):
    """Else a hook or a hole of the hub gives a student the node, or another's share."""
    assert words in refusal(site, "org-davis", server(site, "too-much", "davis", **pod))


def test_a_pod_that_says_nothing_of_its_needs_gets_bounds(site):
    """Else it counts for nothing in the quota, or is refused by it."""
    with started(site, ("org-davis", server(site, "modest", "davis"))) as (pod,):
        pass
    assert pod["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "256Mi"},
    }


def answer_of(site, namespace, pod, address, port):
    """What a listener outside tells a pod: the address from which it came."""
    script = (
        "import socket\n"
        f"with socket.create_connection(('{address}', {port}), 5) as s: print(s.makefile().read())"
    )
    return site.cluster.kubectl(
        "exec", pod, f"--namespace={namespace}", "--", "python3", "-c", script
    ).strip()


def test_servers_have_addresses_of_their_network_and_nobody_else_does(site):
    """Else a campus firewall that knows an organisation by its addresses lets others in."""
    pods = (
        ("org-davis", server(site, "of-davis", "davis", lab=True)),
        ("teaching-physics", server(site, "of-physics", "physics", lab=True)),
        *(("org-school", server(site, f"of-school-{n}", "school")) for n in range(12)),
    )
    with started(site, *pods) as (davis, physics, *others):
        _addresses_are_their_own(site, davis, physics, others)


def _addresses_are_their_own(site, davis, physics, others):
    assert davis["status"]["podIP"].startswith("10.244.192.")
    assert physics["status"]["podIP"].startswith("10.244.193.")
    assert not any(pod["status"]["podIP"].startswith(("10.244.192.", "10.244.193.")) for pod in others)
    # With masquerade the outside sees the node, without it the server itself, if it knows the way back.
    assert answer_of(site, "org-davis", "of-davis", *INTERNET) == davis["status"]["hostIP"]
    own = physics["status"]["podIP"]
    assert answer_of(site, "teaching-physics", "of-physics", *INSTRUMENT) == own


def until_answers(address, port, seconds=20):
    """Return once something answers there; the service proxy takes a moment to open a port."""
    limit = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((address, port), 2).close()
        except OSError:
            assert time.monotonic() < limit, f"nothing answers at {address}:{port}"
            time.sleep(0.2)
        else:
            return


def test_a_node_port_leads_nowhere_that_is_closed(site):
    """Else every Service with a node port is a way around the policies."""
    with started(site, ("org-davis", server(site, "asking", "davis", lab=True))):
        _node_ports_are_closed(site)


def _node_ports_are_closed(site):
    site.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "way", "namespace": "jupyterhub"},
            "spec": {
                "type": "NodePort",
                "selector": {"app": "jupyterhub", "component": "proxy"},
                "ports": [{"port": 8000, "nodePort": 30080}],
            },
        }
    )
    script = "import socket,sys\ntry: socket.create_connection((sys.argv[1], 30080), 3); print('open')\nexcept OSError: print('closed')"
    try:
        for node in site.cluster.shape.nodes:
            # The test stands on the first node and reaches the port: it is alive.
            until_answers(node.address, 30080)
            said = site.cluster.kubectl(
                "exec", "asking", "--namespace=org-davis", "--", "python3", "-c", script, node.address
            )
            assert said.strip() == "closed", node.name
    finally:
        site.cluster.kubectl("delete", "service", "way", "--namespace=jupyterhub")


def plan(site, *files):
    """``render manifests … --against live``."""
    return site.command("render", "manifests", *files, "--against", "live")


def test_right_after_applying_nothing_changes(site):
    """Else the plan is noise: what a real API server adds by itself is no change."""
    done = plan(site, NETWORKS)
    assert (done.returncode, done.stdout) == (0, "nothing changes\n"), done.stderr


def test_an_organisation_joins_and_leaves_and_its_homes_stay(site, tmp_path):
    """Else leaving takes the students' work along, or leaves rights behind."""
    more, less = tmp_path / "more.yaml", tmp_path / "less.yaml"
    name = f"newcomer-{secrets.token_hex(3)}"
    space = f"org-{name}"
    new = {
        "title": "New",
        "members": [{"emailDomain": "new.example"}],
        "network": "quiet",
        "environments": ["lab"],
    }
    more.write_text(yaml.safe_dump({"organizations": {name: new}}))
    less.write_text("{}\n")
    told = plan(site, NETWORKS, more)
    assert told.returncode == 1
    assert f"{name} ({space}): joins" in told.stdout
    assert "davis" not in told.stdout.replace("org-davis", "")
    site.apply(NETWORKS, more)
    assert plan(site, NETWORKS, more).stdout == "nothing changes\n"
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "claim-ada", "namespace": space},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    site.cluster.apply(claim)

    told = plan(site, NETWORKS, less)
    assert f"{name} ({space}): leaves; its people and their homes are kept" in told.stdout
    commands = [line.split(maxsplit=1)[1] for line in told.stdout.splitlines() if "kubectl delete" in line]
    for command in commands:
        words = command[command.index("kubectl") :].split()
        done = site.cluster.run(words)
        assert done.returncode == 0, done.stderr
    site.apply(NETWORKS, less)
    assert site.cluster.get("pvc", "claim-ada", f"--namespace={space}")["metadata"]["name"] == "claim-ada"
    policies = site.cluster.get("networkpolicies", f"--namespace={space}")["items"]
    assert [item["metadata"]["name"] for item in policies] == ["libretexts-closed"]
    assert may(site, space) == {
        (verb, resource) for resource in ("pods", "events") for verb in ("list", "watch")
    }

    # It comes back to the same homes.
    site.apply(NETWORKS, more)
    assert plan(site, NETWORKS, more).stdout == "nothing changes\n"
    assert site.cluster.get("pvc", "claim-ada", f"--namespace={space}")
    site.cluster.kubectl("delete", "namespace", space, "--wait=false")
    site.apply(NETWORKS)


def test_every_rendered_kind_is_taken_by_the_api_server_strictly(site):
    """Else a field is dropped in silence: kubectl's strict validation is asked for each object."""
    text = site.command("render", "manifests", NETWORKS).stdout
    done = site.cluster.run(
        ["kubectl", "apply", "--dry-run=server", "--validate=strict", "--filename=-"], input=text
    )
    assert done.returncode == 0, done.stderr
    assert "unchanged" in done.stdout
    assert "Warning" not in done.stderr, done.stderr
