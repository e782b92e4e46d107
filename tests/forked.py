"""Programs that are forked from a process which has read their code already.

Reading JupyterHub, KubeSpawner and the client's thousand classes takes seconds of processor, as much as many
tests together. The standard library's fork server reads them once for each process of tests.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["ForkedProgram"]

READ_BEFORE = ["jupyterhub.app", "kubespawner", "jupyterhub_libretexts.hub.spawner"]


class ForkedProgram:
    """One process; speaks as far as needed like ``asyncio.subprocess.Process``."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        folder: Path,
        variables: Mapping[str, str],
        out: Path,
        error: Path,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(READ_BEFORE)
        told = (module, list(arguments), str(folder), dict(variables), (str(out), str(error)))
        self._process = context.Process(target=_run, args=told, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    async def wait(self) -> int | None:
        return await asyncio.to_thread(self.wait_here, None)

    def wait_here(self, seconds: float | None) -> int | None:
        self._process.join(seconds)
        return self.returncode


def _run(
    module: str, arguments: list[str], folder: str, variables: dict[str, str], streams: tuple[str, str]
) -> None:
    """Have a session, a folder, an environment and streams of its own, as a new process has them."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    if "PYTHONWARNINGS" in variables:
        warnings.simplefilter(variables["PYTHONWARNINGS"])  # type: ignore[arg-type]
    for number, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), number)
    if "KUBECONFIG" in variables:
        from kubernetes_asyncio import config

        # The client looks at the variable when it is read, and that is over.
        place = variables["KUBECONFIG"]
        config.KUBE_CONFIG_DEFAULT_LOCATION = config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION = place
    sys.argv = [module, *arguments]
    sys.exit(import_module(module).main())
