"""Faults on the real cluster: after each, students have what they had, or read what happened; nothing is left.

What a user loses when these fail: their work or their afternoon, while everybody says that all is well.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import platform
import re
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from jupyterhub_libretexts.demo.visit import Visit
from jupyterhub_libretexts.errors import ClusterError
from tests.live.kubernetes.faults import PAGE, Row, write
from tests.live.kubernetes.hubs import hub_in
from tests.live.kubernetes.support import until

if TYPE_CHECKING:
    from tests.live.kubernetes.hubs import ClusterHub

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 10
"""Seconds that a page is waited for here; a browser waits longer, and shows nothing meanwhile."""

FAKE_CLOCK = Path(f"/usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketime.so.1")
"""Of Debian's package ``libfaketime``."""
CLOCK = "/srv/hub/clock"
"""A file in the hub's pod: how far off its clock is, in seconds."""

MORE = """
c.JupyterHub.init_spawners_timeout = 30
c.Spawner.poll_interval = 5
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster, tmp_path_factory):
    """A hub that looks at its servers every five seconds."""
    async with hub_in(cluster, tmp_path_factory.mktemp("hub"), MORE) as running:
        yield running


@pytest.fixture(scope="module")
def rows(request):
    """The rows of this run; written into the documentation when that is asked for."""
    found: list[Row] = []
    yield found
    if request.config.getoption("--update-golden") and {row.test for row in found} == proved():
        write(found)


def proved() -> set[str]:
    """Names of the tests that each cause a fault."""
    return {name for name in globals() if name.startswith("test_") and not name.startswith("test_every")}


@contextlib.asynccontextmanager
async def everybody_stops(hub: ClusterHub):
    """Stop every server at the end, and see that no pod is left."""
    try:
        yield
    finally:
        await asyncio.gather(*(stopped(hub, name) for name in await active(hub)))
        hub.installation.wait_until_no_server_is_left(90)


async def active(hub: ClusterHub) -> list[str]:
    return [user["name"] for user in (await hub.api("GET", "/users?state=active"))[1]]


async def stopped(hub: ClusterHub, name: str) -> None:
    await hub.api("DELETE", f"/users/{name}/server")
    await hub.until_stopped(name, 90)


async def told(hub: ClusterHub, name: str) -> list[str]:
    """What the page of a start shows, until it is over; waits for a start that is just being asked for."""
    messages: list[str] = []
    while not messages:
        async with hub.session.get(f"{hub.url}/api/users/{name}/server/progress") as events:
            async for line in events.content:
                if line.startswith(b"data: "):
                    event = json.loads(line.removeprefix(b"data: "))
                    messages.append(event.get("message", ""))
                    if event.get("ready") or event.get("failed"):
                        break
        await asyncio.sleep(0.1)
    return messages


def words(messages: list[str]) -> str:
    """What a start's page said, each once; of a line that grows shorter, the longest."""
    told: dict[str, str] = {}
    for text in messages:
        told.setdefault(re.sub(r"\d+", "0", text), text)
    return " ".join(text for text in told.values() if not text.startswith("Server re"))


async def page(visit: Visit) -> str:
    """What a browser gets that opens a person's server."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    try:
        async with visit.http.get(f"{visit.url}/user/{visit.name}/lab", timeout=timeout) as answer:
            text = await answer.text()
    except TimeoutError:
        return f"(a page that does not load within {PATIENCE} s)"
    found = re.search(r"<h1>\s*(.*?)\s*</h1>", text, re.DOTALL)
    return found[1] if found else f"(status {answer.status})"


@contextlib.contextmanager
def held_back(cluster):
    """No pod gets a node meanwhile, so that what was asked for is surely starting."""
    for node in cluster.shape.nodes:
        cluster.kubectl("cordon", node.name)
    try:
        yield
    finally:
        for node in cluster.shape.nodes:
            cluster.kubectl("uncordon", node.name)


def containers(hub: ClusterHub) -> dict[str, str]:
    """Pods of students with their containers' identifiers."""
    found = hub.installation.cluster.get("pods", "--all-namespaces", "--selector=component=singleuser-server")
    return {
        pod["metadata"]["name"]: pod["status"]["containerStatuses"][0].get("containerID", "")
        for pod in found["items"]
        if pod["status"].get("containerStatuses")
    }


