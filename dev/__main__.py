"""The one door from ``dev/start``: ``python3 dev test|demo|bench [arguments]``."""

from __future__ import annotations

import sys
from pathlib import Path

# Python put this folder first; the package itself is found from the one above it.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from dev import launch, testing  # noqa: E402 - importable only after the line above
from dev.problems import Stop  # noqa: E402

COMMANDS = {"test": testing.main, "demo": launch.demo, "bench": launch.bench}


def main(arguments: list[str]) -> int:
    """Run one command; a problem that the newcomer can mend is one line, not a traceback."""
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python3 dev {'|'.join(COMMANDS)} [arguments]", file=sys.stderr)
        return 2
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except Stop as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
