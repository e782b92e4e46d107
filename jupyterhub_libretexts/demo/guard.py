"""The parent of the hub and of all that it starts; standard library only.

``python guard.py COMMAND…`` runs a command until its own input ends, then asks the command to end and
kills whatever is left of it. So the proxy does not outlive the hub, nor the hub the demonstration, also
when one of them is killed.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 15.0
"""Seconds that the command gets to end by itself."""
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Called in the child: when the guard is killed, the command is."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def descendants() -> list[int]:
    """The direct children; orphans of the command have become ours."""
    found: list[int] = []
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208
        with contextlib.suppress(OSError), open(f"/proc/self/task/{thread}/children") as file:  # noqa: PTH123
            found += map(int, file.read().split())
    return found


def kill_the_rest() -> None:
    """End whatever the command left, until there is nothing."""
    while True:
        for pid in descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def main() -> int:
    """Run the command; returns its exit status."""
    _LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    command = subprocess.Popen(  # noqa: S603 (the demonstration's own words)
        sys.argv[1:],
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent,  # noqa: PLW1509 (one thread)
    )
    # Told apart from the other children, which Popen would not see.
    while command.poll() is None:
        ready, _, _ = select.select([0], [], [], 0.2)
        if ready and not os.read(0, 4096):
            break
    if command.poll() is None:
        command.terminate()
        end = time.monotonic() + PATIENCE
        while command.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        if command.poll() is None:
            command.kill()
            command.wait()
    kill_the_rest()
    return command.returncode if command.returncode >= 0 else 128 - command.returncode


if __name__ == "__main__":
    sys.exit(main())
