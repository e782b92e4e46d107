"""Usage: sums are what the cluster's pods really held, over a crash of the hub; nobody's name stays if erased.

What a user loses when these fail: a bill that is wrong, or that names somebody who asked to be forgotten.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import pytest_asyncio
import sqlalchemy as sql
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_libretexts.demo.cluster.resources import PODS
from jupyterhub_libretexts.hub.bill import bill, erase
from jupyterhub_libretexts.hub.metrics import Totals
from jupyterhub_libretexts.hub.store import INTERVALS, Store, store_url
from jupyterhub_libretexts.hub.usage import Interval, Usage
from tests.gpus.conftest import RESOURCE
from tests.hub.support import Hub

hub_test = [pytest.mark.hub, pytest.mark.asyncio(loop_scope="module")]

SETTINGS = f"""
organizations:
  north: {{title: North, environments: [python, r], gpus: {{slice: {{total: 4, perPerson: 2}}}}}}
  south: {{title: South, environments: [python]}}
environments:
  python: {{title: Python, image: "local/python:1"}}
  r: {{title: R, image: "local/python:1"}}
sizes:
  small: {{cpu: {{guarantee: 0.5, limit: 1}}, memory: {{guarantee: 1Gi, limit: 2Gi}}, default: true}}
  large: {{cpu: {{guarantee: 2, limit: 4}}, memory: {{guarantee: 4Gi, limit: 8Gi}}}}
gpus: {{slice: {{title: A slice, resource: {RESOURCE}, total: 4, longest: 4h}}}}
"""


@dataclass
class Truth:
    """What each pod held, from when until when, as the cluster itself knows it."""

    pods: dict[str, dict] = field(default_factory=dict)

    def follow(self, change) -> None:
        if change.resource is not PODS or not change.document["spec"].get("nodeName"):
            return
        document = change.document
        known = self.pods.setdefault(
            document["metadata"]["uid"], {"begin": time.time(), "end": None, "document": document}
        )
        if change.kind == "DELETED":
            known["end"] = time.time()

    def sums(self, key: str) -> dict[str, tuple[float, float, float]]:
        found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        for pod in self.pods.values():
            seconds = (pod["end"] or time.time()) - pod["begin"]
            requests = pod["document"]["spec"]["containers"][0]["resources"]["requests"]
            cores = float(requests["cpu"].replace("m", "e-3"))
            gibibytes = int(requests["memory"]) / 2**30
            name = pod["document"]["metadata"]["annotations"][key]
            for place, amount in enumerate((int(requests.get(RESOURCE, 0)), cores, gibibytes)):
                found[name][place] += amount * seconds
        return {name: tuple(sums) for name, sums in found.items()}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def truth(cluster) -> Truth:
    truth = Truth()
    cluster.store.subscribe(truth.follow)
    return truth


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(cluster, stand_in_port, tmp_path_factory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("usage")
    (folder / "hub.yaml").write_text(SETTINGS)
    more = f"""
