"""The programs that build and run images: podman, docker, buildah; skopeo to ask a registry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import LibreTextsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["ENGINES", "Engine", "EngineFailed", "Recipe", "find_engine"]

ENGINES = ("podman", "docker", "buildah")
"""In the order of preference."""


class EngineFailed(LibreTextsError):
    """A program could not do what it was asked; the message ends with its own last words.

    Attributes:
        printed: What it had printed until then.
    """

    def __init__(self, message: str, printed: str = "") -> None:
        self.printed = printed
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to build."""

    context: Path
    tag: str
    dockerfile: Path | None = None
    """The context's ``Dockerfile`` otherwise."""
    target: str = ""
    arguments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    secrets: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    options: tuple[str, ...] = ()
    """Further options of the engine itself."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One of the programs, found on this machine."""

    name: str
    program: str
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Environment variables that it is called with, beside the caller's own."""

    def build_command(self, recipe: Recipe) -> list[str]:
        """The argument list that builds a recipe."""
        command = [self.program, "build", "--tag", recipe.tag]
        if self.name != "docker":
            # The OCI format has no SHELL; docker writes its own format by itself.
            command += ["--format", "docker"]
        if recipe.dockerfile is not None:
            command += ["--file", str(recipe.dockerfile)]
        if recipe.target:
            command += ["--target", recipe.target]
        for key, value in recipe.arguments.items():
            command += ["--build-arg", f"{key}={value}"]
        for key, value in recipe.labels.items():
            command += ["--label", f"{key}={value}"]
        for key, path in recipe.secrets.items():
            command += ["--secret", f"id={key},src={path}"]
        return [*command, *recipe.options, str(recipe.context)]

    def build(self, recipe: Recipe) -> None:
        """Build; what the engine prints is shown.

        Raises:
            EngineFailed: The build failed.
        """
        done = subprocess.run(self.build_command(recipe), env=self.environment(), check=False)  # noqa: S603
        if done.returncode != 0:
            raise EngineFailed(f"{self.name} could not build {recipe.context} (see above)")

    def run_command(self, reference: str, command: Sequence[str], mounts: Mapping[Path, str]) -> list[str]:
        """The argument list that runs a command in an image: no network, read-only, a home that vanishes."""
        volumes = [word for path, place in mounts.items() for word in ("--volume", f"{path}:{place}:ro")]
        return [
            *(self.program, "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL"),
            *("--tmpfs", "/tmp:rw,mode=1777", "--env", "HOME=/tmp"),  # noqa: S108
            *(*volumes, "--entrypoint", command[0], reference, *command[1:]),
        ]

    def run(self, reference: str, command: Sequence[str], mounts: Mapping[Path, str] | None = None) -> str:
        """Run a command in an image and return what it printed.

        Raises:
            EngineFailed: It did not end well.
        """
        if self.name == "buildah":
            return self.run_with_buildah(reference, command, mounts or {})
        return self.call(self.run_command(reference, command, mounts or {})[1:])

    def run_with_buildah(self, reference: str, command: Sequence[str], mounts: Mapping[Path, str]) -> str:
        """Run a command in a working container, and remove that container by its name."""
        container = self.call(["from", "--pull-never", reference]).strip()
        volumes = [word for path, place in mounts.items() for word in ("--volume", f"{path}:{place}:ro")]
        try:
            return self.call(["run", "--network", "none", *volumes, container, "--", *command])
        finally:
            self.call(["rm", container])

    def remove(self, container: str) -> None:
        """Stop and remove a container.

        Raises:
            EngineFailed: It is still there.
        """
        words = ["rm", "--force", *(["--time", "2"] if self.name == "podman" else []), container]
        try:
            self.call(words)
        except EngineFailed:
            # Podman 4.3 refuses a container that ended by itself while it was being stopped.
            self.call(words)

    def describe(self, reference: str) -> dict[str, Any] | None:
        """What the engine knows of a local image; None where it has none of that name."""
        if self.name == "buildah":
            command = ["inspect", "--type", "image", reference]
        else:
            command = ["image", "inspect", reference]
        try:
            answer = json.loads(self.call(command))
        except EngineFailed:
            return None
        found: dict[str, Any] = answer[0] if isinstance(answer, list) else answer
        return found

    def call(self, arguments: Sequence[str], *, text: str | None = None) -> str:
        """Call the program and return what it printed.

        Raises:
            EngineFailed: It did not end well.
        """
        command = [self.program, *arguments]
        done = subprocess.run(  # noqa: S603
            command, env=self.environment(), check=False, capture_output=True, text=True, input=text
        )
        if done.returncode != 0:
            words = (done.stderr.strip() or done.stdout.strip() or "no reason given")[-2000:]
            raise EngineFailed(f"{self.name} {arguments[0]} failed: {words}", done.stdout)
        return done.stdout

    def environment(self) -> dict[str, str]:
        """The environment that the program sees."""
        return {**os.environ, **self.variables}


def find_engine(wanted: str = "") -> Engine:
    """Find a program that builds and runs images.

    Args:
        wanted: podman, docker or buildah; the first that is there where it is empty.

    Raises:
        UsageError: There is none, or the one that was named is not here.
    """
    if wanted and wanted not in ENGINES:
        raise UsageError(f"--engine {wanted}: must be one of {', '.join(ENGINES)}")
    for name in (wanted,) if wanted else ENGINES:
        program = shutil.which(name)
        if program:
            return Engine(name, program)
    missing = wanted or "podman, docker or buildah"
    raise UsageError(f"{missing} is needed and was not found; on Debian or Ubuntu: apt-get install podman")
