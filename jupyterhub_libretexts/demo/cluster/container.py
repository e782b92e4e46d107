"""One container as local processes: its shim, its output, its end."""

from __future__ import annotations

import asyncio
import errno
import json
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHIM = str(Path(__file__).with_name("shim.py"))
_START_ERROR = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
    "failed: unable to start container process: error during container init: "
)


@dataclass(frozen=True, slots=True)
class Order:
    """What a container runs."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    """Where it starts."""
    log: Path
    join: Sequence[str] = ()
    """Files of control groups that its first process writes itself into."""
    memory_events: Sequence[str] = ()
    """Files that count what the kernel ended for its memory."""
    data_limit: int = 0
    """Bytes of RLIMIT_DATA for each process; 0 for no limit."""


@dataclass(frozen=True, slots=True)
class End:
    """How a container ended."""

    code: int
    signal: int = 0
    for_memory: bool = False
    start_error: str = ""
    """Why its program could not even be started, in the container engine's words."""

    @property
    def reason(self) -> str:
        """The kubelet's word for it."""
        if self.start_error:
            return "StartError"
        if self.for_memory:
            return "OOMKilled"
        return "Error" if self.code else "Completed"


@dataclass(slots=True)
class Container:
    """A container that was started."""

    process: asyncio.subprocess.Process
    pid: int = 0
    end: asyncio.Future[End] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    _reader: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, order: Order) -> Container:
        """Start the program; an impossible start is an end like another (``end.start_error``)."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            _SHIM,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={},
        )
        started = cls(process)
        line = {
            "argv": list(order.argv),
            "environment": dict(order.environment),
            "folder": str(order.folder),
            "log": str(order.log),
            "join": list(order.join),
            "memory_events": list(order.memory_events),
            "data_limit": order.data_limit,
        }
        started._say(json.dumps(line))
        assert process.stdout is not None
        try:
            first = await process.stdout.readline()
        except asyncio.CancelledError:  # The pod goes away while it starts.
            await started.close()
            raise
        report = json.loads(first or b'{"failed": "its parent process ended", "file": ""}')
        if "failed" in report:
            started.end.set_result(End(128, start_error=_START_ERROR + _exec_error(order, report)))
            return started
        started.pid = report["started"]
        started._reader = asyncio.create_task(started._await_end())
        return started

    async def _await_end(self) -> None:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        report = json.loads(line) if line else {"ended": 137, "signal": 9, "memory": False}
        await self.process.wait()
        if not self.end.done():
            self.end.set_result(End(report["ended"], report["signal"], for_memory=bool(report["memory"])))

    def _say(self, line: str) -> None:
        with suppress(ConnectionError, OSError):
            assert self.process.stdin is not None
            self.process.stdin.write(line.encode() + b"\n")

    def terminate(self) -> None:
        """Ask it to end."""
        self._say("TERM")

    def kill(self) -> None:
        """End it and everything that came from it."""
        self._say("KILL")

    async def close(self) -> None:
        """End it at once and wait until nothing is left."""
        assert self.process.stdin is not None
        with suppress(ConnectionError, OSError):
            self.process.stdin.close()
        await self.process.wait()
        if self._reader is not None:
            await self._reader


def _exec_error(order: Order, report: dict[str, Any]) -> str:
    program = order.argv[0] if order.argv else ""
    if report.get("file") == str(order.folder):
        return f'chdir to cwd ("{order.folder}") set in config.json failed: {report["failed"].lower()}'
    if "/" not in program and report.get("errno") == errno.ENOENT:
        return f'exec: "{program}": executable file not found in $PATH'
    return f'exec: "{program}": stat {program}: {str(report["failed"]).lower()}'
