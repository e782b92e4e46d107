"""Many starts in the same second: our spawner against stock KubeSpawner, in turn, on one kind of cluster.

The cluster and its pods are stand-ins in a process of their own; the hub is a real one with SQLite on
this machine's disk, without a proxy. What is counted is what the hub's process spends, how long its
event loop keeps others waiting, what it asks of the API server, and how many starts end in a running server.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jupyterhub

from bench.rows import Row, compared, limited
from bench.stall import worst
from tests.hub.support import STARTS_OVER, Hub, free_port

SETTINGS = """
organizations:
  north:
    title: North University
    groups: [staff]
    environments: [python, r]
    serversPerPerson: 3
    limits: {servers: 5000, memory: 9000Gi}
    gpus: {slice: {total: 40, perPerson: 1}}
    variables: {ORGANIZATION: north}
environments:
  python: {title: Python, image: "bench/python:1", idle: 2h}
  r: {title: R, image: "bench/python:1", groups: [north/staff]}
sizes:
  small: {cpu: {guarantee: 0.01, limit: 1}, memory: {guarantee: 16Mi, limit: 1Gi}, default: true}
gpus:
  slice: {title: A slice, resource: nvidia.com/mig-1g.10gb, total: 40}
hub: {startsAtOnce: 64}
"""
COMMON = """
c.JupyterHub.log_level = "WARN"
c.JupyterHub.concurrent_spawn_limit = 0
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 120
c.KubeSpawner.k8s_api_request_retry_timeout = 30
c.KubeSpawner.port = {port}
from bench.stall import watch
watch({stalls!r})
"""
STOCK = """
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.namespace = "org-north"
c.KubeSpawner.image = "bench/python:1"
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
c.KubeSpawner.cpu_guarantee = 0.01
c.KubeSpawner.cpu_limit = 1
c.KubeSpawner.mem_guarantee = "16M"
c.KubeSpawner.mem_limit = "1G"
c.KubeSpawner.storage_pvc_ensure = True
c.KubeSpawner.storage_capacity = "10Gi"
c.KubeSpawner.volumes = [{{"name": "home", "persistentVolumeClaim": {{"claimName": "{{pvc_name}}"}}}}]
c.KubeSpawner.volume_mounts = [{{"name": "home", "mountPath": "/home/jovyan"}}]
"""
OURS = """
from jupyterhub_libretexts import configure
configure(c, {settings!r})
"""
STEPS = """
from bench.steps import watch as watch_steps
watch_steps({steps!r})
"""
UNTUNED = """
import jupyterhub_libretexts.hub.configure
jupyterhub_libretexts.hub.configure.tune = lambda url: False
"""
KINDS = {
    "stock": STOCK,
    "ours": OURS,
    "ours, timed": STEPS + OURS,
    "ours, SQLite as it comes": UNTUNED + OURS,
}
"""Configurations of a hub, by name."""
WAIT_SECONDS = 240
STILL_SECONDS = 10
"""Without a new pod, after which no more are expected."""


@dataclass(frozen=True, slots=True)
class Result:
    """One storm."""

    lost: int
    wall: float
    """Seconds until the last start was over."""
    cpu: float
    """Processor seconds of the hub."""
    longest_stall: float
    p99_stall: float
    requests: float
    """Of the API server, for each start."""
    sent: float
    """Bytes that the API server sent, for each start."""
    left: int
    """Pods that run and whose server the hub does not know."""
    longest_step: float
    """Of our own coroutines, in seconds of processor time; only where it is timed."""


async def storm(kind: str, starts: int) -> Result:
    """So many people start at once."""
    with tempfile.TemporaryDirectory(prefix="lt-bench-") as name:
        folder, port = Path(name), free_port()
        process, where = await _cluster(folder, port)
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS)
        places = {"port": port, "settings": str(settings)}
        places |= {word: str(folder / word) for word in ("stalls", "steps")}
        more = (KINDS[kind] + COMMON).format(**places)
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
        try:
            async with (
                Hub(folder, where["kubeconfig"], more, fresh=True) as hub,
                aiohttp.ClientSession(headers={"Authorization": f"Bearer {where['token']}"}) as http,
            ):
                return await _measured(hub, starts, folder, Control(http, where["url"]))
        finally:
            process.stdin.close()
            await process.wait()


@dataclass(frozen=True, slots=True)
class Control:
    """The counters of the cluster."""

    http: aiohttp.ClientSession
    url: str

    async def forget(self) -> None:
        """Count from nothing."""
        async with self.http.delete(f"{self.url}/control/requests") as answer:
            answer.raise_for_status()

    async def rows(self) -> list[dict[str, Any]]:
        """What was asked and sent."""
        async with self.http.get(f"{self.url}/control/requests") as answer:
            return (await answer.json())["requests"]

    async def made(self) -> int:
        """How many pods were asked for since the counters were at nothing."""
        rows = await self.rows()
        return sum(row["requests"] for row in rows if (row["verb"], row["resource"]) == ("create", "pods"))

    async def pods(self) -> int:
        """How many pods there are."""
        async with self.http.get(f"{self.url}/api/v1/pods") as answer:
            return len((await answer.json())["items"])


async def _cluster(folder: Path, port: int) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    document = {
        "nodes": [{"name": "standin", "kind": "standin", "cpu": "4000", "memory": "16Ti", "pods": 20000}],
        "namespaces": ["org-north"],
        "stand_in_port": port,
        "hub_version": jupyterhub.__version__,
        "control": True,
    }
    config = folder / "cluster.json"
    config.write_text(json.dumps(document))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jupyterhub_libretexts.demo.cluster", "--config", str(config)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    return process, json.loads(await process.stdout.readline())


def cpu_seconds(process: int) -> float:
    """What a process has spent (proc(5), stat)."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _measured(hub: Hub, starts: int, folder: Path, control: Control) -> Result:
    people = [f"person{number}" for number in range(starts)]
    status, said = await hub.api("POST", "/users", {"usernames": people})
    assert status == 201, said
    # Both are warm: a first start has opened what is opened once.
    await hub.person("warm", "north")
    await hub.api("POST", "/groups/north/users", {"users": people})
    await hub.api("POST", "/users/warm/server")
    await hub.until_ready("warm", seconds=60)
    await asyncio.sleep(1)
    (folder / "steps").unlink(missing_ok=True)
    await control.forget()
    over = (await hub.metrics()).get(STARTS_OVER, 0.0) + starts
    wall, cpu = time.monotonic(), cpu_seconds(hub.process.pid)
    await asyncio.gather(*(hub.api("POST", f"/users/{name}/server") for name in people))
    await _pods_are_made(control, starts)
    # A list of all servers costs the hub as much as ten starts do: it is asked for when they are over.
    await hub.until_counted(STARTS_OVER, over, WAIT_SECONDS)
    ready = 0
    while time.monotonic() < wall + WAIT_SECONDS:
        servers = [user["servers"].get("") for user in await _users(hub, starts)]
        ready = sum(bool(server and server["ready"]) for server in servers) - 1
        if not any(server and server["pending"] for server in servers):
            break
        await asyncio.sleep(1)
    spent = cpu_seconds(hub.process.pid) - cpu
    took = time.monotonic() - wall
    asked = await control.rows()
    await asyncio.sleep(1.2)
    longest, p99 = worst(folder / "stalls", wall, wall + took)
    steps = folder / "steps"
    return Result(
        lost=starts - ready,
        wall=took,
        cpu=spent,
        longest_stall=longest,
        p99_stall=p99,
        requests=sum(row["requests"] for row in asked if row["verb"] != "watch") / starts,
        sent=sum(row["sent"] for row in asked) / starts,
        left=await control.pods() - 1 - ready,
        longest_step=max(json.loads(steps.read_text()).values()) if steps.exists() else 0.0,
    )


