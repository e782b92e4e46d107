"""GPUs on a real Kubernetes: its scheduler, its quota, its kubelet's device manager and deadlines.

What a user loses when these fail: everything that the embedded cluster said about GPUs was said about
another Kubernetes. No GPU is real here: the bed's device plugin advertises slices that are only counted.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter

import pytest
import pytest_asyncio

from tests.hub.support import Browser, Hub

pytestmark = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

RESOURCE = "nvidia.com/mig-1g.10gb"
SHARE, STUDENTS = 8, 300
SETTINGS = """
organizations:
  north:
    title: North
    groups: [gpu]
    environments: [python]
    gpus: {slice: {total: 8, groups: [north/gpu]}, short: {total: 2}}
environments: {python: {title: Python, image: "%(image)s"}}
sizes: {small: {cpu: {guarantee: 0.01, limit: 1}, memory: {guarantee: 16Mi, limit: 256Mi}, default: true}}
gpus:
  slice:
    title: A slice
    resource: nvidia.com/mig-1g.10gb
    nodeLabels: {nvidia.com/gpu.product: NVIDIA-A100-SXM4-80GB, nvidia.com/mig.capable: "true"}
    longest: 4h
    turn: 20s
    cpuServers: %(shared)s
  short: {title: Short, resource: nvidia.com/gpu, total: 2, longest: 15s}
