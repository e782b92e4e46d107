"""``times``: from the start of a container to the first cell, to the first page, and how long builds took."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from images.tooling import machine
from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyterhub_libretexts.images.engines import Engine

TABLE = machine.ROOT / "docs" / "reference" / "image-times.md"
BUILDS = machine.CACHE / "builds.json"
TARGET = "sage"
ROUNDS = 9
CELLS = {
    "python3": ("Python 3", "print(6 * 7)"),
    "octave": ("Octave", "disp (6 * 7)"),
    "ir": ("R", "cat(6 * 7)"),
    "sagemath": ("SageMath", "print(6 * 7)"),
}
PROBE = Path(__file__).with_name("probe.py")
PAGE = Path(__file__).with_name("first_page.py")
STUDENT = "1000:100"


@dataclass(frozen=True, slots=True)
class Start:
    """One start, in seconds from the command."""

    up: float
    """Until the server answers."""
    cell: float
    """Until the first cell has answered."""


def remember_build(target: str, wall: float, cpu: float) -> None:
    """Keep what a build took, for the table."""
    known = json.loads(BUILDS.read_text()) if BUILDS.exists() else {}
    load = os.getloadavg()[0]
    known[target] = {"wall": round(wall), "cpu": round(cpu), "load": round(load, 1)}
    BUILDS.write_text(json.dumps(known, indent=1))


def write_table() -> int:
    """Measure, and write the page."""
    if os.geteuid() != 0:
        raise UsageError("a server outside a container runs in the image's own files, which needs root")
    podman = machine.engine()
    tag = f"{machine.NAME}:{TARGET}"
    if podman.describe(tag) is None:
        raise UsageError(f"{tag} is not built: run ./dev/images build {TARGET}")
    with unpacked(podman, tag) as root:
        inside, outside = [], []
        for number in range(ROUNDS):
            machine.say(f"start {number + 1} of {ROUNDS}")
            inside.append(start_inside(podman, tag, root, "python3"))
            outside.append(start_outside(root, "python3"))
        kernels = {name: start_inside(podman, tag, root, name) for name in CELLS}
    page = first_page(podman, tag)
    TABLE.write_text(written(inside, outside, kernels, page), encoding="utf-8")
    machine.say(f"wrote {TABLE.relative_to(machine.ROOT)}")
    return 0


@contextmanager
def unpacked(podman: Engine, tag: str) -> Iterator[Path]:
    """The image's files as a folder in which a program can run without a container."""
    root = Path(podman.call(["image", "mount", tag]).strip())
    try:
        yield root
    finally:
        podman.call(["image", "unmount", tag])


@contextmanager
def home() -> Iterator[Path]:
    """A new home, away when it is done with."""
    folder = Path(tempfile.mkdtemp(prefix="libretexts-home-"))
    os.chown(folder, 1000, 100)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_inside(podman: Engine, tag: str, root: Path, kernel: str) -> Start:
    """Start the server in a container, and a kernel in it."""
    token = secrets.token_hex(8)
    with home() as folder:
        options = [
            "--network",
            "podman",
            "--read-only",
            "--cap-drop",
            "ALL",
            "--volume",
            f"{folder}:/home/jovyan",
        ]
        began = time.monotonic()
        container = podman.call(["run", "--detach", *options, "--env", f"JUPYTER_TOKEN={token}", tag]).strip()
        try:
            address = podman.call(
                ["inspect", "--format", "{{.NetworkSettings.IPAddress}}", container]
            ).strip()
            return probed(root, f"http://{address}:8888", token, kernel, began)
        finally:
            podman.remove(container)


def start_outside(root: Path, kernel: str) -> Start:
    """Start the same server from the same files, without a container around it."""
    token, port = secrets.token_hex(8), free_port()
    with home() as folder:
        # Its own view of mounts, gone with the process; everything else is this machine's.
        script = (
            f"mount --rbind /dev {root}/dev && mount -t proc proc {root}/proc && mount -t tmpfs tmpfs {root}/tmp"
            f" && mount --bind {folder} {root}/home/jovyan && chmod 1777 {root}/tmp"
            f" && exec chroot --userspec={STUDENT} {root} /usr/bin/env -i HOME=/home/jovyan LANG=C.UTF-8"
            f" JUPYTER_PREFER_ENV_PATH=1 JUPYTER_TOKEN={token}"
            " PATH=/usr/local/bin:/opt/python/bin:/opt/jupyter/bin:/usr/bin:/bin"
            f" jupyterhub-singleuser --ip=127.0.0.1 --port={port}"
        )
        began = time.monotonic()
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
        quiet = subprocess.DEVNULL
        server = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
        try:
            return probed(root, f"http://127.0.0.1:{port}", token, kernel, began)
        finally:
            server.terminate()
            server.wait(30)