async def test_the_api_server_ends_in_the_middle_of_fifty_starts(hub, cluster, rows):
    """Else a control plane's update at nine o'clock costs a class its hour."""
    people = [f"class{number}" for number in range(50)]
    for name in people:
        await hub.person(name, "south")
    async with everybody_stops(hub):
        began = time.monotonic()
        starts = [asyncio.ensure_future(hub.start_by_api(name, {"environment": "light"})) for name in people]
        await until(lambda: some(containers(hub)), 30, "no start got anywhere")
        reader = asyncio.ensure_future(told(hub, people[-1]))
        cluster.kill("apiserver")
        killed = time.monotonic()
        answers = await asyncio.gather(*starts)
        assert all(status in (201, 202) for status, _ in answers), answers
        for name in people:
            await hub.until_ready(name, seconds=180)
        took = time.monotonic() - killed
        read = words(await reader)
        assert read, "the page of the start said nothing"
        assert len(hub.installation.servers()) == 50, "a pod for each and no more"
    rows.append(
        Row(
            "test_the_api_server_ends_in_the_middle_of_fifty_starts",
            f"API server killed {killed - began:.0f} s into 50 starts",
            read,
            "all 50 start; none is refused, none is started twice",
            took,
        )
    )


async def some(found):
    return found


@pytest.mark.parametrize("program", ["kubelet", "containerd"])
async def test_a_nodes_programs_end_and_come_back(hub, cluster, rows, program):
    """Else an update of a node ends everybody's work on it."""
    async with everybody_stops(hub):
        for name in ("ada", "bea"):
            await hub.started(name, "north", environment="light")
        before = containers(hub)
        began = time.monotonic()
        for node in cluster.shape.nodes:
            cluster.kill(program, node)
        await hub.started("cem", "north", environment="light")
        took = time.monotonic() - began
        for name in ("ada", "bea"):
            assert (await hub.server(name))["ready"]
        after = containers(hub)
        assert {name: after[name] for name in before} == before, "what ran is the very same container"
    rows.append(
        Row(
            "test_a_nodes_programs_end_and_come_back",
            f"{program} killed on every node",
            "nothing",
            "running servers go on, and the next start waits until it is back",
            took,
        )
    )


async def test_a_node_is_lost(hub, cluster, rows):
    """Else a student whose machine died cannot work until an administrator comes."""
    node = cluster.shape.nodes[1]
    async with everybody_stops(hub):
        cluster.kubectl("cordon", "node1")
        try:
            await hub.started("ada", "north", environment="light")
        finally:
            cluster.kubectl("uncordon", "node1")
        assert cluster.get("pod", "jupyter-ada", "--namespace=org-north")["spec"]["nodeName"] == node.name
        async with Visit(hub.installation.url, "ada", "x") as visit:
            await visit.sign_in()
            assert await page(visit) == "(status 200)", "the light server has no heading"
            with cluster.held(node.name):
                began = time.monotonic()
                read = await page(visit)
                await hub.until_stopped("ada", 120)
                noticed = time.monotonic() - began
                read += f"; then: {await page(visit)}"
                status, said = await hub.start_by_api("ada", {"environment": "light"})
                assert status in (201, 202), said
                await hub.until_ready("ada", seconds=60)
                took = time.monotonic() - began
                assert (
                    cluster.get("pod", "jupyter-ada", "--namespace=org-north")["spec"]["nodeName"] == "node1"
                )
        cluster.kubectl("wait", "--for=condition=Ready", f"node/{node.name}", "--timeout=90s")
        assert (await hub.server("ada"))["ready"]
    rows.append(
        Row(
            "test_a_node_is_lost",
            "a node loses power",
            read,
            f"the hub counts the server as ended after {noticed:.0f} s, and a new start takes another node",
            took,
        )
    )


async def reads_while_the_hub_is_away(hub: ClusterHub, visit: Visit) -> str:
    """What the home page of the hub shows until it is back, and what the person's server shows meanwhile."""

    async def home() -> int:
        try:
            async with visit.http.get(
                f"{visit.url}/hub/home", timeout=aiohttp.ClientTimeout(total=5)
            ) as answer:
                return answer.status
        except (TimeoutError, aiohttp.ClientError):
            return 0

    status = await until(lambda: bad(home), 30, "the hub never went away")
    async with visit.http.get(f"{visit.url}/user/{visit.name}/api") as answer:
        server = answer.status
    said = f"status {status}" if status else "no answer"
    return f"on the hub's pages: {said}; their server goes on (status {server})"


async def bad(ask) -> int | str:
    """The status of an answer that is none; else nothing."""
    status = await ask()
    return "" if status == 200 else status or "0"


