"""The cluster's own groups in the machine's cgroup hierarchies (version 1, or both versions mixed)."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import BedError
from .layout import cgroup_of

if TYPE_CHECKING:
    from .layout import Node

ROOT = Path("/sys/fs/cgroup")


def make(node: Node) -> None:
    """Make a node's group in every hierarchy; the CPU set has to be handed down by hand."""
    if not (ROOT / "memory").is_dir():
        raise BedError(
            f"{ROOT} has no version 1 memory controller; the bed was only ever proved on version 1: "
            "boot with systemd.unified_cgroup_hierarchy=0"
        )
    for hierarchy in ROOT.iterdir():
        if not hierarchy.is_dir() or hierarchy.is_symlink():
            continue
        above = hierarchy
        for step in Path(node.cgroup).parts[1:]:
            below = above / step
            below.mkdir(exist_ok=True)
            for name in ("cpuset.cpus", "cpuset.mems"):
                if hierarchy.name == "cpuset":
                    (below / name).write_text((above / name).read_text())
            above = below


def of(cluster: str) -> list[Path]:
    """The cluster's groups that are there, those inside before those around them."""
    found = []
    for top in ROOT.glob(f"*/{cgroup_of(cluster)}"):
        below = [path for path in top.rglob("*") if path.is_dir()]
        found += [*sorted(below, key=lambda path: len(path.parts), reverse=True), top]
    return found


def remove(cluster: str) -> bool:
    """Remove what can be removed; a group whose processes are still ending stays for the next try."""
    for group in of(cluster):
        with contextlib.suppress(OSError):
            group.rmdir()
    return not of(cluster)
