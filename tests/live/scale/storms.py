"""Many people start in the same second, stop again, and a hub is started again: what each of it costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from bench.stall import worst
from tests.hub.support import STARTS_OVER
from tests.live.scale.hubs import STALLS

if TYPE_CHECKING:
    from tests.live.scale.hubs import Process, ScaleHub

READERS = 20
"""People of a storm whose page of a start is read to its end, as a browser reads it."""
PLACE = re.compile(r"; (yours is next|one is before yours|(\d+) are before yours)\.")
STOPPED = "jupyterhub_server_stop_seconds_count"
KNOWN = "jupyterhub_init_spawners_duration_seconds_count"
LONGEST_SECONDS = 420
"""After which a storm is given up; what is not over then is lost."""
GRACE_SECONDS = 15
"""How long a pod and its server may differ after a storm before they count as leaked."""


@dataclass
class Spent:
    """What a stretch of time cost the hub."""

    wall: float = 0.0
    cpu: float = 0.0
    longest: float = 0.0
    """Stall of the event loop, seconds."""
    p99: float = 0.0
    requests: Counter[str] = field(default_factory=Counter)
    """Of the API server, by method."""
    received: int = 0
    """Bytes from the API server."""
    memory: float = 0.0
    """MiB, at the end."""


@contextlib.asynccontextmanager
async def spending(hub: ScaleHub) -> Any:
    """Measure a block."""
    spent = Spent()
    process = hub.process_of_hub
    # What the hub writes each second is then of after the last block.
    await asyncio.sleep(1.2)
    before = hub.sums()
    cpu, wall = process.cpu, time.monotonic()
    yield spent
    spent.cpu, spent.wall = process.cpu - cpu, time.monotonic() - wall
    await asyncio.sleep(1.5)
    after = hub.sums()
    spent.longest, spent.p99 = worst(process.file(STALLS), wall, wall + spent.wall)
    spent.requests = Counter(after["requests"])
    spent.requests.subtract(before["requests"])
    spent.received = after["received"] - before["received"]
    spent.memory = process.memory


@dataclass
class Storm:
    """So many starts in the same second, and the same servers stopped again."""

    kind: str
    asked: int
    there: int
    """Servers that ran before."""
    answered: float = 0.0
    """Seconds until the last request to start had its answer."""
    answers: Counter[int] = field(default_factory=Counter)
    """By status; 0 for a connection that was reset."""
    lost: int = 0
    leaked: int = 0
    """Pods that run without a server that the hub knows to be ready."""
    missing: int = 0
    """Servers that the hub says are ready, without a pod."""
    starts: Spent = field(default_factory=Spent)
    places: list[list[int]] = field(default_factory=list)
    """What the readers were told of their place: how many were before them, each time it changed."""
    stops: Spent = field(default_factory=Spent)
    not_stopped: int = 0
    leaked_by_stops: int = 0

    @property
    def refused(self) -> int:
        """Sent away with status 429."""
        return self.answers[429]

    def __str__(self) -> str:
        start, stop = self.starts, self.stops
        return (
            f"{self.asked} starts in the same second beside {self.there}, {self.kind}: "
            f"answers {dict(self.answers)} within {self.answered:.1f} s, lost {self.lost}, leaked {self.leaked}, "
            f"missing {self.missing}; wall {start.wall:.1f} s, hub CPU {start.cpu:.1f} s, stalls p99 "
            f"{start.p99 * 1e3:.0f} ms, longest {start.longest * 1e3:.0f} ms, requests {dict(start.requests)}, "
            f"{start.received / self.asked / 1024:.1f} KiB a start, {start.memory:.0f} MiB; stops: wall "
            f"{stop.wall:.1f} s, CPU {stop.cpu:.1f} s, left {self.not_stopped}, leaked {self.leaked_by_stops}"
        )


async def make_people(hub: ScaleHub, names: list[str]) -> None:
    """Have these people, in their organisation."""
    for begin in range(0, len(names), 500):
        some = names[begin : begin + 500]
        status, said = await hub.api("POST", "/users", {"usernames": some})
        assert status == 201, said
        await hub.api("POST", "/groups/north")
        status, said = await hub.api("POST", "/groups/north/users", {"users": some})
        assert status == 200, said


async def storm(hub: ScaleHub, names: list[str]) -> Storm:
    """Everybody starts at once; returns when every start is over and pods and servers were compared."""
    there = set(await hub.servers())
    result = Storm(hub.kind, len(names), len(there))
    over = (await hub.metrics()).get(STARTS_OVER, 0.0)
    step = max(1, len(names) // READERS)
    readers: list[asyncio.Task[list[int]]] = []
    began = time.monotonic()

    async def start(number: int, name: str) -> None:
        try:
            status, _ = await hub.api("POST", f"/users/{name}/server")
        except aiohttp.ClientError:
            # Reset: more connections came than the hub's kernel would keep.
            status = 0
        result.answers[status] += 1
        result.answered = max(result.answered, time.monotonic() - began)
        if status == 202 and number % step == step - 1:
            readers.append(asyncio.create_task(places(hub, name)))

    async with spending(hub) as result.starts:
        began = time.monotonic()
        await asyncio.gather(*(start(number, name) for number, name in enumerate(names)))
        arrived = result.answers.total() - result.answers[0] - result.answers[429]
        await hub.until_counted(STARTS_OVER, over + arrived, LONGEST_SECONDS, every=0.5)
        servers = await settled(hub)
    ready = {name for name, server in servers.items() if server["ready"]}
    result.lost = len(set(names) - ready)
    result.leaked, result.missing = await differences(hub, ready)
    for reader in readers:
        reader.cancel()
    read = await asyncio.gather(*readers, return_exceptions=True)
    result.places = [each for each in read if isinstance(each, list)]
    assert ready >= there, f"{len(there - ready)} servers that ran before the storm are gone"
    return result


async def stop(hub: ScaleHub, result: Storm, names: list[str]) -> None:
    """Stop everybody again, all at once; pods that nobody ends are ended by hand, and counted."""
    mine = [name for name in await hub.servers() if name in set(names)]
    over = (await hub.metrics()).get(STOPPED, 0.0)
    async with spending(hub) as result.stops:
        await asyncio.gather(*(hub.api("DELETE", f"/users/{name}/server") for name in mine))
        await hub.until_counted(STOPPED, over + len(mine), LONGEST_SECONDS, every=0.5)
        servers = await settled(hub)
    result.not_stopped = len(set(servers) & set(names))
    result.leaked_by_stops, _ = await differences(hub, set(servers))
    pods = await hub.plane.pods()
    await hub.plane.end_pods(pods.keys() - {f"jupyter-{name}" for name in servers})


async def settled(hub: ScaleHub) -> dict[str, dict[str, Any]]:
    """The servers, once none of them starts or ends any more."""
    end = time.monotonic() + GRACE_SECONDS
    while True:
        servers = await hub.servers()
        if not any(server["pending"] for server in servers.values()) or time.monotonic() > end:
            return servers
        await asyncio.sleep(1)


async def differences(hub: ScaleHub, ready: set[str]) -> tuple[int, int]:
    """Pods without a server and servers without a pod, which stay so."""
    wanted = {f"jupyter-{name}" for name in ready}
    end = time.monotonic() + GRACE_SECONDS
    while True:
        pods = (await hub.plane.pods()).keys()
        if pods == wanted or time.monotonic() > end:
            return len(pods - wanted), len(wanted - pods)
        await asyncio.sleep(1)


async def places(hub: ScaleHub, name: str) -> list[int]:
    """How many a person was told to be before them, each time it changed, until their start is over."""
    found: list[int] = []
    async with hub.session.get(f"{hub.url}/api/users/{name}/server/progress") as events:
        async for line in events.content:
            if line.startswith(b"data: "):
                event = json.loads(line.removeprefix(b"data: "))
                if told := PLACE.search(event.get("message", "")):
                    found.append(int(told[2] or told[1].startswith("one")))
                if event.get("ready") or event.get("failed"):
                    break
    return found


@dataclass
class Restart:
    """A hub ended hard and started again, with everybody's servers running."""

    kind: str
    servers: int
    healthy: float = 0.0
    """Seconds from the start of its process until it answers."""
    known: float = 0.0
    """Seconds until every server was looked at."""
    cpu: float = 0.0
    """Processor seconds until then."""
    memory: float = 0.0
    gone: int = 0
    """Servers that ran before and are not ready after."""
    doubled: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    received: int = 0
    resting: float = 0.0
    """Share of a core that it takes afterwards, when nothing happens."""
    longest: float = 0.0

    def __str__(self) -> str:
        return (
            f"restart beside {self.servers}, {self.kind}: healthy after {self.healthy:.1f} s, all known after "
            f"{self.known:.1f} s, CPU {self.cpu:.1f} s, {self.memory:.0f} MiB, gone {self.gone}, requests "
            f"{dict(self.requests)}, {self.received / 2**20:.1f} MiB, longest stall {self.longest:.1f} s, "
            f"then {self.resting:.1%} of a core"
        )


