"""One hub in a pod, first ours and then stock KubeSpawner on the same database, measured from outside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from kubernetes_bed import layout, processes, simulated
from kubernetes_hub.installation import Installation

from bench.storm import cpu_seconds
from tests.live.kubernetes.hubs import ClusterHub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.live.kubernetes.support import Cluster

ROOM = Path(__file__).parent
SETTINGS = ROOM / "settings.yaml"
SPACE = "org-north"
STALLS, METER = "/tmp/stalls.json", "/tmp/meter.json"
"""In the hub's pod."""

MEASURED = """
for source, name, path in {sources!r}:
    names = {{"__name__": name}}
    exec(compile(source, name, "exec"), names)
    names[name](path)
"""
COMMON = f"""
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.authenticate_prometheus = False
# As zero-to-jupyterhub sets them; without a limit that sends people away.
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
c.JupyterHub.concurrent_spawn_limit = 0
c.KubeSpawner.start_timeout = 300
c.KubeSpawner.node_selector = {simulated.LABEL!r}
# Also of nodes that seem to be lost because this machine is busy: nothing is evicted while we measure.
c.KubeSpawner.tolerations = [{{"operator": "Exists"}}]
"""
STOCK = f"""
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.namespace = {SPACE!r}
c.KubeSpawner.image = "localhost/light-server:1"
c.KubeSpawner.cmd = ["jupyterhub-singleuser"]
c.KubeSpawner.cpu_guarantee, c.KubeSpawner.cpu_limit = 0.005, 0.5
c.KubeSpawner.mem_guarantee, c.KubeSpawner.mem_limit = "8M", "64M"
c.KubeSpawner.volumes = [{{"name": "home", "hostPath": {{"path": "/srv/homes/{{username}}"}}}}]
c.KubeSpawner.volume_mounts = [{{"name": "home", "mountPath": "/home/jovyan"}}]
"""
RIGHTS_OF_STOCK = [
    {
        "apiGroups": [""],
        "resources": ["pods", "persistentvolumeclaims", "secrets", "services"],
        "verbs": ["get", "watch", "list", "create", "delete"],
    },
    {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "watch", "list"]},
]
"""The role of zero-to-jupyterhub 4.4's hub, here in the organisation's namespace."""
SECONDS = aiohttp.ClientTimeout(total=None, sock_connect=120)


def measured() -> str:
    """Lines of configuration that have a hub measure itself."""
    stall = (ROOM.parents[2] / "bench/stall.py").read_text()
    meter = (ROOM / "meter.py").read_text()
    return MEASURED.format(sources=[(stall, "watch", STALLS), (meter, "count", METER)])


@dataclass(frozen=True, slots=True)
class Process(processes.Identity):
    """A process of the cluster, seen from this machine."""

    @classmethod
    def of(cls, cluster: Cluster, words: str) -> Process:
        """The newest process of the cluster's pods or first node whose command line holds these words."""
        network = os.readlink(processes.NETWORK)
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                said = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                # A container's first process (tini) carries the command line of the one that works for it.
                if words not in said or Path(os.readlink(place / "exe")).name in ("nsenter", "tini"):
                    continue
                mine = f"/{layout.cgroup_of(cluster.name)}/" in (place / "cgroup").read_text()
                started = processes.start_of(int(place.name))
                if started and (mine or os.readlink(place / "ns/net") == network):
                    found.append(cls(int(place.name), started))
        if not found:
            raise AssertionError(f"no process of the cluster has {words!r} in its command line")
        return max(found, key=lambda process: process.started)

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.started / os.sysconf("SC_CLK_TCK")

    @property
    def cpu(self) -> float:
        """Processor seconds that it has spent."""
        return cpu_seconds(self.pid)

    @property
    def memory(self) -> float:
        """Resident, MiB."""
        said = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", said)[1]) / 1024

    def file(self, path: str) -> Path:
        """A file as this process sees it."""
        return Path(f"/proc/{self.pid}/root{path}")