homes: {kind: folder, folder: /var/tmp/homes}
"""
ASKED = {"environment": "python", "gpu": "slice"}


class Held:
    """Which pods hold a slice, read from the real API until stopped."""

    def __init__(self, cluster) -> None:
        self.cluster = cluster
        self.most = 0

    def now(self) -> dict[str, str]:
        found = {}
        for pod in self.cluster.get("pods", "--namespace=org-north")["items"]:
            limits = pod["spec"]["containers"][0].get("resources", {}).get("limits", {})
            if RESOURCE in limits and pod["status"]["phase"] not in ("Failed", "Succeeded"):
                annotations = pod["metadata"].get("annotations") or {}
                found[pod["metadata"]["name"]] = annotations.get("hub.jupyter.org/username", "")
        self.most = max(self.most, len(found))
        return found


@pytest.fixture(scope="module")
def held(cluster) -> Held:
    return Held(cluster)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster, tmp_path_factory):
    """A hub inside the first node's network; its namespaces are those that ``render`` writes."""
    folder = tmp_path_factory.mktemp("gpus")
    settings = folder / "hub.yaml"
    # The one node for students of this bed is the one with the GPUs.
    settings.write_text(SETTINGS % {"image": cluster.images["light-server"], "shared": "true"})
    rendered = subprocess.run(
        [sys.executable, "-m", "jupyterhub_libretexts.cli", "render", "manifests", str(settings)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    cluster.kubectl("create", "namespace", "jupyterhub", check=False)
    cluster.kubectl("apply", "--filename=-", stdin=rendered.stdout)
    # A folder of the node is no part of what "baseline" admits; homes are not what is tested here.
    cluster.kubectl(
        "label", "namespace", "org-north", "pod-security.kubernetes.io/enforce=privileged", "--overwrite"
    )
    cluster.kubectl(
        "wait", "--for=create", "serviceaccount/default", "--namespace=org-north", "--timeout=20s"
    )
    # Students' servers are closed to all but a hub in its own namespace, and this one runs on the node.
    cluster.kubectl("delete", "networkpolicy", "--all", "--namespace=org-north")
    more = f"""
from jupyterhub_libretexts import configure
configure(c, {str(settings)!r})
c.KubeSpawner.image_pull_policy = "Never"
c.KubeSpawner.cmd = ["light-server"]
c.KubeSpawner.environment = {{"JUPYTERHUB_VERSION": __import__("jupyterhub").__version__}}
c.KubeSpawner.delete_grace_period = 1
c.Spawner.poll_interval = 2
c.JupyterHub.authenticate_prometheus = False
# What is decided is the answer, however busy the machine is.
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 120}}
"""
    hub = Hub(folder, str(cluster.kubeconfig), more)
    async with hub:
        people = [f"s{number}" for number in range(STUDENTS)]
        assert (await hub.api("POST", "/users", {"usernames": people}))[0] == 201
        for group in ("north", "north%2Fgpu"):
            await hub.api("POST", f"/groups/{group}")
            await hub.api("POST", f"/groups/{group}/users", {"users": people})
        yield hub
        for name in people:
            await hub.api("DELETE", f"/users/{name}/server")


async def ask_all(hub: Hub) -> tuple[list[str], Counter]:
    people = [f"s{number}" for number in range(STUDENTS)]
    answers = await asyncio.gather(*(hub.start_by_api(name, ASKED) for name in people))
    got = [name for name, (status, _) in zip(people, answers, strict=True) if status in (201, 202)]
    told = Counter(str(said) for status, said in answers if status == 409)
    assert len(got) + told.total() == STUDENTS, [one for one in answers if one[0] not in (201, 202, 409)][:3]
    return got, told


async def until(true, what: str, seconds: float = 90):
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, what
        await asyncio.sleep(0.5)
    return found


async def test_exactly_the_share_runs_and_a_crash_changes_nothing(hub: Hub, held: Held, cluster) -> None:
    """The kubelet allots as many as the hub allowed; pods of a hub that died in between are ended."""
    got, told = await ask_all(hub)
    assert len(got) == SHARE
    assert all("All 8 of North are in use now" in said for said in told)
    await asyncio.gather(*(hub.until_ready(name, seconds=120) for name in got))
    assert sorted(held.now().values()) == sorted(got)
    pods = [cluster.get("pod", name, "--namespace=org-north") for name in held.now()]
    assert {pod["spec"]["nodeName"] for pod in pods} == {"node2"}
    assert all(pod["spec"]["activeDeadlineSeconds"] == 4 * 3600 for pod in pods)
    await hub.stop_by_api(got[0])
    asking = asyncio.gather(
        *(hub.start_by_api(f"s{n}", ASKED) for n in range(30, 50)), return_exceptions=True
    )
    await until(lambda: len(held.now()) == SHARE, "nobody took the slice that came back")
    await hub.stop(hard=True)
    await asking
    await hub.start()
    end = time.monotonic() + 90
    while True:
        names = list(held.now().values())
        ready = [name for name in names if (found := await hub.server(name)) and found["ready"]]
        if ready == names:
            break
        assert time.monotonic() < end, f"{names}, of which the hub knows {ready}\n{hub.report}"
        await asyncio.sleep(0.5)
    assert set(got[1:]) <= set(names)
    got, _ = await ask_all_but(hub, names)
    assert len(got) == SHARE - len(names)
    await asyncio.gather(*(hub.until_ready(name, seconds=120) for name in got))
    assert len(held.now()) == held.most == SHARE
    print(f"\n{STUDENTS} asked at once for {SHARE}: {SHARE} run, all on node2; told: {dict(told)}")


async def ask_all_but(hub: Hub, holders: list[str]) -> tuple[list[str], int]:
    people = [f"s{number}" for number in range(STUDENTS) if f"s{number}" not in holders][:20]
    answers = await asyncio.gather(*(hub.start_by_api(name, ASKED) for name in people))
    got = [name for name, (status, _) in zip(people, answers, strict=True) if status in (201, 202)]
    return got, len(people) - len(got)


async def test_the_page_counts_the_real_nodes_and_a_cordoned_one_has_none(
    hub: Hub, held: Held, cluster
) -> None:
    """The total comes from the node; eight of its nine are held, and a node that takes no pods counts for nothing."""
    async with Browser.signed_in(hub, "s299") as browser:
        page = (await browser.get("/spawn"))[1]
        assert "free now: 0; 8 of 8 of your organisation in use" in page
        name = next(iter(held.now().values()))
        await hub.stop_by_api(name)
        end = time.monotonic() + 10
        while "free now: 1; 7 of 8" not in (page := (await browser.get("/spawn"))[1]):
            assert time.monotonic() < end, page
            await asyncio.sleep(0.2)
        cluster.kubectl("cordon", "node2")
        try:
            end = time.monotonic() + 10
            while "free now: 0; 7 of 8" not in (page := (await browser.get("/spawn"))[1]):
                assert time.monotonic() < end, page
                await asyncio.sleep(0.2)
            status, said = await hub.start_by_api("s299", ASKED)
            assert (status, "All that the cluster has" in str(said)) == (409, True)
        finally:
            cluster.kubectl("uncordon", "node2")


async def test_the_quota_of_the_namespace_is_the_second_wall(hub: Hub, held: Held, cluster) -> None:
    """A pod that somebody made by hand uses the share too; the start is refused in words and keeps nothing."""
    container = {
        "name": "main", "image": cluster.images["tools"], "imagePullPolicy": "Never",
        "command": ["probe", "serve", "8080"],
        "resources": {"limits": {RESOURCE: "1", "cpu": "10m", "memory": "32Mi"}},
    }  # fmt: skip
    spec = {"containers": [container], "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}
    by_hand = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "by-hand"},
        "spec": {**spec, "terminationGracePeriodSeconds": 1},
    }
    cluster.kubectl("create", "--namespace=org-north", "--filename=-", stdin=json.dumps(by_hand))
    name = next(f"s{n}" for n in range(STUDENTS) if f"s{n}" not in held.now().values())
    status, said = await hub.start_by_api(name, ASKED)
    assert status == 409
    assert "All GPUs of your organisation are in use" in str(said)
    cluster.kubectl("delete", "pod", "by-hand", "--namespace=org-north", "--wait=true")
    assert (await hub.start_by_api(name, ASKED))[0] in (201, 202)
    await hub.until_ready(name, seconds=90)


async def test_the_line_starts_the_next_one_by_itself(hub: Hub, held: Held) -> None:
    """With everything taken a student waits, and runs as soon as the kubelet gave a slice back."""
    holders = list(held.now().values())
    assert len(holders) == SHARE
    name = next(f"s{n}" for n in range(STUDENTS) if f"s{n}" not in holders)
    async with Browser.signed_in(hub, name) as browser:
        await browser.get("/libretexts/line")
        async with browser.session.post(
            f"{hub.url}/libretexts/line/join",
            data={"organization": "north", **ASKED, "_xsrf": browser.xsrf},
        ) as answer:
            assert "You are next." in await answer.text()
        await hub.stop_by_api(holders[0])
        end = time.monotonic() + 90
        while "You do not wait for anything" not in (page := (await browser.get("/libretexts/line"))[1]):
            assert time.monotonic() < end, page
            await asyncio.sleep(0.5)
    await hub.until_ready(name, seconds=60)
    assert name in held.now().values()
    assert held.most == SHARE


async def test_the_kubelet_ends_what_ran_its_time_and_the_student_reads_why(hub: Hub, cluster) -> None:
    """The end is the cluster's own, hub or no hub; the reason outlives the pod."""
    name = "s298"
    status, said = await hub.start_by_api(name, {"environment": "python", "gpu": "short"})
    assert status in (201, 202), said
    await hub.until_ready(name, seconds=90)
    # The hub sleeps through the end, so that nobody but the kubelet can be who ends it.
    os.kill(hub.process.pid, 19)
    try:
        await until(
            lambda: (
                cluster.get("pod", f"jupyter-{name}", "--namespace=org-north")["status"].get("reason")
                == "DeadlineExceeded"
            ),
            "the pod outlived its deadline",
            60,
        )
    finally:
        os.kill(hub.process.pid, 18)
    await hub.until_stopped(name, 60)
    async with Browser.signed_in(hub, name) as browser:
        page = (await browser.get("/home"))[1]
    assert "Your server reached its longest time and was ended. Your files are safe." in page


async def test_the_usage_is_that_of_the_real_pods(hub: Hub, cluster) -> None:
    """Sums of running pods, by their own times in the API, are what the command prints."""
    await asyncio.sleep(5)
    words = [
        sys.executable,
        "-m",
        "jupyterhub_libretexts.cli",
        "usage",
        "--from",
        "2026-01-01",
        "--by",
        "person",
        "--format",
        "json",
    ]
    done = subprocess.run(words, cwd=hub.folder, capture_output=True, text=True, check=True)
    printed = {line["person"]: line["gpuHours"] * 3600 for line in json.loads(done.stdout)}
    now = time.time()
    from datetime import datetime

    for pod in cluster.get("pods", "--namespace=org-north")["items"]:
        owner = pod["metadata"]["annotations"]["hub.jupyter.org/username"]
        began = next(c for c in pod["status"]["conditions"] if c["type"] == "PodScheduled")[
            "lastTransitionTime"
        ]
        seconds = now - datetime.fromisoformat(began).timestamp()
        assert printed[owner] >= seconds - 5
    print(
        "\n"
        + subprocess.run(
            [*words[:4], "--by", "gpu"], cwd=hub.folder, capture_output=True, text=True, check=True
        ).stdout
    )
