"""``./dev/cluster``: one line for each thing that can go wrong, never a traceback."""

from __future__ import annotations

import errno
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import machine, pins, processes, simulated, tools
from .arguments import parser, split
from .cluster import Cluster
from .errors import BedError
from .layout import STATE, shape
from .up import up

if TYPE_CHECKING:
    import argparse

NOBODY_READS = 141
"""As a shell tells the end by SIGPIPE (`status | head`)."""


def main() -> int:
    """Run one command; returns its exit status."""
    own, rest = split(sys.argv[1:])
    asked = parser().parse_args(own)
    asked.rest = rest
    try:
        ended = COMMANDS[asked.command](asked)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at exit; there must be something left that takes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    except BedError as error:
        print(f"./dev/cluster {asked.command}: {error}", file=sys.stderr)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"./dev/cluster {asked.command}: the disk is full; free some room", file=sys.stderr)
    except KeyboardInterrupt:
        print(
            f"./dev/cluster {asked.command}: interrupted; nothing of a half-started cluster is left",
            file=sys.stderr,
        )
        return 130
    else:
        return ended
    return 1


def build(asked: argparse.Namespace) -> int:
    """Build everything."""
    machine.check_root()
    found = pins.load()
    machine.install_packages(found)
    tools.build(found)
    if asked.verify:
        tools.verify(found)
    print("everything is built")
    return 0


def bring_up(asked: argparse.Namespace) -> int:
    """Bring a cluster up and say how to use it."""
    wanted = shape(asked.name, asked.nodes)
    began = time.monotonic()
    up(wanted, reuse=asked.reuse)
    roles = ", ".join(f"{node.name} ({'+'.join(node.roles)})" for node in wanted.nodes)
    print(f"cluster {asked.name!r} is up after {time.monotonic() - began:.1f} s: {roles}")
    print("use it: ./dev/cluster kubectl get pods -A; ./dev/cluster run -- COMMAND; ./dev/cluster down")
    return 0


def take_down(asked: argparse.Namespace) -> int:
    """End a cluster."""
    machine.check_root()
    cluster = Cluster(asked.name)
    there = cluster.folder.exists()
    cluster.down()
    print(f"cluster {asked.name!r} is gone" if there else f"there was no cluster {asked.name!r}")
    return 0


def status(asked: argparse.Namespace) -> int:
    """Say what is built and what runs; 3 when the named cluster does not."""
    missing = tools.missing(pins.load())
    print(f"built: {'everything' if not missing else 'not ' + ', '.join(missing) + ' (./dev/cluster build)'}")
    cluster = Cluster(asked.name)
    others = sorted(
        path.parent.name for path in STATE.glob("*/shape.json") if Cluster(path.parent.name).lives
    )
    print(f"up: {', '.join(others) or 'none'}")
    if not cluster.lives:
        print(f"cluster {asked.name!r}: not up")
        return 3
    for node in cluster.shape.nodes:
        print(f"{node.name} {node.address} {'+'.join(node.roles)}")
        for name, program in sorted(processes.programs_in(node.folder).items()):
            again = (
                f", started {program['starts']} times, last end: {program['ended']}"
                if program["ended"]
                else ""
            )
            print(f"  {name}: {'runs' if program['pid'] else 'does not run'}{again}")
    return 0


def environment(asked: argparse.Namespace) -> int:
    """Print lines for ``eval``; commands still have to be run inside (``./dev/cluster run``)."""
    cluster = Cluster(asked.name)
    cluster.process_of(cluster.shape.first)
    print(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    print(f"export PATH={shlex.quote(str(cluster.folder / 'bin'))}:$PATH")
    print(f"export LIBRETEXTS_CLUSTER={shlex.quote(asked.name)}")
    return 0


def load(asked: argparse.Namespace) -> int:
    """Import an archive."""
    for name in Cluster(asked.name).load(Path(asked.archive)):
        print(name)
    return 0


def push(asked: argparse.Namespace) -> int:
    """Push an archive."""
    Cluster(asked.name).push(Path(asked.archive), asked.image)
    print(asked.image)
    return 0


def simulate(asked: argparse.Namespace) -> int:
    """Add simulated nodes."""
    machine.check_root()
    simulated.simulate(Cluster(asked.name), asked.nodes)
    print(
        f"{asked.nodes} simulated nodes: select libretexts.org/simulated=true, tolerate the taint of that name"
    )
    return 0


def kubectl(asked: argparse.Namespace) -> int:
    """Become kubectl."""
    return become(asked.name, ["kubectl", *asked.rest])


def run(asked: argparse.Namespace) -> int:
    """Become a command inside."""
    if not asked.rest:
        raise BedError("say what to run: ./dev/cluster run -- COMMAND ...")
    return become(asked.name, asked.rest)


def become(name: str, argv: list[str]) -> int:
    """Replace this process by a command in the first node's network."""
    machine.check_root()
    cluster = Cluster(name)
    inside = [*cluster.entered(), *argv]
    os.execvpe(inside[0], inside, cluster.environment())
    return 127


COMMANDS = {
    "build": build,
    "up": bring_up,
    "down": take_down,
    "status": status,
    "env": environment,
    "load": load,
    "push": push,
    "simulate": simulate,
    "kubectl": kubectl,
    "run": run,
}

if __name__ == "__main__":
    sys.exit(main())
