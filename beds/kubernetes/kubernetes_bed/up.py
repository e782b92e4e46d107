"""Brings a cluster up, in the order in which its parts need each other."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from . import cache, cgroups, configuration, images, machine, pki, processes, programs, tools
from .api import YAML, Api
from .cluster import Cluster
from .errors import BedError
from .layout import STATE, SWITCH_ADDRESS, Node, Shape
from .pins import ROOM, Pins, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

READY_SECONDS = 120
"""A machine with other work may take several times the usual ten seconds."""


def up(shape: Shape, *, reuse: bool = False) -> Cluster:
    """Bring a cluster up and wait until its nodes and its name server are ready.

    Raises:
        BedError: when it runs already (unless ``reuse``), the machine lacks something, or a part
            does not start; then nothing is left of it.
    """
    cluster = Cluster(shape.name)
    machine.check_root()
    with cache.locked(STATE / f"{shape.name}.lock"):
        if cluster.lives and (cluster.folder / "ready").exists():
            if reuse:
                return cluster
            raise BedError(
                f"cluster {shape.name!r} is up already: use it, take it down (./dev/cluster down "
                f"--name {shape.name}) or take another --name"
            )
        pins = load()
        machine.install_packages(pins)
        machine.check_room(STATE, 2)
        tools.build(pins)
        cluster.down()
        try:
            bring_up(shape, pins)
        except BaseException:
            keep_logs(shape)
            cluster.down()
            raise
    return cluster


def keep_logs(shape: Shape) -> None:
    """Save the logs of a start that failed, for whoever looks for the reason."""
    kept = STATE / f"{shape.name}.failed-logs.tar"
    logs = [f"{node.name}/log" for node in shape.nodes] + ["switch/log"]
    there = [name for name in logs if (shape.folder / name).exists()]
    if there:
        subprocess.run(["tar", "-C", shape.folder, "-cf", kept, *there], check=False, capture_output=True)
        print(f"logs of the failed start: {kept}", file=sys.stderr)


def bring_up(shape: Shape, pins: Pins) -> None:
    """Make files, start the switch and the nodes, then what needs the API server."""
    found = tools.installed(pins)
    shape.folder.mkdir(parents=True, mode=0o755)
    (shape.folder / "shape.json").write_text(json.dumps({"nodes": len(shape.nodes)}))
    (shape.folder / "bin").mkdir()
    write_kubectl(shape.folder / "bin/kubectl", found)
    pki.write(shape)
    for node in shape.nodes:
        configuration.write(shape, node, found, pins.images["pause"])
        cgroups.make(node)
    want(shape.first.folder, programs.first_programs(shape, found))
    start_switch(shape)
    for node in shape.nodes:
        images.give_seed(pins, node.folder / "lib/containerd")
        want(node.folder, [programs.containerd(node, found)])
    want(shape.first.folder, programs.registry_programs(shape.first, ROOM))
    cluster = Cluster(shape.name)
    with cluster.inside(), contextlib.closing(Api(shape)) as api:
        wait(api.ready, lambda: f"the API server is not ready: {last_log(shape.first, 'apiserver')}")
        want(shape.first.folder, programs.control_programs(shape, found))
        for node in shape.nodes:
            api.create("/api/v1/nodes", json.dumps(node_object(node)))
            want(node.folder, programs.node_programs(shape, node, found)[:1])
        prepare_network(shape, api, found)
        want(shape.first.folder, [programs.homes(shape, ROOM)])
        for node in shape.nodes:
            want(node.folder, programs.node_programs(shape, node, found))
        wait(lambda: all_ready(api, shape), lambda: f"not ready: {not_ready(api, shape)}")
        wait(lambda: serving(api), lambda: "the name server's pod is not ready")
    (shape.folder / "ready").touch()


def write_kubectl(path: Path, found: programs.Tools) -> None:
    """Put kubectl under its own name: the program reads the part from its first argument."""
    path.write_text(f'#!/bin/sh\nexec {found.kube}/bin/kube kubectl "$@"\n')
    path.chmod(0o755)


def want(folder: Path, wanted: list[programs.Program]) -> None:
    """Tell a supervisor to run these programs."""
    (folder / "programs").mkdir(parents=True, exist_ok=True)
    for program in wanted:
        fresh = folder / "programs" / f"{program.name}.new"
        fresh.write_text(program.text())
        fresh.rename(fresh.with_suffix(".json"))


def start_switch(shape: Shape) -> None:
    """Start the switch with every node as its program, and wait until they are booted."""
    boots = [
        programs.Program(
            node.name,
            [str(ROOM / "boot/node.sh"), node.name, str(node.folder), node.address, SWITCH_ADDRESS],
        )
        for node in shape.nodes
    ]
    want(shape.switch, boots)
    (shape.switch / "log").mkdir()
    with (shape.switch / "log/switch.log").open("ab") as log:
        # setsid forks, so that no command stays the switch's parent.
        subprocess.run(
            ["setsid", "--fork", ROOM / "boot/switch.sh", shape.switch, SWITCH_ADDRESS],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=True,
        )  # fmt: skip
    wait(
        lambda: all((node.folder / "status.json").exists() for node in shape.nodes),
        lambda: (
            f"a node does not boot: {images.last_line(shape.switch / 'log/switch.log')} "
            + " ".join(images.last_line(shape.switch / f"log/{node.name}.log") for node in shape.nodes)
        ),
    )


def wait(true: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Wait as long as a start may take."""
    processes.wait_until(true, READY_SECONDS, otherwise)


