"""``./dev/bench``: this package against stock KubeSpawner, as ratios from one run."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
from pathlib import Path

import jupyterhub
import kubespawner

from bench import storm

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(prog="./dev/bench", description=__doc__)
    parser.add_argument("--starts", default="100,300", help="sizes of storms (default: 100,300)")
    parser.add_argument("--rounds", type=int, default=3, help="storms of each kind and size (default: 3)")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    options = parser.parse_args()
    sizes = tuple(int(size) for size in options.starts.split(","))
    table = storm.ratios(asyncio.run(storm.main(sizes, options.rounds)))
    print("\n".join(table))
    if options.write:
        machine = (
            f"{os.cpu_count()} cores, Python {platform.python_version()}, JupyterHub {jupyterhub.__version__}, "
            f"KubeSpawner {kubespawner.__version__}; medians of {options.rounds}"
        )
        PAGE.write_text(
            "# Performance\n\n"
            "Written by `./dev/bench --write`. Each row is one run: stock KubeSpawner and this package in turn, "
            "on the embedded\ncluster with stand-in pods, a real hub, SQLite and no proxy. A ratio below 1 means "
            "that ours takes less.\n\n"
            f"{machine}.\n\n" + "\n".join(table) + "\n"
        )


if __name__ == "__main__":
    main()