async def _pods_are_made(control: Control, wanted: int) -> None:
    """Wait until all pods are there, or no more come, and leave the hub alone meanwhile.

    A question costs the hub processor time, and the quicker it answers the more of them it would get.
    """
    seen, since = -1, time.monotonic()
    while time.monotonic() < since + STILL_SECONDS:
        found = await control.made()
        if found >= wanted:
            return
        if found != seen:
            seen, since = found, time.monotonic()
        await asyncio.sleep(0.25)


async def _users(hub: Hub, starts: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for offset in range(0, starts + 2, 200):
        found += (await hub.api("GET", f"/users?offset={offset}&limit=200"))[1]
    return found


def _storms(kinds: tuple[str, ...], starts: int, rounds: int) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            result = asyncio.run(storm(kind, starts))
            found[kind].append(result)
            print(
                f"  {starts} at once, {kind}: lost {result.lost}, wall {result.wall:.1f} s, hub CPU "
                f"{result.cpu:.2f} s, loop stalls p99 {result.p99_stall * 1e3:.0f} ms, longest "
                f"{result.longest_stall * 1e3:.0f} ms, {result.requests:.1f} requests a start",
                flush=True,
            )
    return found


def rows(rounds: int) -> list[Row]:
    """Storms of 100 and 300."""
    made: list[Row] = []
    for starts in (100, 300):
        found = _storms(("stock", "ours"), starts, rounds)
        stock, ours = found["stock"], found["ours"]
        made += [
            compared(
                f"{starts} starts in one second: starts a second of hub CPU",
                [starts / each.cpu for each in stock],
                [starts / each.cpu for each in ours],
                asked="≥ 0.98",
                holds=lambda ratio: ratio >= 0.98,
                form="{:.0f}",
            ),
            compared(
                f"{starts} starts: event loop, longest stall",
                [each.longest_stall * 1e3 for each in stock],
                [each.longest_stall * 1e3 for each in ours],
                asked="≤ 1.0",
                holds=lambda ratio: ratio <= 1.0,
                unit="ms",
                form="{:.0f}",
            ),
            compared(
                f"{starts} starts: event loop, 99th percentile of stalls",
                [each.p99_stall * 1e3 for each in stock],
                [each.p99_stall * 1e3 for each in ours],
                asked="≤ 1.0",
                holds=lambda ratio: ratio <= 1.0,
                unit="ms",
                form="{:.0f}",
            ),
            compared(
                f"{starts} starts: wall time until all run",
                [each.wall for each in stock],
                [each.wall for each in ours],
                asked="–",
                holds=lambda _: True,
                unit="s",
                form="{:.1f}",
            ),
            compared(
                f"{starts} starts: requests of the API server for each",
                [each.requests for each in stock],
                [each.requests for each in ours],
                asked="≤ 1.0",
                holds=lambda ratio: ratio <= 1.0,
            ),
            _lost(starts, stock, ours),
        ]
    timed = _storms(("ours, timed",), 100, 1)["ours, timed"][0]
    made.append(limited("Longest step of our own coroutines in a storm", timed.longest_step * 1e3, 5, "ms"))
    return made


def crowd_rows(rounds: int) -> list[Row]:
    """500 in the same second, as a large class does."""
    found = _storms(("stock", "ours"), 500, max(1, rounds // 3))
    return [_lost(500, found["stock"], found["ours"])]


def _lost(starts: int, stock: list[Result], ours: list[Result]) -> Row:
    mine, theirs = (max(each.lost for each in results) for results in (ours, stock))
    leaked = max(each.left for each in ours)
    told = [
        f"{lost} lost, {max(each.left for each in kind)} pods left"
        for lost, kind in ((theirs, stock), (mine, ours))
    ]
    return Row(f"{starts} starts: lost, the worst round", *told, "–", "none", mine == 0 and leaked <= 0)


def database_rows(rounds: int) -> list[Row]:
    """What tuning SQLite brings to the same storm."""
    before, after = "ours, SQLite as it comes", "ours"
    found = _storms((before, after), 100, rounds)
    return [
        compared(
            f"100 starts, SQLite tuned against SQLite as it comes: {what}",
            [getattr(each, key) for each in found[before]],
            [getattr(each, key) for each in found[after]],
            asked="≤ 1.0",
            holds=lambda ratio: ratio <= 1.0,
            unit="s",
        )
        for what, key in (("wall", "wall"), ("hub CPU", "cpu"))
    ]
