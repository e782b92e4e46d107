"""``./dev/demo`` and ``./dev/bench``: prepare the environment, then become the program."""

from __future__ import annotations

import os

from dev.environments import ROOT, Environment, default_environment, variables


def demo(arguments: list[str]) -> int:
    """Start a whole hub here; only what the demo itself needs is installed.

    With ``--kubernetes`` it runs on a whole real Kubernetes, which only a checkout can build.
    """
    environment = default_environment()
    environment.ensure()
    if "--kubernetes" in arguments:
        rest = [argument for argument in arguments if argument != "--kubernetes"]
        os.environ["PYTHONPATH"] = str(ROOT / "beds" / "kubernetes")
        return become(environment, [str(environment.interpreter), "-m", "kubernetes_hub", *rest])
    return become(
        environment, [str(environment.folder / "bin" / "jupyterhub-libretexts"), "demo", *arguments]
    )


def bench(arguments: list[str]) -> int:
    """Measure this package against stock KubeSpawner."""
    environment = default_environment(("test",))
    environment.ensure()
    os.chdir(ROOT)
    return become(environment, [str(environment.interpreter), "-m", "bench", *arguments])


def become(environment: Environment, command: list[str]) -> int:
    """Replace this process, so that Ctrl-C and the exit status are the program's own."""
    os.execve(command[0], command, variables(environment))  # noqa: S606 - no shell is wanted
