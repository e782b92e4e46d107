"""Octave and R for the demonstration, from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyterhub_libretexts.demo.cluster.kernels import kernels_present
from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LANGUAGES", "Language", "install_all"]


@dataclass(frozen=True, slots=True)
class Language:
    """A language that Debian has."""

    kernel: str
    title: str
    packages: tuple[str, ...]
    """Debian's packages."""
    register: tuple[tuple[str, ...], ...]
    """Commands that make its kernel known to this Python's Jupyter."""


_PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")

LANGUAGES = (
    Language(
        "octave",
        "GNU Octave",
        ("octave",),
        (
            (
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "octave_kernel",
            ),
        ),
    ),
    Language(
        "ir",
        "R",
        ("r-base-core", "r-cran-irkernel"),
        (("R", "--vanilla", "--quiet", "-e", f"IRkernel::installspec(user=FALSE, prefix='{sys.prefix}')"),),
    ),
)


def install_all(say: Callable[[str], None]) -> None:
    """Install what is missing.

    Raises:
        UsageError: This account may not, or a package cannot be had.
    """
    missing = [language for language in LANGUAGES if language.kernel not in kernels_present()]
    if not missing:
        return
    packages = [name for language in missing for name in language.packages]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise UsageError(
            f"--all installs Debian packages, which needs apt-get and root; install {' '.join(packages)} and "
            "their Jupyter kernels yourself, or leave --all out"
        )
    say(f"installing {', '.join(language.title for language in missing)} (once, some minutes)")
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _do(("apt-get", "update", "-qq"), quietly)
    _do(("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages), quietly)
    # R's installer of its kernel asks Jupyter where kernels belong.
    path = {**quietly, "PATH": f"{sys.prefix}/bin:{os.environ.get('PATH', os.defpath)}"}
    for language in missing:
        for command in language.register:
            _do(command, path)
        if language.kernel not in kernels_present():
            raise UsageError(
                f"{language.title} was installed, and Jupyter still has no kernel {language.kernel}"
            )


def _do(command: tuple[str, ...], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise UsageError(f"{' '.join(command)} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")
