"""Many starts in the same second: our spawner against stock KubeSpawner, in turn, on one cluster.

The cluster and its pods are stand-ins in a process of their own; the hub is a real one, without a
proxy. What is counted is what the hub's process spends, and how many starts end in a running server.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import jupyterhub

from tests.hub.support import Hub, free_port

SETTINGS = """
organizations:
  north: {title: North University, environments: [python]}
environments:
  python: {title: Python, image: "bench/python:1"}
sizes:
  small: {cpu: {guarantee: 0.01, limit: 1}, memory: {guarantee: 16Mi, limit: 1Gi}, default: true}
hub: {startsAtOnce: %(starts)d}
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


@dataclass(frozen=True)
class Result:
    """One storm."""

    starts: int
    lost: int
    wall: float
    cpu: float
    longest_stall: float
    p99_stall: float
    requests: float


async def cluster(folder: Path, port: int) -> tuple[asyncio.subprocess.Process, dict]:
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
        sys.executable,
        "-m",
        "jupyterhub_libretexts.demo.cluster",
        "--config",
        str(config),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    return process, json.loads(await process.stdout.readline())


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def storm(kind: str, starts: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="lt-bench-") as name:
        folder, port = Path(name), free_port()
        process, where = await cluster(folder, port)
        stalls = str(folder / "stalls.json")
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS % {"starts": 64})
        more = (OURS if kind == "ours" else STOCK).format(settings=str(settings))
        more += COMMON.format(port=port, stalls=stalls)
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
        try:
            async with Hub(folder, where["kubeconfig"], more) as hub:
                return await measured(hub, starts, Path(stalls))
        finally:
            process.stdin.close()
            await process.wait()


async def measured(hub: Hub, starts: int, stalls: Path) -> Result:
    people = [f"person{number}" for number in range(starts)]
    status, said = await hub.api("POST", "/users", {"usernames": people})
    assert status == 201, said
    await hub.api("POST", "/groups/north")
    await hub.api("POST", "/groups/north/users", {"users": people})
    # Both are warm: a first start has opened what is opened once.
    await hub.person("warm", "north")
    await hub.api("POST", "/users/warm/server")
    await hub.until_ready("warm", seconds=60)
    await asyncio.sleep(1)
    stalls.unlink(missing_ok=True)
    wall, cpu = time.monotonic(), cpu_seconds(hub.process.pid)
    answers = await asyncio.gather(*(hub.api("POST", f"/users/{name}/server") for name in people))
    refused = sum(status not in (201, 202) for status, _ in answers)
    ready = 0
    end = time.monotonic() + 240
    while time.monotonic() < end:
        users = []
        for offset in range(0, starts + 1, 200):
            users += (await hub.api("GET", f"/users?offset={offset}&limit=200"))[1]
        servers = [user["servers"].get("") for user in users]
        ready = sum(bool(server and server["ready"]) for server in servers) - 1
        pending = sum(bool(server and server["pending"]) for server in servers)
        if not pending:
            break
        await asyncio.sleep(1)
    spent = cpu_seconds(hub.process.pid) - cpu
    took = time.monotonic() - wall
    await asyncio.sleep(1.2)
    seen = sorted(json.loads(stalls.read_text())) if stalls.exists() else [0.0]
    lost = starts - ready
    assert lost >= refused or refused == 0
    return Result(starts, lost, took, spent, seen[-1], seen[int(len(seen) * 0.99) - 1], 0.0)


async def main(sizes: tuple[int, ...], rounds: int) -> dict[str, dict[str, list[dict]]]:
    """Storms in turn, stock and ours."""
    found: dict[str, dict[str, list[dict]]] = {}
    for starts in sizes:
        for _ in range(rounds):
            for kind in ("stock", "ours"):
                result = await storm(kind, starts)
                found.setdefault(str(starts), {}).setdefault(kind, []).append(asdict(result))
                print(
                    f"{starts:5} at once, {kind:5}: lost {result.lost:4}, wall {result.wall:6.1f} s, "
                    f"hub CPU {result.cpu:6.2f} s, longest stall {result.longest_stall * 1000:6.0f} ms",
                    flush=True,
                )
    return found


def ratios(found: dict[str, dict[str, list[dict]]]) -> list[str]:
    """Lines of a table: medians, and ours by stock's."""
    lines = [
        "| starts in one second | lost, stock | lost, ours | hub CPU, ours ÷ stock | wall, ours ÷ stock "
        "| longest stall, ours ÷ stock |",
        "|---|---|---|---|---|---|",
    ]
    for starts, kinds in found.items():

        def median(kind: str, key: str, kinds: dict[str, list[dict]] = kinds) -> float:
            return statistics.median(result[key] for result in kinds[kind])

        parts = [
            f"{median('ours', key) / max(median('stock', key), 1e-9):.2f}"
            for key in ("cpu", "wall", "longest_stall")
        ]
        lost = [f"{median(kind, 'lost'):.0f}" for kind in ("stock", "ours")]
        lines.append(f"| {starts} | {' | '.join([*lost, *parts])} |")
    return lines
