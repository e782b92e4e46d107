"""A container's memory limit, where this machine can hold it to one.

With a memory control group that may be written to (version 1 or 2) the limit is the pod's
processes' together and the kernel ends them when they pass it, as on a real node. Without one,
each process by itself gets RLIMIT_DATA: it then fails to get more memory instead of being ended.
A limit of processor time is not enforced.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .amounts import amount

Document = dict[str, Any]
Applied = tuple[tuple[str, ...], tuple[str, ...], int]
"""Files to join, files that count kills, bytes of RLIMIT_DATA."""

_V1 = Path("/sys/fs/cgroup/memory")
_V2 = Path("/sys/fs/cgroup")


@dataclass
class Limits:
    """Applies memory limits; remembers the control groups that it made."""

    enforce: bool = True
    groups: dict[str, list[Path]] = field(default_factory=dict)

    @cached_property
    def parent(self) -> Path | None:
        """The control group below which groups can be made; None when there is none."""
        found = _own_group()
        if found is None:
            return None
        probe = found / f"libretexts-probe-{os.getpid()}"
        try:
            probe.mkdir()
            writable = os.access(probe / _limit_file(found), os.W_OK)
            probe.rmdir()
        except OSError:
            return None
        return found if writable else None

    @property
    def kind(self) -> str:
        """How limits hold here, for the node's annotations."""
        if not self.enforce:
            return "none"
        return "control group" if self.parent else "data segment of each process"

    def apply(self, pod: str, container: Document) -> Applied:
        """What a container's first process has to do to be limited."""
        text = ((container.get("resources") or {}).get("limits") or {}).get("memory")
        if not text or not self.enforce:
            return (), (), 0
        limit = int(amount(text).value)
        if self.parent is None:
            return (), (), limit
        group = self.parent / f"libretexts-{pod}-{container['name']}-{len(self.groups.get(pod, ()))}"
        try:
            group.mkdir()
            (group / _limit_file(self.parent)).write_text(str(limit))
        except OSError:
            return (), (), limit
        self.groups.setdefault(pod, []).append(group)
        events = group / ("memory.oom_control" if _is_v1(group) else "memory.events")
        return (str(group / "cgroup.procs"),), (str(events),), 0

    def release(self, pod: str) -> None:
        """Remove a pod's groups, once its processes are gone."""
        for group in self.groups.pop(pod, ()):
            with suppress(OSError):
                group.rmdir()


def _is_v1(group: Path) -> bool:
    return _V1 in (group, *group.parents)


def _limit_file(group: Path) -> str:
    return "memory.limit_in_bytes" if _is_v1(group) else "memory.max"


def _own_group() -> Path | None:
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return _first_dir(_V1 / path.lstrip("/"), _V1)
        if not controllers and (_V2 / "cgroup.controllers").exists():
            return _V2 / path.lstrip("/")
    return None


def _first_dir(*candidates: Path) -> Path | None:
    return next((each for each in candidates if each.is_dir()), None)
