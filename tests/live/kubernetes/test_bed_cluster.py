"""The bed itself: everything that later proofs about isolation and limits stand on."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from kubernetes_bed import archives, compiler, pins, processes
from kubernetes_bed.cluster import Cluster
from kubernetes_bed.errors import BedError
from kubernetes_bed.layout import GPUS, REGISTRIES, REGISTRY_USER, shape
from kubernetes_bed.up import running, up


def until(true, seconds, what):
    """Look again until it is true; the last value comes back."""
    limit = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < limit, what
        time.sleep(0.2)
    return found


def pod(cluster, name, command=("probe", "serve", "8080"), *, node=None, image=None, resources=None, **spec):
    """A pod of the tools image."""
    container = {
        "name": "main",
        "image": image or cluster.images["tools"],
        "imagePullPolicy": "IfNotPresent" if image else "Never",
        "command": list(command),
        "resources": resources or {},
    }
    selector = {"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container], **selector, **spec},
    }


def start(cluster, namespace, *pods):
    """Create pods and wait until they run."""
    items = {"apiVersion": "v1", "kind": "List", "items": pods}
    cluster.kubectl("create", f"--namespace={namespace}", "--filename=-", stdin=json.dumps(items))
    names = [f"pod/{item['metadata']['name']}" for item in pods]
    cluster.kubectl("wait", "--for=condition=Ready", *names, f"--namespace={namespace}", "--timeout=60s")


def inside(cluster, namespace, name, *command):
    """What a command inside a pod prints."""
    return cluster.kubectl("exec", f"--namespace={namespace}", name, "--", *command, check=False).strip()


def address(cluster, namespace, name):
    """A pod's address."""
    return cluster.get("pod", name, f"--namespace={namespace}")["status"]["podIP"]


def events(cluster, namespace, reason):
    """Messages of a namespace's events of one reason."""
    items = cluster.get("events", f"--namespace={namespace}")["items"]
    return [item["message"] for item in items if item["reason"] == reason]


def refused(cluster, namespace, manifest):
    """What the API server says to a manifest it refuses."""
    return cluster.run(
        ["kubectl", "create", f"--namespace={namespace}", "--filename=-"], input=json.dumps(manifest)
    ).stderr


def deny_all(policy_types=("Ingress",)):
    """A policy that closes a namespace to everyone outside it."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "own-only"},
        "spec": {
            "podSelector": {},
            "policyTypes": list(policy_types),
            "ingress": [{"from": [{"podSelector": {}}]}],
        },
    }


def test_every_node_is_ready_and_runs_the_pinned_kubernetes(cluster):
    """Otherwise nothing below means anything."""
    nodes = cluster.get("nodes")["items"]
    assert len(nodes) >= 2
    for node in nodes:
        ready = [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"]
        assert ready == ["True"]
        assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3"


def test_pods_on_two_nodes_reach_each_other_by_address_service_and_name(cluster, namespace):
    """Otherwise a hub on one node could not reach a student's server on another."""
    start(cluster, namespace, pod(cluster, "one", node="node1"), pod(cluster, "two", node="node2"))
    cluster.kubectl("expose", "pod", "two", "--port=80", "--target-port=8080", f"--namespace={namespace}")
    two = address(cluster, namespace, "two")
    assert inside(cluster, namespace, "one", "probe", "connect", two, "8080") == "open"
    by_name = f"http://two.{namespace}.svc.cluster.local/"
    answer = until(
        lambda: inside(cluster, namespace, "one", "probe", "http", by_name), 10, "the Service never answered"
    )
    assert answer.startswith("200 two ")
    service = cluster.get("service", "two", f"--namespace={namespace}")["spec"]["clusterIP"]
    assert inside(cluster, namespace, "one", "probe", "dns", f"two.{namespace}.svc.cluster.local") == service


def test_a_program_in_the_first_node_network_reaches_pods_and_is_reached(cluster, namespace):
    """Otherwise a hub started by a test could not serve students."""
    start(cluster, namespace, pod(cluster, "far", node="node2"))
    probe = ["curl", "--silent", "--max-time", "5", f"http://{address(cluster, namespace, 'far')}:8080/"]
    assert cluster.run(probe).stdout.startswith("far ")
    assert inside(cluster, namespace, "far", "probe", "connect", cluster.hub_address, "6443") == "open"


