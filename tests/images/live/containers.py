"""One container as a student's server gets it: no network, read-only, no rights, uid 1000."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jupyterhub_libretexts.images.engines import Engine

HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
SERVER_PYTHON = "/opt/jupyter/bin/python"


class CommandFailed(AssertionError):
    """A command in a container did not end well."""


@dataclass
class Container:
    """A running container."""

    engine: Engine
    identity: str

    def run(self, *command: str, text: str | None = None, limit: float = 120) -> str:
        """Run a command inside, as the container's own user."""
        interactive = ["--interactive"] if text is not None else []
        return called(self.engine, ["exec", *interactive, self.identity, *command], text, limit)

    def python(self, source: str, *arguments: str, limit: float = 120) -> str:
        """Run a Python program with the server's own interpreter (tornado, nbformat, nbclient are there)."""
        return self.run(SERVER_PYTHON, "-I", "-", *arguments, text=source, limit=limit)

    def address(self) -> str:
        """Its address on podman's network."""
        return called(
            self.engine, ["inspect", "--format", "{{.NetworkSettings.IPAddress}}", self.identity]
        ).strip()

    def logs(self) -> str:
        """What it has printed, errors too."""
        command = [self.engine.program, "logs", self.identity]
        done = subprocess.run(
            command, env=self.engine.environment(), check=False, capture_output=True, text=True, timeout=60
        )
        return done.stdout + done.stderr

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Fetch a page over loopback inside; redirects are followed."""
        status, _, body = self.python(GET, f"http://127.0.0.1:8888{path}", json.dumps(headers)).partition(
            "\n"
        )
        return int(status), body

    def wait_until_up(self, path: str = "/api", limit: float = 60) -> float:
        """Wait until a page answers; seconds that it took."""
        began = time.monotonic()
        self.python(WAIT, f"http://127.0.0.1:8888{path}", str(limit), limit=limit + 10)
        return time.monotonic() - began


@dataclass
class Containers:
    """Starts containers and removes them at the end of a test."""

    engine: Engine
    started: list[str] = field(default_factory=list)

    def start(
        self,
        image: str,
        *command: str,
        home: Path | None = None,
        options: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        network: str = "none",
    ) -> Container:
        """Start a container; without a command it starts its own server."""
        mounts = [] if home is None else ["--volume", f"{home}:/home/jovyan"]
        chosen = [word for key, value in (variables or {}).items() for word in ("--env", f"{key}={value}")]
        hardened = ["--network", network, *HARDENED]
        arguments = ["run", "--detach", *hardened, *mounts, *chosen, *options, image, *command]
        container = Container(self.engine, called(self.engine, arguments).strip().splitlines()[-1])
        self.started.append(container.identity)
        return container

    def idle(self, image: str, **options: Any) -> Container:
        """Start a container that only waits for commands."""
        return self.start(image, "sleep", "600", **options)

    def remove_all(self) -> None:
        """Remove exactly what was started."""
        for identity in self.started:
            self.engine.remove(identity)


def called(engine: Engine, arguments: Sequence[str], text: str | None = None, limit: float = 120) -> str:
    """Call the engine; what it printed.

    Raises:
        CommandFailed: With the command's own last words.
    """
    done = subprocess.run(
        [engine.program, *arguments],
        env=engine.environment(),
        check=False,
        capture_output=True,
        text=True,
        input=text,
        timeout=limit,
    )
    if done.returncode != 0:
        raise CommandFailed(f"{arguments[0]} … {arguments[-1]}: {done.stderr[-3000:]}{done.stdout[-1000:]}")
    return done.stdout


GET = """
import json, sys, urllib.request, urllib.error
request = urllib.request.Request(sys.argv[1], headers=json.loads(sys.argv[2]))
try:
    with urllib.request.urlopen(request, timeout=60) as answer:
        print(answer.status); print(answer.read().decode(errors="replace"))
except urllib.error.HTTPError as error:
    print(error.code); print(error.read().decode(errors="replace"))
"""

WAIT = """
import sys, time, urllib.request, urllib.error
end = time.monotonic() + float(sys.argv[2])
while True:
    try:
        urllib.request.urlopen(sys.argv[1], timeout=5)
        break
    except urllib.error.HTTPError:
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(0.1)
"""
