"""What this machine has, and Debian packages where we may install them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dev.problems import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["find_python", "install_packages", "is_root", "missing_packages", "require_venv", "which"]

ASK_VERSION = "import sys, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
USUAL_PLACES = ("/usr/local/go/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")


def is_root() -> bool:
    """Whether packages may be installed and namespaces made."""
    return os.geteuid() == 0


def which(program: str) -> str | None:
    """Where a program is, looking also where daemons' tools and Go usually lie."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *USUAL_PLACES])
    return shutil.which(program, path=path)


def missing_packages(packages: Sequence[str]) -> list[str]:
    """Those Debian packages that are not installed; all of them on a system without dpkg."""
    query = shutil.which("dpkg-query")
    if not packages or query is None:
        return list(packages)
    shown = subprocess.run(
        [query, "-W", "-f=${Package} ${db:Status-Status}\n", *packages],
        check=False,
        capture_output=True,
        text=True,
    )
    installed = {line.split()[0] for line in shown.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in packages if name not in installed]


def install_packages(packages: Sequence[str]) -> str:
    """Install Debian packages that are missing.

    Returns:
        An empty string when all are there now, else one line that says what to do.
    """
    missing = missing_packages(packages)
    if not missing:
        return ""
    wish = "apt-get install " + " ".join(missing)
    if not is_root() or shutil.which("apt-get") is None:
        return f"needs, as root: {wish}"
    print(f"… {wish}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(
            command,
            env=environment,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    if done.returncode == 0:
        return ""
    complaint = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"{wish} failed: {complaint}"


def require_venv() -> None:
    """Make sure that this Python can create environments (Debian ships that part separately).

    Raises:
        Stop: It cannot, and we may not install what is missing.
    """
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return
    problem = install_packages([f"python{sys.version_info.major}.{sys.version_info.minor}-venv"])
    if problem:
        raise Stop(f"This Python cannot create environments; {problem}")


@cache
def find_python(version: str) -> str | None:
    """The interpreter of one ``major.minor`` version, asked of itself (a pyenv shim may answer for none)."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    installed = sorted(pyenv.glob(f"{version}.*/bin/python3"), reverse=True)
    for candidate in [f"python{version}", *map(str, installed)]:
        try:
            answer = subprocess.run(
                [candidate, "-c", ASK_VERSION], check=False, capture_output=True, text=True
            )
        except OSError:
            continue
        found, _, executable = answer.stdout.strip().partition(" ")
        if answer.returncode == 0 and found == version:
            return executable
    return None
