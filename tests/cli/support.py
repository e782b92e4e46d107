"""The command as an operator has it: a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyterhub_libretexts.cli.manifest import _NOWHERE
from tests.forked import ForkedProgram

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "libretexts.yaml"
SCENARIO = ROOT / "tests" / "data" / "settings" / "teaching.yaml"
COMMAND = (sys.executable, "-m", "jupyterhub_libretexts.cli")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    error: str


def surroundings(**more: str) -> dict[str, str]:
    """The environment of a command: no wish about colours but those named."""
    plain = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR"}}
    return {**plain, **more}


def called(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Answer:
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=dict(environment or surroundings()),
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def explain(*arguments: str | Path) -> Answer:
    """Run ``explain`` to its end, with KubeSpawner read already: for a pod it is read each time."""
    with TemporaryDirectory() as name:
        out, error = Path(name, "out"), Path(name, "error")
        # What the command does before the client is read, which here is read before.
        kubeconfig = Path(name, "kubeconfig")
        kubeconfig.write_text(json.dumps(_NOWHERE))
        words = ["explain", *map(str, arguments)]
        module = "jupyterhub_libretexts.cli.main"
        process = ForkedProgram(
            module,
            words,
            folder=ROOT,
            variables=surroundings(KUBECONFIG=str(kubeconfig)),
            out=out,
            error=error,
        )
        status = process.wait_here(60)
        assert status is not None, "it does not end"
        return Answer(status, out.read_text(), error.read_text())