from jupyterhub_libretexts import configure
configure(c, {str(folder / "hub.yaml")!r})
c.LibreTextsSpawner.port = {stand_in_port}
c.JupyterHub.authenticate_prometheus = False
"""
    async with Hub(folder, str(cluster.kubeconfig), more) as running:
        for name in ("ada", "bo"):
            await running.person(name, "north")
        await running.person("sue", "south")
        yield running


def printed(hub: Hub, *arguments: str) -> list[dict]:
    """What the command prints."""
    return json.loads(called(hub, "--from", "2026-01-01", "--format", "json", *arguments))


def called(hub: Hub, *arguments: str) -> str:
    """Called as an operator calls it in the hub's folder, who names a database that is not a file there."""
    words = [sys.executable, "-m", "jupyterhub_libretexts.cli", "usage", *arguments]
    if not hub.store_address.startswith("sqlite"):
        words += ["--database", hub.store_address]
    done = subprocess.run(words, cwd=hub.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def started(hub: Hub, name: str, server: str | None = None, **options: str) -> None:
    status, said = await hub.start_by_api(name, options, server=server)
    assert status in (201, 202), said
    await hub.until_ready(name, server or "")


async def metrics(hub: Hub) -> dict[str, float]:
    async with hub.session.get(f"{hub.url}/metrics") as answer:
        text = await answer.text()
    return {
        match[1]: float(match[2]) for match in re.finditer(r"^(libretexts_\S+) (\S+)$", text, re.MULTILINE)
    }


@pytest.mark.hub
@pytest.mark.asyncio(loop_scope="module")
async def test_the_sums_are_what_the_pods_held_over_a_crash(hub: Hub, truth: Truth) -> None:
    """Servers of several kinds come and go; the hub dies between; the bill is the cluster's own."""
    await started(hub, "ada", environment="python", gpu="slice")
    await started(hub, "bo", environment="r", size="large")
    await started(hub, "sue", environment="python")
    # The middle of a class: some time passes in which everything is held.
    await asyncio.sleep(4)
    await hub.stop_by_api("bo")
    seen = await metrics(hub)
    assert seen['libretexts_gpus_held{gpu="slice",organization="north"}'] == 1
    key = '{course="",environment="python",gpu="slice",organization="north"}'
    held = truth.sums("libretexts.org/organization")["north"][0]
    assert abs(seen[f"libretexts_gpu_seconds_total{key}"] - held) < 2
    assert seen[f"libretexts_memory_byte_seconds_total{key}"] > 2**30
    assert not [name for name in seen if "ada" in name or "sue" in name]
    await asyncio.sleep(3)
    await hub.stop(hard=True)
    await hub.start()
    await started(hub, "ada", "second", environment="python", gpu="slice", size="large")
    await asyncio.sleep(2)
    for path in ("/users/ada/server", "/users/ada/servers/second", "/users/sue/server"):
        await hub.api("DELETE", path)
    for name in ("ada", "sue"):
        await hub.until_stopped(name)
    await asyncio.sleep(3)
    for by, annotation in (
        ("organization", "libretexts.org/organization"),
        ("environment", "libretexts.org/environment"),
        ("person", "hub.jupyter.org/username"),
    ):
        expected = truth.sums(annotation)
        lines = {line[by]: line for line in printed(hub, "--by", by)}
        assert lines.keys() == expected.keys()
        for name, sums in expected.items():
            line = lines[name]
            found = [line[each] * 3600 for each in ("gpuHours", "cpuHours", "memoryGiBHours")]
            # The cluster's own times have whole seconds: one at each end of each pod.
            most = 2.5 * line["servers"] * 4
            assert all(abs(one - other) < most for one, other in zip(found, sums, strict=True)), (
                name,
                found,
                sums,
            )
    assert sum(line["gpuHours"] for line in printed(hub)) > 7 / 3600


@pytest.mark.hub
@pytest.mark.asyncio(loop_scope="module")
async def test_somebody_is_forgotten_and_the_sums_stay(hub: Hub, truth: Truth) -> None:
    """Else a person who asked to be erased stands in every bill to come."""
    before = printed(hub)
    called(hub, "--erase", "ada")
    assert "ada" not in [line["person"] for line in printed(hub, "--by", "person")]
    assert printed(hub) == before
    assert b"ada" not in b"".join(
        row for row in (str(one).encode() for one in Store(hub.store_address).rows(sql.select(INTERVALS)))
    )


def interval(uid="u", started=0.0, username="ada", gpus=1) -> Interval:
    return Interval(
        uid, username, "north", None, "python", "slice" if gpus else None, gpus, 0.5, 2**30, started
    )


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=8), st.floats(0, 100))
def test_counters_are_the_seconds_since_the_hub_began_and_never_fall(spans, now) -> None:
    """Else a graph shows GPUs that come back from the future, or a time twice after a restart."""
    clock = SimpleNamespace(now=50.0)
    totals = Totals(lambda: clock.now)
    events = []
    for number, (one, other) in enumerate(spans):
        begin, end = min(one, other), max(one, other)
        events += [
            (max(begin, 50.0), 0, interval(str(number), begin), None),
            (max(end, 50.0), 1, interval(str(number), begin), end),
        ]
    last = 0.0
    for moment, _, each, end in sorted(events, key=lambda event: event[:2]):
        clock.now = moment
        if end is None:
            totals.begin(each)
        else:
            totals.end(each, end)
        value = next(iter(totals.families())).samples[0].value
        assert value >= last - 1e-6
        last = value
    expected = sum(max(0.0, max(spans_) - max(50.0, min(spans_))) for spans_ in spans)
    assert abs(last - expected) < 1e-6