def probed(root: Path, url: str, token: str, kernel: str, began: float) -> Start:
    """Ask a server until it is up, execute one cell, and say when that was."""
    source = CELLS[kernel][1]
    words = ["chroot", str(root), "/opt/jupyter/bin/python", "-I", "-", url, token, kernel, source]
    answer = json.loads(machine.said(words, input=PROBE.read_text(), timeout=300))
    # CLOCK_MONOTONIC is one clock for all processes of a machine.
    return Start(answer["up"] - began, answer["cell"] - began)


def first_page(podman: Engine, tag: str) -> dict[str, float] | None:
    """JupyterLab's first page in a browser; None where there is none here."""
    python = machine.ROOT / ".venv" / "bin" / "python"
    if shutil.which("chromium") is None or not python.exists():
        return None
    token = secrets.token_hex(8)
    with home() as folder:
        options = ["--network", "podman", "--read-only", "--volume", f"{folder}:/home/jovyan"]
        container = podman.call(["run", "--detach", *options, "--env", f"JUPYTER_TOKEN={token}", tag]).strip()
        try:
            address = podman.call(
                ["inspect", "--format", "{{.NetworkSettings.IPAddress}}", container]
            ).strip()
            words = [str(python), str(PAGE), f"http://{address}:8888", token]
            answer: dict[str, float] = json.loads(machine.said(words, timeout=300))
            return answer
        finally:
            podman.remove(container)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def written(
    inside: list[Start], outside: list[Start], kernels: dict[str, Start], page: dict[str, float] | None
) -> str:
    """The page."""
    lines = [INTRODUCTION, "## A start", "", "| | up | first Python cell |", "|---|---:|---:|"]
    for title, starts in (("in a container", inside), ("outside", outside)):
        up = statistics.median(start.up for start in starts)
        cell = statistics.median(start.cell for start in starts)
        lines.append(f"| {title} | {up:.2f} s | {cell:.2f} s |")
    ratio = statistics.median(start.cell for start in inside) / statistics.median(
        start.cell for start in outside
    )
    best = min(start.cell for start in inside) / min(start.cell for start in outside)
    lines += [
        "",
        f"First cell, container to outside: {ratio:.2f} by medians, {best:.2f} by the fastest of each.",
        "",
    ]
    lines += ["## The first cell of each kernel", "", "| kernel | after the server is up |", "|---|---:|"]
    lines += [f"| {CELLS[name][0]} | {start.cell - start.up:.1f} s |" for name, start in kernels.items()]
    lines += ["", "## JupyterLab's first page", ""]
    if page is None:
        lines.append("Not measured: no Chromium here.")
    else:
        lines.append(
            f"{page['first']:.1f} s in a browser that has never been there ({page['requests']:.0f} requests, "
            f"{page['megabytes']:.1f} MB), {page['again']:.1f} s the second time, until the launcher shows."
        )
    lines += ["", *builds()]
    return "\n".join(lines) + "\n"


def builds() -> list[str]:
    """The table of builds, as `build --record` has left it."""
    if not BUILDS.exists():
        return []
    how = "`core` from a bare base (`./dev/images build core --fresh --record`), the others on top of it."
    lines = ["## Builds", "", how, ""]
    lines += ["| target | took | of the processors | load then |", "|---|---:|---:|---:|"]
    for target, entry in json.loads(BUILDS.read_text()).items():
        lines.append(f"| `{target}` | {entry['wall']} s | {entry['cpu']} s | {entry['load']} |")
    return lines


INTRODUCTION = f"""# Times of the default environment

Generated by `./dev/images times` on a machine with {os.cpu_count()} processors and a load of {os.getloadavg()[0]:.1f}
before the measuring: where that is far above none, the ratios say more than the seconds. *Outside* is the same
server from the same files, in no container. Medians of {ROUNDS}, taken in turns; each start has a new home.
"""

if __name__ == "__main__":
    sys.exit(write_table())