async def test_the_hub_is_killed_with_servers_running_and_starting(hub, cluster, rows):
    """Else an update of the hub ends everybody's work, or leaves pods that nobody owns."""
    running = ["ada", "bea"]
    starting = [f"late{number}" for number in range(6)]
    async with everybody_stops(hub):
        for name in running:
            await hub.started(name, "north", environment="light")
        for name in starting:
            await hub.person(name, "south")
        before = containers(hub)
        with held_back(cluster):
            starts = [
                asyncio.ensure_future(hub.start_by_api(name, {"environment": "light"})) for name in starting
            ]
            await until(lambda: some(len(hub.installation.servers()) == 8), 30, "the pods did not come")
            began = time.monotonic()
            async with Visit(hub.installation.url, "ada", "x") as visit:
                await visit.sign_in()
                reader = asyncio.ensure_future(reads_while_the_hub_is_away(hub, visit))
                await hub.kill()
                read = await reader
            await asyncio.gather(*starts, return_exceptions=True)
        for name in [*running, *starting]:
            await hub.until_ready(name, seconds=90)
        took = time.monotonic() - began
        after = containers(hub)
        assert {name: after[name] for name in before} == before
        assert len(hub.installation.servers()) == 8, "nothing doubled, nothing lost"
    rows.append(
        Row(
            "test_the_hub_is_killed_with_servers_running_and_starting",
            "hub killed with 2 servers running and 6 starting",
            read,
            "all 8 are taken over, in their organisations' namespaces, in the same containers",
            took,
        )
    )


async def test_etcd_does_not_answer_for_a_while(hub, cluster, rows):
    """Else a slow disk under the control plane is everybody's error page."""
    async with everybody_stops(hub):
        await hub.started("ada", "north", environment="light")
        await hub.person("bea", "north")
        with cluster.paused("etcd"):
            began = time.monotonic()
            start = asyncio.ensure_future(hub.start_by_api("bea", {"environment": "light"}))
            await until(lambda: hub.server("bea"), 10, "the start was not taken")
            reader = asyncio.ensure_future(told(hub, "bea"))
            await asyncio.sleep(12)
            assert (await hub.server("ada"))["ready"]
        status, said = await start
        assert status in (201, 202), said
        await hub.until_ready("bea", seconds=60)
        took = time.monotonic() - began
        read = words(await reader)
        assert read, "the page of the start said nothing"
        assert len(hub.installation.servers()) == 2
    rows.append(
        Row(
            "test_etcd_does_not_answer_for_a_while",
            "etcd stands still for 12 s",
            read,
            "running servers go on; a start that was asked for meanwhile arrives, once",
            took,
        )
    )


async def test_a_kernel_takes_more_memory_than_the_server_may(hub, cluster, rows):
    """Else one cell takes the whole server, or the whole node, and nobody reads why."""
    async with everybody_stops(hub):
        await hub.started("ada", "north", environment="hungry")
        before = containers(hub)
        began = time.monotonic()
        async with Visit(hub.installation.url, "ada", "x") as visit:
            await visit.sign_in()
            with pytest.raises(ClusterError) as died:
                await visit.executed("everything = bytearray(2**30)")
            assert await visit.executed("print(6 * 7)") == "42", "the next kernel computes"
        assert (await hub.server("ada"))["ready"]
        assert containers(hub) == before, "and the server goes on"
        took = time.monotonic() - began
    rows.append(
        Row(
            "test_a_kernel_takes_more_memory_than_the_server_may",
            "a kernel grows beyond the server's memory (cgroup version 1)",
            f"{died.value} (JupyterLab's own notice)",
            "only that process ends. On cgroup version 2 the whole container does, and the student reads "
            "that the server used more memory than it has; that was not run here",
            took,
        )
    )


async def test_a_pod_is_evicted(hub, cluster, rows):
    """Else a node that is drained keeps its students on a page that never loads."""
    async with everybody_stops(hub):
        await hub.started("ada", "north", environment="light")
        began = time.monotonic()
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": "jupyter-ada", "namespace": "org-north"},
        }
        path = "/api/v1/namespaces/org-north/pods/jupyter-ada/eviction"
        cluster.kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(eviction))
        await hub.until_stopped("ada", 60)
        status, said = await hub.start_by_api("ada")
        assert status in (201, 202), said
        await hub.until_ready("ada")
        took = time.monotonic() - began
    rows.append(
        Row(
            "test_a_pod_is_evicted",
            "the pod is evicted (its node is drained)",
            "the page that starts a server",
            "the hub counts the server as ended, and a new start works",
            took,
        )
    )


async def test_an_image_is_gone(hub, rows):
    """Else a student waits five minutes for an image that will never come."""
    await hub.person("ada", "north")
    began = time.monotonic()
    status, said = await hub.start_by_api("ada", {"environment": "missing-image"})
    messages = await told(hub, "ada") if status == 202 else [str(said)]
    took = time.monotonic() - began
    assert "image" in messages[-1], messages
    await hub.until_stopped("ada", 60)
    hub.installation.wait_until_no_server_is_left()
    rows.append(
        Row(
            "test_an_image_is_gone",
            "the environment's image is not there",
            messages[-1],
            "the start ends at once and leaves nothing",
            took,
        )
    )


