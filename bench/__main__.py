"""``./dev/bench``: this package against stock KubeSpawner, as ratios from one run."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jupyterhub
import kubespawner

from bench import documents, form, idle, ledger, memory, progress, storm
from bench.rows import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.rows import Row

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PARTS: dict[str, Callable[[int], list[Row]]] = {
    "documents": documents.rows,
    "form": form.rows,
    "ledger": ledger.rows,
    "progress": progress.rows,
    "idle": idle.rows,
    "memory": memory.rows,
    "database": storm.database_rows,
    "storm": storm.rows,
    "crowd": storm.crowd_rows,
}
TEXT = """# Performance

Written by `./dev/bench --write`, all from one run. Where stock KubeSpawner has a counterpart, both were measured
in turn, on the same machine, the embedded cluster with stand-in pods, a real hub with SQLite on its disk and no
proxy; ours with everything on (settings, limits, ledger, informer, line of starts). A figure is the median of
{rounds} rounds; the ratio is the median of the rounds' own ratios, its range in brackets. CPU is the processor
time of the hub's process; a stall is how late the hub's event loop serves a timer that is due every 10 ms.

Measured {day} on: {machine}

{table}

One run is one sample: machines with shared processors are not the same from minute to minute.

Figures of a real Kubernetes are made by its own suites; what the embedded cluster is good for is comparing.
"""


def machine() -> str:
    """What it was measured on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    load = os.getloadavg()[1]
    return (
        f"{os.cpu_count()} cores ({names[0] if names else platform.machine()}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, JupyterHub {jupyterhub.__version__}, "
        f"KubeSpawner {kubespawner.__version__}; load of the machine in the last five minutes {load:.1f}."
    )


def main() -> int:
    """Measure, print, and where asked write the page; 1 when something does not hold."""
    parser = argparse.ArgumentParser(prog="./dev/bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (default: 5)")
    parser.add_argument("--write", action="store_true", help=f"write docs/{PAGE.name}; needs all parts")
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"{', '.join(unknown)}: not a part; there are {', '.join(PARTS)}")
    if options.write and options.parts:
        parser.error("--write writes the whole page, so no part may be left out")
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    made: list[Row] = []
    for name in options.parts or PARTS:
        print(f"… {name}", flush=True)
        made += PARTS[name](options.rounds)
    table = "\n".join([HEAD, *map(str, made)])
    print(table)
    if options.write:
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        PAGE.write_text(TEXT.format(rounds=options.rounds, day=day, machine=machine(), table=table))
    return int(not all(row.holds for row in made))


if __name__ == "__main__":
    sys.exit(main())