def test_a_policy_closes_a_namespace_across_nodes_and_stays_enforced_when_felix_dies(cluster, namespace):
    """Otherwise one organisation could reach another's servers and the tests would not notice."""
    other = f"{namespace[:40]}-b"
    cluster.kubectl("create", "namespace", other)
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={other}", "--timeout=20s")
    try:
        start(cluster, namespace, pod(cluster, "server", node="node2"), pod(cluster, "friend", node="node1"))
        start(cluster, other, pod(cluster, "stranger", node="node1"))
        target = [address(cluster, namespace, "server"), "8080"]
        assert inside(cluster, other, "stranger", "probe", "connect", *target) == "open"
        cluster.kubectl("create", f"--namespace={namespace}", "--filename=-", stdin=json.dumps(deny_all()))
        until(
            lambda: inside(cluster, other, "stranger", "probe", "connect", *target) == "timeout",
            20,
            "still open",
        )
        assert inside(cluster, namespace, "friend", "probe", "connect", *target) == "open"
        second = cluster.shape.nodes[1]
        before = felix_starts(second)
        cluster.kill("felix", second)
        until(lambda: felix_starts(second) > before, 10, "felix was not started again")
        start(cluster, namespace, pod(cluster, "later", node="node2"))
        later = [address(cluster, namespace, "later"), "8080"]
        until(lambda: inside(cluster, other, "stranger", "probe", "connect", *later) == "timeout", 20, "open")
        assert inside(cluster, namespace, "friend", "probe", "connect", *later) == "open"
    finally:
        cluster.kubectl("delete", "namespace", other, "--wait=false")


def felix_starts(node):
    """How often the supervisor started felix on a node."""
    return json.loads((node.folder / "status.json").read_text())["programs"]["felix"]["starts"]


def test_gpu_slices_run_out_and_a_quota_names_what_is_used(cluster, namespace):
    """Otherwise the words shown to students about GPUs would be invented."""
    slice_of = {"limits": {"nvidia.com/mig-1g.10gb": "1"}}
    tolerant = {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}
    all_of_them = GPUS["nvidia.com/mig-1g.10gb"]
    start(
        cluster,
        namespace,
        *(pod(cluster, f"gpu{i}", resources=slice_of, **tolerant) for i in range(all_of_them)),
    )
    given = {
        inside(cluster, namespace, f"gpu{i}", "sh", "-c", "echo $NVIDIA_VISIBLE_DEVICES")
        for i in range(all_of_them)
    }
    assert len(given) == all_of_them, "two pods got one slice"
    cluster.kubectl(
        "create", f"--namespace={namespace}", "--filename=-",
        stdin=json.dumps(pod(cluster, "one-more", resources=slice_of, **tolerant)),
    )  # fmt: skip
    said = until(lambda: events(cluster, namespace, "FailedScheduling"), 20, "no event")
    assert "Insufficient nvidia.com/mig-1g.10gb" in said[0]
    quota = [
        "create",
        "quota",
        "gpus",
        f"--hard=requests.nvidia.com/mig-1g.10gb={all_of_them + 1}",
        f"--namespace={namespace}",
    ]
    cluster.kubectl(*quota)
    until(
        lambda: cluster.get("quota", "gpus", f"--namespace={namespace}").get("status", {}).get("used"),
        20,
        "unused",
    )
    text = refused(cluster, namespace, pod(cluster, "beyond", resources=slice_of, **tolerant))
    assert "exceeded quota: gpus" in text
    assert f"limited: requests.nvidia.com/mig-1g.10gb={all_of_them + 1}" in text


def test_a_deadline_ends_a_pod(cluster, namespace):
    """Otherwise a GPU's time limit would be a promise only."""
    start(cluster, namespace, pod(cluster, "short", activeDeadlineSeconds=3))
    reason = ["pod", "short", f"--namespace={namespace}"]
    until(
        lambda: cluster.get(*reason)["status"].get("reason") == "DeadlineExceeded",
        30,
        "the pod outlived its deadline",
    )