def pod(uid="u", scheduled="2026-11-24T12:00:00Z", phase="Running", finished=None):
    status = {
        "phase": phase,
        "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": scheduled}],
    }
    if finished:
        status["containerStatuses"] = [{"state": {"terminated": {"finishedAt": finished}}}]
    return {
        "metadata": {
            "uid": uid,
            "labels": {"hub.jupyter.org/username": "ada"},
            "annotations": {
                "libretexts.org/organization": "north",
                "libretexts.org/environment": "python",
                "hub.jupyter.org/username": "ada@x.edu",
            },
        },
        "spec": {
            "containers": [
                {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {RESOURCE: "1"}}}
            ]
        },
        "status": status,
    }


NOON = 1795521600.0


@pytest.fixture
def kept(tmp_path):
    clock = SimpleNamespace(now=NOON)
    store = Store(f"sqlite:///{tmp_path}/usage.sqlite")

    def usage() -> Usage:
        return Usage(store, Totals(lambda: clock.now), lambda: clock.now)

    yield SimpleNamespace(clock=clock, store=store, usage=usage)
    store.close()


def hours(kept, begin=NOON - 3600, end=NOON + 36000, by="organization") -> dict[str, float]:
    return {line.name: line.gpu_hours for line in bill(kept.store, begin, end, by, kept.clock.now)}


def test_an_end_that_the_hub_slept_through_is_when_it_last_knew(kept) -> None:
    """Else a crash on Friday bills the whole weekend."""
    usage = kept.usage()
    usage.observe("n/p", pod())
    usage.flush()
    kept.clock.now = NOON + 120
    usage.flush()
    kept.clock.now = NOON + 7200
    again = kept.usage()
    again.catch_up()
    again.flush()
    assert hours(kept) == {"north": pytest.approx(120 / 3600)}


def test_a_pod_that_was_only_out_of_sight_goes_on_where_it_was(kept) -> None:
    """Else a cluster that was away for a moment halves the bill, or doubles it."""
    usage = kept.usage()
    usage.observe("n/p", pod())
    usage.flush()
    again = kept.usage()
    again.catch_up()
    again.observe("n/p", pod())
    again.flush()
    kept.clock.now = NOON + 3600
    again.observe("n/p", pod(phase="Failed", finished="2026-11-24T12:30:00Z"))
    again.observe("n/p", None)
    again.flush()
    assert hours(kept) == {"north": pytest.approx(0.5)}
    assert hours(kept, begin=NOON + 900, end=NOON + 1200) == {"north": pytest.approx(300 / 3600)}


def test_a_pod_of_the_same_name_is_another_and_one_without_a_node_holds_nothing(kept) -> None:
    """Else a server that waits for a node is billed, or two servers are one."""
    usage = kept.usage()
    waiting = pod("first")
    waiting["status"] = {"phase": "Pending"}
    usage.observe("n/p", waiting)
    kept.clock.now = NOON + 3600
    usage.observe("n/p", pod("first", "2026-11-24T13:00:00Z"))
    kept.clock.now = NOON + 7200
    usage.observe("n/p", pod("second", "2026-11-24T14:00:00Z"))
    kept.clock.now = NOON + 10800
    usage.observe("n/p", None)
    usage.flush()
    assert hours(kept) == {"north": pytest.approx(2.0)}


def test_what_is_older_than_the_operator_keeps_is_gone_and_names_can_be_erased(kept) -> None:
    """Else figures about people are kept for ever."""
    usage = kept.usage()
    usage.observe("n/p", pod())
    kept.clock.now = NOON + 60
    usage.observe("n/p", None)
    usage.flush()
    assert erase(kept.store, "ada@x.edu") == 1
    assert list(hours(kept, by="person")) == [""]
    kept.clock.now = NOON + 86400
    usage.retain(3600)
    usage.flush()
    assert kept.store.rows(sql.select(INTERVALS)) == []


@pytest.mark.parametrize(
    ("hub_url", "ours"),
    [
        ("sqlite:////srv/hub/jupyterhub.sqlite", "sqlite:////srv/hub/jupyterhub-libretexts.sqlite"),
        ("sqlite:///jupyterhub.sqlite", "sqlite:///jupyterhub-libretexts.sqlite"),
        ("sqlite://", "sqlite://"),
        ("postgresql://hub@db/hub", "postgresql://hub@db/hub"),
    ],
)
def test_what_is_kept_lies_beside_the_hubs_database(hub_url, ours) -> None:
    """Else a hub without a disk of its own forgets the line at each restart."""
    assert store_url(hub_url) == ours
