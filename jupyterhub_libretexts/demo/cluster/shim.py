"""The parent of one container's processes: a small program of its own, standard library only.

It outlives nobody: when the cluster that started it goes away, however that happens, its input
ends and it kills everything that came from the container, also what left the process group.
Orders come on standard input: first one JSON line (what to run), then TERM or KILL. Reports go
to standard output, one JSON line each: started, failed, ended.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)


def report(**words: object) -> None:
    """Tell the cluster something; it may be gone."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(words).encode() + b"\n")


def child(order: dict[str, object], mistakes: int) -> None:
    """Become the container's program; on failure write why and leave."""
    try:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for file in order["join"]:  # type: ignore[attr-defined]
            with open(file, "w") as members:  # noqa: PTH123 (between fork and exec: as little as possible)
                members.write("0")
        if order["data_limit"]:
            limit = int(order["data_limit"])  # type: ignore[call-overload]
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        output = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(str(order["folder"]))
        os.umask(0o022)
        argv, environment = order["argv"], order["environment"]
        os.execvpe(argv[0], argv, environment)  # type: ignore[index,arg-type]  # noqa: S606
    except OSError as error:
        os.write(
            mistakes, json.dumps([error.errno, error.strerror, os.fsdecode(error.filename or "")]).encode()
        )
    finally:
        os._exit(127)


def start(order: dict[str, object]) -> int:
    """Start the program; returns its process number, or 0 after reporting why not."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, False)
    pid = os.fork()
    if pid == 0:
        child(order, writing)
    os.close(writing)
    mistake = os.read(reading, 4096)
    os.close(reading)
    if mistake:
        os.waitpid(pid, 0)
        number, text, file = json.loads(mistake)
        report(failed=text, errno=number, file=str(file))
        return 0
    report(started=pid)
    return pid


def children() -> list[int]:
    """The direct children; what a dead child leaves behind becomes one, since this is their reaper."""
    found: list[int] = []
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (thread / "children").read_text().split())
    return found


def kill_everything() -> None:
    """End whatever is left of the container, until there is nothing."""
    while True:
        for pid in children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def kills_for_memory(files: list[str]) -> int:
    """How often the kernel ended something of this container for its memory."""
    for name in files:
        with contextlib.suppress(OSError):
            for line in Path(name).read_text().splitlines():
                word, _, number = line.partition(" ")
                if word == "oom_kill":
                    return int(number)
    return 0


def watch(pid: int, order: dict[str, object], left: bytes) -> None:
    """Obey orders until the program has ended, then end the rest and report."""
    waking, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    orders = [0]
    while True:
        if (code := ended(pid)) is not None:
            break
        ready, _, _ = select.select([waking, *orders], [], []) if not left else ([0], [], [])
        if waking in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(waking, 4096)
        if 0 in ready:
            data, left = (left or os.read(0, 4096)), b""
            if not data:
                kill_everything()
                os._exit(0)
            obey(pid, data)
    kill_everything()
    number = -code if code < 0 else 0
    killed = kills_for_memory(order["memory_events"]) if number == signal.SIGKILL else 0  # type: ignore[arg-type]
    report(ended=128 + number if number else code, signal=number, memory=bool(killed))


def obey(pid: int, data: bytes) -> None:
    """Carry out TERM (to the program's group) and KILL (to everything)."""
    for word in data.split():
        if word == b"TERM":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGTERM)
        elif word == b"KILL":
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def ended(pid: int) -> int | None:
    """The program's exit code (negative: its signal) once it has ended; reaps what else ended."""
    while True:
        try:
            found, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0
        if found == 0:
            return None
        if found == pid:
            return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Read what to run, run it, and see to its end."""
    _LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    data = b""
    while b"\n" not in data:
        piece = os.read(0, 65536)
        if not piece:
            sys.exit(0)
        data += piece
    line, _, left = data.partition(b"\n")
    order = json.loads(line)
    pid = start(order)
    if pid:
        watch(pid, order, left)


if __name__ == "__main__":
    main()
