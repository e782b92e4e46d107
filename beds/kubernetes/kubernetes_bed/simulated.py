"""Simulated nodes: thousands of pods on one machine, for what a hub and a control plane do with them.

kwok (https://kwok.sigs.k8s.io) reports as a kubelet would: nodes that are Ready, pods that run at once and
end at once. No container exists. Each pod's address is a local one of the first node, on which one small
server answers any path as a single-user server does, so a hub's look at a server is a real request.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from . import compiler, pins
from .api import Api
from .errors import BedError
from .programs import Program
from .up import wait, want

if TYPE_CHECKING:
    from .cluster import Cluster

LABEL = {"libretexts.org/simulated": "true"}
"""Of every simulated node; what shall run on one selects it and tolerates the taint of the same key."""
TAINT = {"key": "libretexts.org/simulated", "value": "true", "effect": "NoSchedule"}
PODS = "10.99.0.0/16"
PODS_OF_A_NODE = 200
MOST_NODES = 100
LEASE_SECONDS = "20"
"""kwok renews a lease after a quarter of it; the controllers here take a node for lost after 12 s."""


def simulate(cluster: Cluster, count: int) -> None:
    """Add nodes to a running cluster and return when they are Ready; they go when it goes.

    Raises:
        BedError: for a count that cannot be, a kwok that cannot be built, or nodes that do not get Ready.
    """
    if not 1 <= count <= MOST_NODES:
        raise BedError(f"--nodes {count}: allowed are 1 to {MOST_NODES} simulated nodes")
    found = pins.load()
    compiler.compile_parts(found, ["kwok"])
    first = cluster.shape.first
    stages = first.folder / "stages.yaml"
    kwok = compiler.place_of(found.part("kwok"))
    stages.write_text("\n---\n".join(path.read_text() for path in sorted((kwok / "stages").glob("*.yaml"))))
    done = cluster.run(["ip", "route", "replace", "local", PODS, "dev", "lo"])
    if done.returncode:
        raise BedError(f"no addresses for simulated pods: {done.stderr.strip()}")
    argv = [
        str(kwok / "bin/kwok"),
        f"--kubeconfig={cluster.kubeconfig}",
        f"--config={stages}",
        f"--cidr={PODS}",
        f"--node-ip={first.address}",
        f"--manage-nodes-with-label-selector={next(iter(LABEL))}=true",
        f"--node-lease-duration-seconds={LEASE_SECONDS}",
        # It writes a line for each pod otherwise, and fills the disk.
        "--v=WARN",
    ]
    server = str(compiler.place_of(found.part("tools")) / "bin/light-server")
    want(first.folder, [Program("light-server", [server]), Program("kwok", argv)])
    with cluster.inside(), contextlib.closing(Api(cluster.shape)) as api:
        for number in range(1, count + 1):
            api.create("/api/v1/nodes", json.dumps(node_object(number)))
        wait(
            lambda: ready(api) >= count,
            lambda: (
                f"{ready(api)} of {count} simulated nodes are ready; kwok's log: {first.folder}/log/kwok.log"
            ),
        )


def node_object(number: int) -> dict[str, Any]:
    """A simulated node."""
    name = f"simulated{number}"
    room = {"cpu": "64", "memory": "512Gi", "pods": str(PODS_OF_A_NODE)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, "hub.jupyter.org/node-purpose": "user", **LABEL},
        },
        "spec": {"taints": [TAINT]},
        "status": {"capacity": room, "allocatable": room},
    }


def ready(api: Api) -> int:
    """How many simulated nodes are Ready."""
    return sum(
        condition["type"] == "Ready" and condition["status"] == "True"
        for node in api.items(f"/api/v1/nodes?labelSelector={next(iter(LABEL))}%3Dtrue")
        for condition in node.get("status", {}).get("conditions", [])
    )