def test_a_memory_limit_is_the_kernels(cluster, namespace):
    """Otherwise one student could take a node's memory."""
    start(cluster, namespace, pod(cluster, "small", resources={"limits": {"memory": "64Mi"}}))
    limit = inside(cluster, namespace, "small", "cat", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    assert limit == str(64 * 2**20)


@pytest.fixture
def fresh_archive(tmp_path):
    """An image of 2 MB that no node has.

    The kubelet remembers by content which images needed a secret, so a shared image would not do.
    """
    busybox = {"bin": 0o755, "bin/busybox": Path("/bin/busybox"), "bin/sleep": "busybox"}
    layer = archives.layer(tmp_path / "layer", {**busybox, "noise": os.urandom(2 * 2**20)})
    return archives.archive(tmp_path / "image.tar", archives.Image("fresh:1", ["/bin/sleep"]), [layer])


def test_images_are_pulled_from_the_registry_and_a_missing_tag_says_so(cluster, namespace, fresh_archive):
    """Otherwise what a student reads when an image is gone was never seen."""
    cluster.push(fresh_archive, "registry.test/books:pulled")
    start(
        cluster, namespace, pod(cluster, "pulled", ("/bin/sleep", "600"), image="registry.test/books:pulled")
    )
    missing = pod(cluster, "missing", image="registry.test/books:gone")
    cluster.kubectl("create", f"--namespace={namespace}", "--filename=-", stdin=json.dumps(missing))
    said = until(lambda: events(cluster, namespace, "Failed"), 30, "no event")
    assert any("registry.test/books:gone: not found" in message for message in said)


def test_a_private_image_needs_its_secret(cluster, namespace, fresh_archive):
    """Otherwise an organisation's private environment would be open, or closed to its own students."""
    image = f"private.registry.test/{namespace}:1"
    cluster.push(fresh_archive, image)
    cluster.kubectl(
        "create",
        f"--namespace={namespace}",
        "--filename=-",
        stdin=json.dumps(pod(cluster, "without", ("/bin/sleep", "600"), image=image)),
    )
    said = until(lambda: events(cluster, namespace, "Failed"), 30, "no event")
    assert any("no basic auth credentials" in message or "authorization" in message for message in said)
    token = base64.b64encode(":".join(REGISTRY_USER).encode()).decode()
    config = json.dumps({"auths": {"private.registry.test": {"auth": token}}})
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pull"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": config},
    }
    cluster.kubectl("create", f"--namespace={namespace}", "--filename=-", stdin=json.dumps(secret))
    start(
        cluster,
        namespace,
        pod(cluster, "with", ("/bin/sleep", "600"), image=image, imagePullSecrets=[{"name": "pull"}]),
    )


def test_a_slow_pull_takes_its_time_and_ends_well(cluster, namespace, fresh_archive):
    """Otherwise the words for a first, slow start were never seen on a real pull."""
    cluster.push(fresh_archive, f"registry.test/{namespace}:1")
    image = f"slow.registry.test/{namespace}:1"
    began = time.monotonic()
    start(cluster, namespace, pod(cluster, "slow", ("/bin/sleep", "600"), image=image))
    assert time.monotonic() - began > 4, "2 MB at 512 KB a second"
    assert any("Successfully pulled" in message for message in events(cluster, namespace, "Pulled"))


def test_no_packet_leaves_the_namespaces(cluster, namespace):
    """Otherwise a test could reach, or harm, something that is not ours."""
    assert cluster.run(["curl", "--silent", "--max-time", "3", "http://192.0.2.1/"]).returncode != 0
    start(cluster, namespace, pod(cluster, "caged"))
    for outside in ("192.0.2.1", "1.1.1.1"):
        assert inside(cluster, namespace, "caged", "probe", "connect", outside, "80") != "open"
    links = subprocess.check_output(
        ["nsenter", f"--net=/proc/{os.getppid()}/ns/net", "ip", "-br", "link"], text=True
    )
    assert not [
        line for line in links.splitlines() if line.startswith(("veth", "cali", "vxlan", "bridge", "node"))
    ]


def test_what_a_suite_compiles_is_fetched_from_outside_the_cluster(cluster, tmp_path, monkeypatch):
    """Otherwise a suite that builds a part of its own fails wherever that part was never built before."""
    seen = []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiler, "compile_one", lambda *_: seen.append(os.readlink(processes.NETWORK)))
    here = os.readlink(processes.NETWORK)
    compiler.compile_parts(pins.load(), ["kwok"])
    assert seen == [os.readlink(f"/proc/{os.getppid()}/ns/net")]
    assert seen != [here]
    assert os.readlink(processes.NETWORK) == here


def test_two_clusters_live_side_by_side_a_second_up_is_refused_and_down_leaves_nothing(cluster):
    """Otherwise two developers, or two test runs, would spoil each other's work."""
    wanted = shape(f"{cluster.name[:20]}-b", 1)
    with running(wanted) as second:
        assert len(second.get("nodes")["items"]) == 1
        assert len(cluster.get("nodes")["items"]) >= 2
        with pytest.raises(BedError, match="is up already"):
            up(wanted)
        assert up(wanted, reuse=True).lives
    assert second.remains() == []


def test_what_a_killed_run_left_is_cleaned_by_the_next(cluster):
    """Otherwise a crash would cost the developer a search for stray processes."""
    wanted = shape(f"{cluster.name[:20]}-c", 1)
    room = Path(__file__).resolve().parents[3]
    with subprocess.Popen([room / "dev/cluster", "up", "--nodes=1", f"--name={wanted.name}"]) as command:
        until(lambda: Cluster(wanted.name).lives, 60, "the start never began")
        command.kill()
    assert Cluster(wanted.name).remains()
    with running(wanted) as again:
        assert len(again.get("nodes")["items"]) == 1
    assert again.remains() == []


def test_the_hosts_of_the_registries_are_what_the_nodes_know(cluster):
    """Otherwise a pull would go to the outside and time out."""
    for node in cluster.shape.nodes:
        assert {path.name for path in (node.folder / "certs.d").iterdir()} == set(REGISTRIES)
