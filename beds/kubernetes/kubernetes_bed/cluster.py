"""A cluster: brought up, looked at, used, taken down.

with Cluster("tests").running(nodes=2) as cluster:
    cluster.kubectl("get", "nodes")
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cgroups, processes
from .api import Api
from .errors import BedError
from .layout import REGISTRIES, REGISTRY_USER, STATE, Node, Shape, shape
from .pins import load
from .programs import CONTAINERD_SOCKET
from .tools import installed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cluster:
    """A handle by name; it holds no state of its own, so any process may make one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = STATE / name

    @property
    def shape(self) -> Shape:
        """The shape it was brought up with.

        Raises:
            BedError: when there is no such cluster.
        """
        try:
            kept = json.loads((self.folder / "shape.json").read_text())
        except (OSError, ValueError):
            raise BedError(
                f"there is no cluster {self.name!r}: ./dev/cluster up --name {self.name}"
            ) from None
        return shape(self.name, kept["nodes"])

    @property
    def switch(self) -> processes.Identity | None:
        """The process that everything else depends on; None if none was ever started."""
        return processes.recorded(self.folder / "switch/process")

    @property
    def lives(self) -> bool:
        """Whether it runs."""
        return self.switch is not None and self.switch.lives

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig; useful only inside the first node's network."""
        return self.folder / "kubeconfig"

    @property
    def hub_address(self) -> str:
        """Where pods reach a program that runs inside the first node's network."""
        return self.shape.first.address

    @property
    def images(self) -> dict[str, str]:
        """What every node has: ``pause``, ``tools``, ``light-server``, ``coredns``, ``lab``."""
        return load().images

    def process_of(self, node: Node) -> int:
        """The process whose namespaces are the node's.

        Raises:
            BedError: when the node does not run.
        """
        program = processes.programs_in(self.folder / "switch").get(node.name, {})
        pid = int(program.get("pid", 0))
        if not self.lives or not pid:
            raise BedError(f"{node.name} of cluster {self.name!r} does not run")
        return pid

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Put this thread, and what it starts, into the first node's network."""
        with processes.inside_network_of(self.process_of(self.shape.first)):
            yield

    def entered(self, node: Node | None = None, *, files: bool = False) -> list[str]:
        """The start of a command line that runs inside a node: its network, on request its files."""
        pid = self.process_of(node or self.shape.first)
        return [
            "nsenter",
            f"--net=/proc/{pid}/ns/net",
            *([f"--mount=/proc/{pid}/ns/mnt"] if files else []),
            "--",
        ]

    def run(self, argv: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command in the first node's network with KUBECONFIG set; never raises for its status."""
        options = {"capture_output": True, "text": True, **options}
        return subprocess.run([*self.entered(), *argv], env=self.environment(), check=False, **options)

    def environment(self) -> dict[str, str]:
        """This process's environment and what finds the cluster, kubectl first on PATH."""
        path = f"{self.folder}/bin:{os.environ.get('PATH', '')}"
        return {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "LIBRETEXTS_CLUSTER": self.name,
            "PATH": path,
        }

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """What kubectl prints.

        Raises:
            BedError: with kubectl's last line when it fails and ``check`` is on.
        """
        done = self.run(["kubectl", *arguments], input=stdin)
        if check and done.returncode:
            said = done.stderr.strip().splitlines() or ["nothing said"]
            raise BedError(f"kubectl {' '.join(arguments)}: {said[-1]}")
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object or a list, as kubectl reads it."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "--output=json"))
        return found

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create or change objects."""
        self.kubectl(
            "apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )

    def load(self, archive: Path, nodes: tuple[Node, ...] = ()) -> list[str]:
        """Import a docker or OCI archive on every node (or on these); returns the image's names.

        Raises:
            BedError: when the file is missing or is no image.
        """
        if not archive.is_file():
            raise BedError(f"{archive}: no such file; give a docker or OCI archive")
        names: list[str] = []
        for node in nodes or self.shape.nodes:
            with archive.open("rb") as content:
                done = subprocess.run(
                    [*self.ctr(node), "images", "import", "-"],
                    stdin=content, capture_output=True, text=True, check=False,
                )  # fmt: skip
            if done.returncode:
                said = done.stderr.strip().splitlines() or ["nothing said"]
                raise BedError(f"{archive}: not imported on {node.name}: {said[-1][-200:]}")
            names = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
        return names

    def push(self, archive: Path, name: str) -> None:
        """Put a docker archive into a registry of the cluster as ``HOST/REPOSITORY:TAG``.

        Raises:
            BedError: when the host is none of the cluster's registries or the registry refuses.
        """
        host, _, rest = name.partition("/")
        if host not in REGISTRIES or not rest:
            raise BedError(f"{name}: begin with one of {', '.join(REGISTRIES)}, then /REPOSITORY:TAG")
        argv = ["skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false"]
        if host.startswith("private"):
            argv += ["--dest-creds", ":".join(self.registry_user)]
        target = f"docker://{self.shape.first.address}:{REGISTRIES[host]}/{rest}"
        done = self.run([*argv, f"docker-archive:{archive}", target])
        if done.returncode:
            raise BedError(f"{archive}: not pushed as {name}: {done.stderr.strip()[-300:]}")

    @property
    def registry_user(self) -> tuple[str, str]:
        """Name and password for ``private.registry.test``."""
        return REGISTRY_USER

    def ctr(self, node: Node) -> list[str]:
        """The start of a command line that speaks to a node's containerd."""
        program = str(installed().containerd / "bin/ctr")
        return [
            *self.entered(node, files=True), program, "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io",
        ]  # fmt: skip

    def kill_container(self, container: str, node: Node) -> None:
        """End every process of a container at once; its kubelet does with the pod what it says.

        Args:
            container: Its identifier, as a pod's status has it after ``containerd://``.
            node: Where it runs.
        """
        words = [*self.ctr(node), "tasks", "kill", "--signal", "SIGKILL", container]
        subprocess.run(words, check=True, capture_output=True)

    def kill(self, program: str, node: Node | None = None) -> None:
        """End a node's program at once; its supervisor starts it again."""
        self.signal("KILL", program, node or self.shape.first)

    @contextlib.contextmanager
    def paused(self, program: str, node: Node | None = None) -> Iterator[None]:
        """Let a node's program stand still: it holds its connections and answers nothing."""
        node = node or self.shape.first
        self.signal("STOP", program, node)
        try:
            yield
        finally:
            self.signal("CONT", program, node)

    def signal(self, name: str, program: str, node: Node) -> None:
        """Send a signal to a node's program; its number is the one inside the node."""
        pid = int(processes.programs_in(node.folder).get(program, {}).get("pid", 0))
        if not pid:
            raise BedError(f"{program} does not run on {node.name}")
        namespace = f"--pid=/proc/{self.process_of(node)}/ns/pid_for_children"
        subprocess.run(["nsenter", namespace, "--", "kill", f"-{name}", str(pid)], check=True)

    @contextlib.contextmanager
    def held(self, program: str, node: Node | None = None) -> Iterator[None]:
        """Keep a node's program from running; ``held("node2")`` of the switch loses a whole node."""
        folder = (
            self.shape.switch
            if program in {n.name for n in self.shape.nodes}
            else (node or self.shape.first).folder
        )
        file = folder / "programs" / f"{program}.json"
        aside = file.with_suffix(".held")
        file.rename(aside)
        try:
            processes.wait_until(
                lambda: program not in processes.programs_in(folder), 15, lambda: f"{program} does not end"
            )
            yield
        finally:
            aside.rename(file)
            processes.wait_until(
                lambda: bool(processes.programs_in(folder).get(program, {}).get("pid")), 15,
                lambda: f"{program} does not start again",
            )  # fmt: skip

    def remains(self) -> list[str]:
        """What is there of a cluster that should not be: processes, mounts, cgroups, files."""
        found = []
        if self.switch and self.switch.lives:
            found.append(f"process {self.switch.pid}")
        marks = (f"{self.folder}/", f"{self.folder} ")
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                said = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if any(mark in said for mark in marks):
                    found.append(f"process {path.parent.name}: {said[:80]}")
        mounts = Path("/proc/mounts").read_text().splitlines()
        found += [f"mount {line.split()[1]}" for line in mounts if f"{self.folder}/" in line]
        found += [f"cgroup {group}" for group in cgroups.of(self.name)]
        found += [f"folder {self.folder}"] if self.folder.exists() else []
        return found

    def down(self) -> None:
        """End it and remove everything of it; safe to repeat, and on what a killed command left.

        One death takes the rest along: nodes die with the switch, and with a node's first process
        dies every process of the node, and with them go the mounts and the networks.
        """
        if self.switch:
            self.switch.kill()
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if cgroups.remove(self.name) and not self.processes_left():
                break
            time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)
        left = self.remains()
        if left:
            raise BedError(
                f"cluster {self.name!r} left {left[0]}" + (f" and {len(left) - 1} more" if left[1:] else "")
            )

    def processes_left(self) -> bool:
        """Whether a process of it is still ending."""
        if self.switch and self.switch.lives:
            return True
        return any(entry.startswith("process") for entry in self.remains())

    def api(self) -> Api:
        """An administrator's connection, for use inside the network."""
        return Api(self.shape)