@dataclass
class ControlPlane:
    """An administrator's view, past every hub."""

    cluster: Cluster
    http: aiohttp.ClientSession
    url: str

    @classmethod
    @contextlib.asynccontextmanager
    async def reached(cls, cluster: Cluster) -> AsyncIterator[ControlPlane]:
        """Connected as the administrator."""
        pki = cluster.folder / "pki"
        trust = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        trust.load_cert_chain(str(pki / "admin.crt"), str(pki / "admin.key"))
        connector = aiohttp.TCPConnector(ssl=trust, limit=64)
        async with aiohttp.ClientSession(connector=connector) as http:
            yield cls(cluster, http, f"https://{cluster.hub_address}:{layout.API_PORT}")

    async def get(self, path: str, accept: str = "application/json") -> Any:
        """A document."""
        async with self.http.get(f"{self.url}{path}", headers={"Accept": accept}) as answer:
            answer.raise_for_status()
            return await answer.json(content_type=None)

    async def pods(self) -> dict[str, str]:
        """The servers' pods that are not being ended, name and uid."""
        part = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        query = "labelSelector=component%3Dsingleuser-server"
        # A list without items has none, or null.
        items = (await self.get(f"/api/v1/namespaces/{SPACE}/pods?{query}", part))["items"] or []
        every = [item["metadata"] for item in items]
        return {each["name"]: each["uid"] for each in every if "deletionTimestamp" not in each}

    async def events(self) -> int:
        """How many events the organisation's namespace has."""
        found = await self.get(f"/api/v1/namespaces/{SPACE}/events?limit=1")
        return len(found["items"]) + int(found["metadata"].get("remainingItemCount", 0))

    async def stored(self) -> int:
        """Bytes of etcd's database, as the API server tells them."""
        async with self.http.get(f"{self.url}/metrics") as answer:
            text = await answer.text()
        found = re.search(r"^apiserver_storage_size_bytes\{[^}]*\} (\S+)$", text, re.MULTILINE)
        return int(float(found[1]))

    async def make_events(self, wanted: int) -> int:
        """Have so many events there, about the pods that there are; returns how many there are then."""
        pods = list((await self.pods()).items())
        missing = iter(range(wanted - await self.events()))
        words = ("Pulled", "Created", "Started", "Unhealthy", "BackOff")

        async def some() -> None:
            for number in missing:
                name, uid = pods[number % len(pods)]
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                event = {
                    "metadata": {"name": f"{name}.{number:x}", "namespace": SPACE},
                    "involvedObject": {
                        "apiVersion": "v1", "kind": "Pod", "namespace": SPACE, "name": name, "uid": uid,
                        "fieldPath": "spec.containers{notebook}",
                    },
                    "reason": words[number % len(words)],
                    "message": "Container image already present on machine and can be accessed by the pod",
                    "type": "Normal",
                    "source": {"component": "kubelet", "host": "simulated1"},
                    "firstTimestamp": now,
                    "lastTimestamp": now,
                    "count": 1,
                }  # fmt: skip
                path = f"{self.url}/api/v1/namespaces/{SPACE}/events"
                async with self.http.post(path, json=event) as answer:
                    assert answer.status == 201, await answer.text()

        await asyncio.gather(*(some() for _ in range(32)))
        return await self.events()

    async def end_pods(self, names: set[str]) -> None:
        """Delete pods that nobody else will."""
        for name in names:
            path = f"{self.url}/api/v1/namespaces/{SPACE}/pods/{name}?gracePeriodSeconds=0"
            async with self.http.delete(path) as answer:
                assert answer.status in (200, 404), await answer.text()


@dataclass
class ScaleHub(ClusterHub):
    """The hub, whichever kind it is now."""

    plane: ControlPlane = field(kw_only=True)
    kind: str = "ours"

    @property
    def cluster(self) -> Cluster:
        """Where it runs."""
        return self.installation.cluster

    @property
    def process_of_hub(self) -> Process:
        """The hub's own process."""
        return Process.of(self.cluster, "--config /etc/jupyterhub/jupyterhub_config.py")

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        headers = {"Authorization": f"token {self.token}"}
        self.session = aiohttp.ClientSession(headers=headers, connector=connector, timeout=SECONDS)
        await self.until_healthy()

    async def become_stock(self) -> None:
        """Have stock KubeSpawner's configuration at the next start, on the same database."""
        self.kind = "stock"
        self.cluster.apply(*role_of_stock())
        self.installation.files = ()
        self.installation.more = STOCK + COMMON + measured()
        await asyncio.to_thread(self.installation.apply)

    def end_pod(self) -> None:
        """End the hub's pod, as an update does; its deployment makes the next one."""
        name = self.installation.hub_pod()["metadata"]["name"]
        space = f"--namespace={self.installation.namespace}"
        self.cluster.kubectl("delete", "pod", name, space, "--grace-period=1")
        self.installation.wait_until_ready()

    async def servers(self) -> dict[str, dict[str, Any]]:
        """Every active server by its person, as the hub tells it."""
        found: dict[str, dict[str, Any]] = {}
        for offset in range(0, 100_000, 200):
            _, users = await self.api("GET", f"/users?state=active&offset={offset}&limit=200")
            for user in users:
                if server := user["servers"].get(""):
                    found[user["name"]] = server
            if len(users) < 200:
                break
        return found

    def sums(self) -> dict[str, Any]:
        """What the hub has asked of the API server since its start."""
        return json.loads(self.process_of_hub.file(METER).read_text())


def role_of_stock() -> list[dict[str, Any]]:
    """The rights of stock's hub where the servers are."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "stock", "namespace": SPACE}
    reference = {"apiGroup": group, "kind": "Role", "name": "stock"}
    subjects = [{"kind": "ServiceAccount", "name": "hub", "namespace": "jupyterhub"}]
    return [
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": RIGHTS_OF_STOCK},
        {
            "apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": metadata,
            "roleRef": reference, "subjects": subjects,
        },
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def hub_in(cluster: Cluster, folder: Path) -> AsyncIterator[ScaleHub]:
    """Our hub, installed as an operator does it."""
    installation = Installation(cluster, (SETTINGS,), more=COMMON + measured())
    async with ControlPlane.reached(cluster) as plane:
        with installation.installed():
            # Folders of the node, instead of claims: else what is measured is who makes volumes.
            cluster.kubectl(
                "label",
                "--overwrite",
                "namespace",
                SPACE,
                *(f"pod-security.kubernetes.io/{mode}=privileged" for mode in ("enforce", "warn")),
            )
            hub = ScaleHub(folder, "", token=installation.token, installation=installation, plane=plane)
            try:
                async with hub:
                    yield hub
            finally:
                print(installation.log()[-8000:])
                installation.files = (SETTINGS,)