@contextlib.asynccontextmanager
async def movable_clock(hub: ClusterHub):
    """Let the hub's process have a clock of its own (libfaketime); the value sets it off from the machine's.

    The node, the cluster and everybody's servers keep theirs, as when one machine's time server is wrong.
    """
    installation = hub.installation
    cluster, space = installation.cluster, f"--namespace={installation.namespace}"
    library = base64.b64encode(FAKE_CLOCK.read_bytes()).decode()
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "clock", "namespace": installation.namespace},
            "binaryData": {FAKE_CLOCK.name: library},
        }
    )
    container = {
        "name": "hub",
        "env": [
            {"name": "LD_PRELOAD", "value": f"/etc/clock/{FAKE_CLOCK.name}"},
            {"name": "FAKETIME_TIMESTAMP_FILE", "value": CLOCK},
            {"name": "FAKETIME_NO_CACHE", "value": "1"},
            # A step of the clock leaves the time since the start of the machine as it is (clock_gettime(2)).
            {"name": "FAKETIME_DONT_FAKE_MONOTONIC", "value": "1"},
        ],
        "volumeMounts": [{"name": "clock", "mountPath": "/etc/clock"}],
    }
    volume = {"name": "clock", "configMap": {"name": "clock"}}
    pod = {"spec": {"template": {"spec": {"containers": [container], "volumes": [volume]}}}}
    before = cluster.get("deployment", "hub", space)["spec"]["template"]["spec"]

    async def jump(seconds: int) -> None:
        script = f"echo {seconds:+d} > {CLOCK}"
        await asyncio.to_thread(cluster.kubectl, "exec", "deployment/hub", space, "--", "sh", "-c", script)
        async with hub.session.get(f"{hub.url}/health") as answer:
            told = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        assert abs(told - time.time() - seconds) < 5, "the hub's clock did not move"

    cluster.kubectl("patch", "deployment", "hub", space, "--patch", json.dumps(pod))
    try:
        installation.wait_until_ready()
        await hub.until_healthy()
        yield jump
    finally:
        replaced = [{"op": "replace", "path": "/spec/template/spec", "value": before}]
        cluster.kubectl("patch", "deployment", "hub", space, "--type=json", "--patch", json.dumps(replaced))
        installation.wait_until_ready()
        await hub.until_healthy()


async def test_the_clock_of_the_hub_jumps(hub, cluster, rows):
    """Else a correction of the time ends everybody's work, or starts that were fine."""
    async with everybody_stops(hub), movable_clock(hub) as jump:
        await hub.started("ada", "north", environment="timed")
        await hub.person("bea", "north")
        before = containers(hub)
        async with Visit(hub.installation.url, "ada", "x") as visit:
            await visit.sign_in()
            with held_back(cluster):
                start = asyncio.ensure_future(hub.start_by_api("bea", {"environment": "light"}))
                await until(lambda: some(len(hub.installation.servers()) == 2), 30, "the pod did not come")
                reader = asyncio.ensure_future(told(hub, "bea"))
                began = time.monotonic()
                # Longer than a server may run, be idle or take to start.
                await jump(3 * 3600)
                # Two looks at every server.
                await asyncio.sleep(11)
            await start
            await hub.until_ready("bea", seconds=60)
            read = words(await reader)
            await jump(-24 * 3600)
            await hub.started("dee", "south", environment="light")
            assert (await page(visit)).startswith("(status 200"), "who is signed in stays so"
        assert (await hub.server("ada"))["ready"], "neither idle nor past its time"
        assert {name: containers(hub)[name] for name in before} == before
        took = time.monotonic() - began
        cluster.kubectl(
            "delete", "pod", "jupyter-ada", "--namespace=org-north", "--grace-period=0", "--force"
        )
        await hub.until_stopped("ada", 30)
    rows.append(
        Row(
            "test_the_clock_of_the_hub_jumps",
            "the hub's clock jumps 3 hours ahead, then 27 hours back",
            read,
            "starts go on, running servers too, also those with a longest and an idle time; "
            "people stay signed in, and the hub still sees when a server ends",
            took,
        )
    )


async def test_every_fault_has_its_row_in_the_documentation(request):
    """Else the page shows less than what is proved, or promises more."""
    if request.config.getoption("--update-golden"):
        pytest.skip("the page is being written by this run")
    shown = set(re.findall(r"\[`(test_\w+)`\]", PAGE.read_text(encoding="utf8")))
    assert shown == proved()