REST_SECONDS = 31
"""One look at every server (`Spawner.poll_interval`, 30 s) lies within."""


async def restart(hub: ScaleHub) -> Restart:
    """End the hub's pod with a second of grace, and follow the process of the next one."""
    before = {name for name, server in (await hub.servers()).items() if server["ready"]}
    pods = await hub.plane.pods()
    result = Restart(hub.kind, len(before))
    old = hub.process_of_hub
    ending = asyncio.create_task(asyncio.to_thread(hub.end_pod))
    # The next one may begin while the last one still answers for it.
    while (process := newer(hub, old)) is None or old.lives:
        await asyncio.sleep(0.05)
    await hub.until_healthy(300)
    result.healthy = process.age
    await hub.until_counted(KNOWN, 1, 300)
    result.known, result.cpu, result.memory = process.age, process.cpu, process.memory
    await ending
    servers = await settled(hub)
    result.gone = len(before - {name for name, server in servers.items() if server["ready"]})
    result.doubled = len((await hub.plane.pods()).items() ^ pods.items())
    await asyncio.sleep(1.5)
    sums = hub.sums()
    result.requests, result.received = Counter(sums["requests"]), sums["received"]
    result.longest, _ = worst(process.file(STALLS))
    cpu = process.cpu
    await asyncio.sleep(REST_SECONDS)
    result.resting = (process.cpu - cpu) / REST_SECONDS
    return result


def newer(hub: ScaleHub, old: Process) -> Process | None:
    """The hub's next process, if it is there."""
    with contextlib.suppress(AssertionError):
        process = hub.process_of_hub
        return process if process != old else None
    return None
