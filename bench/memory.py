"""What a hub keeps in memory for people whom it knows and whose servers run."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from bench.rows import Row, compared
from bench.storm import COMMON, KINDS, SETTINGS
from jupyterhub_libretexts.demo.cluster.cluster import EmbeddedCluster
from jupyterhub_libretexts.demo.cluster.configuration import ClusterSpec, NodeSpec
from tests.hub.support import Hub, free_port

PEOPLE = 1000
MIB = 1 << 20


def resident(process: int) -> int:
    """Resident memory of a process, bytes (proc(5), statm)."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096


async def _mebibytes(kind: str) -> float:
    with tempfile.TemporaryDirectory(prefix="lt-bench-") as name:
        folder, port = Path(name), free_port()
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS)
        places = {word: str(folder / word) for word in ("stalls", "steps")}
        more = (KINDS[kind] + COMMON).format(port=port, settings=str(settings), **places)
        spec = ClusterSpec(
            nodes=(NodeSpec("standin", "standin", cpu="4000", memory="16Ti", pods=20_000),),
            namespaces=("org-north",),
            stand_in_port=port,
        )
        async with (
            EmbeddedCluster(spec) as cluster,
            Hub(folder, str(cluster.kubeconfig), more, fresh=True) as hub,
        ):
            await hub.person("warm", "north")
            await hub.api("POST", "/users/warm/server")
            await hub.until_ready("warm", seconds=60)
            before = resident(hub.process.pid)
            people = [f"person{number}" for number in range(PEOPLE)]
            await hub.api("POST", "/users", {"usernames": people})
            await hub.api("POST", "/groups/north/users", {"users": people})
            for number in range(0, PEOPLE, 40):
                group = people[number : number + 40]
                await asyncio.gather(*(hub.api("POST", f"/users/{name}/server") for name in group))
                await hub.until_ready(group[-1], seconds=120)
            return (resident(hub.process.pid) - before) / MIB


def rows(rounds: int) -> list[Row]:
    """Memory for each 1,000 people."""
    # One round takes minutes, and memory varies little.
    rounds = 1
    stock, ours = [], []
    for _ in range(rounds):
        stock.append(asyncio.run(_mebibytes("stock")))
        ours.append(asyncio.run(_mebibytes("ours")))
    return [
        compared(
            "memory of the hub for each 1,000 people whose servers run",
            stock,
            ours,
            asked="–",
            holds=lambda _: True,
            unit="MiB",
            form="{:.0f}",
        )
    ]