def node_object(node: Node) -> dict[str, object]:
    """The node as the administrator registers it, before its kubelet does.

    A kubelet may not give its own node these labels (NodeRestriction), and Calico reads its addresses
    from the annotations.
    """
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": {"kubernetes.io/hostname": node.name, **node.labels},
            "annotations": {
                "projectcalico.org/IPv4Address": f"{node.address}/24",
                "projectcalico.org/IPv4VXLANTunnelAddr": node.tunnel_address,
            },
        },
        "spec": {"taints": node.taints},
    }


def prepare_network(shape: Shape, api: Api, found: programs.Tools) -> None:
    """Create Calico's resource types, then its own objects and the name server."""
    for path in sorted((found.calico / "crd").glob("*.yaml")):
        api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", path.read_text(), YAML)
    apply(shape, ["calico.yaml", "dns.yaml", "storage.yaml"])
    for node in shape.nodes:
        for resource, content in block_objects(node).items():
            api.create(f"/apis/crd.projectcalico.org/v1/{resource}", json.dumps(content))


def block_objects(node: Node) -> dict[str, dict[str, object]]:
    """A node's first block of addresses, by resource, with the tunnel's address taken from it.

    Calico's node agent, which the bed does without, does the same. Other nodes route a block to its
    node; a tunnel address outside any block gets no answer to what the node itself sends to a pod.
    """
    cidr = str(node.block)
    name = cidr.replace(".", "-").replace("/", "-")
    handle = f"vxlan-tunnel-addr-{node.name}"
    owner = {"handle_id": handle, "secondary": {"node": node.name, "type": "vxlanTunnelAddress"}}
    specs: dict[str, tuple[str, str, dict[str, object]]] = {
        "blockaffinities": (
            "BlockAffinity",
            f"{node.name}-{name}",
            {"cidr": cidr, "node": node.name, "state": "confirmed", "deleted": "false"},
        ),
        "ipamhandles": ("IPAMHandle", handle, {"handleID": handle, "block": {cidr: 1}, "deleted": False}),
        "ipamblocks": (
            "IPAMBlock",
            name,
            {
                "cidr": cidr,
                "affinity": f"host:{node.name}",
                "strictAffinity": False,
                "allocations": [0, *[None] * (node.block.num_addresses - 1)],
                "unallocated": list(range(1, node.block.num_addresses)),
                "attributes": [owner],
                "deleted": False,
            },
        ),
    }
    return {
        resource: {
            "apiVersion": "crd.projectcalico.org/v1",
            "kind": kind,
            "metadata": {"name": called},
            "spec": spec,
        }
        for resource, (kind, called, spec) in specs.items()
    }


def apply(shape: Shape, manifests: list[str]) -> None:
    """Apply the bed's manifests; new resource types are served a moment after their creation."""
    arguments = [f"--filename={ROOM}/manifests/{name}" for name in manifests]
    said = ""

    def applied() -> bool:
        nonlocal said
        done = subprocess.run(
            [shape.folder / "bin/kubectl", "--kubeconfig", shape.kubeconfig, "apply", *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stderr.strip()[-300:]
        return done.returncode == 0

    wait(applied, lambda: f"the manifests are refused: {said}")


def all_ready(api: Api, shape: Shape) -> bool:
    """Whether every node says Ready."""
    return not not_ready(api, shape)


def not_ready(api: Api, shape: Shape) -> str:
    """The nodes that are not Ready and why, in the kubelet's words."""
    reasons = {node.name: "its kubelet does not report" for node in shape.nodes}
    for item in api.items("/api/v1/nodes"):
        for condition in item.get("status", {}).get("conditions", []):
            if condition["type"] == "Ready":
                reasons[item["metadata"]["name"]] = condition.get("message", "")
                if condition["status"] == "True":
                    del reasons[item["metadata"]["name"]]
    return "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items()))


def serving(api: Api) -> bool:
    """Whether the name server answers for its Service."""
    slices = api.items("/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices")
    return any(end["conditions"].get("ready") for piece in slices for end in piece.get("endpoints") or [])


def last_log(node: Node, program: str) -> str:
    """The last line that a program said."""
    return images.last_line(node.folder / "log" / f"{program}.log")


@contextlib.contextmanager
def running(shape: Shape) -> Iterator[Cluster]:
    """A cluster for the length of a block; down at its end, whatever happens inside."""
    cluster = up(shape)
    try:
        yield cluster
    finally:
        cluster.down()
