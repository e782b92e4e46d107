"""``build``: one target of the default environment, then its manifest as a label."""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import time
from pathlib import Path

from images.tooling import machine, timing
from jupyterhub_libretexts import __version__
from jupyterhub_libretexts.images.build import with_label
from jupyterhub_libretexts.images.engines import Engine, Recipe

TARGETS = ("core", "r", "sage", "default", "python2")
SWITCHES = ("NBGRADER", "COLLABORATION")
CONTEXT = machine.IMAGES / "default-env"
BUILT = machine.CACHE / "built.json"


def build(
    target: str,
    *,
    registry: bool = False,
    fresh: bool = False,
    record: bool = False,
    switches: tuple[str, ...] = (),
) -> str:
    """Build a target and return its tag.

    Args:
        target: One of ``TARGETS``.
        registry: Take the pinned base from its registry and build Julia and RStudio too; otherwise the
            base is bootstrapped and both are left out.
        fresh: Use no layer of an earlier build.
        record: Keep what it took, for the table of times.
        switches: Of ``SWITCHES``, those to turn on.
    """
    podman = machine.engine()
    tag = f"{machine.NAME}:{'-'.join([target, *sorted(name.lower() for name in switches)])}"
    with machine.one_at_a_time():
        wanted = recipe(podman, target, tag, registry=registry, fresh=fresh, switches=switches)
        key = content_key(wanted)
        if not fresh and is_built(podman, tag, key):
            machine.say(f"{tag}: nothing has changed since it was built")
            return tag
        began, used = time.monotonic(), processor_seconds()
        podman.build(wanted)
        with_label(podman, tag, labels())
        wall = time.monotonic() - began
        remember(podman, tag, key)
        if record:
            timing.remember_build(target, wall, processor_seconds() - used)
        machine.say(f"{tag}: {wall:.0f} s")
    return tag


def content_key(wanted: Recipe) -> str:
    """A digest of everything that an image is made from here: its context, its target, its arguments.

    The engine's own cache comes to the same end, after hashing gigabytes of what stages copy from others.
    """
    digest = hashlib.sha256(json.dumps([wanted.target, dict(wanted.arguments)], sort_keys=True).encode())
    for path in sorted(wanted.context.rglob("*")):
        content = (
            str(path.readlink()).encode()
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else b""
        )
        digest.update(f"{path.relative_to(wanted.context)} {path.lstat().st_mode} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def is_built(podman: Engine, tag: str, key: str) -> bool:
    """Whether the image of that name is the one that was built from just this."""
    known = json.loads(BUILT.read_text()) if BUILT.exists() else {}
    described = podman.describe(tag)
    return described is not None and known.get(tag) == {"key": key, "image": described["Id"]}


def remember(podman: Engine, tag: str, key: str) -> None:
    """Note from what an image was built."""
    known = json.loads(BUILT.read_text()) if BUILT.exists() else {}
    described = podman.describe(tag)
    if described is not None:
        known[tag] = {"key": key, "image": described["Id"]}
        BUILT.write_text(json.dumps(known, indent=1))


def recipe(
    podman: Engine, target: str, tag: str, *, registry: bool, fresh: bool, switches: tuple[str, ...]
) -> Recipe:
    """What the engine is asked for."""
    arguments = {f"WITH_{name}": "1" for name in switches}
    if not registry:
        arguments |= {"WITH_JULIA": "0", "WITH_RSTUDIO": "0"}
        arguments["BASE_IMAGE"] = machine.base_image(podman)
        if target == "python2":
            arguments["LEGACY_BASE_IMAGE"] = machine.base_image(podman, "bullseye")
    bundle = machine.certificates()
    options: tuple[str, ...] = ("--no-cache",) if fresh else ()
    if podman.name == "podman":
        options += ("--network", "host", "--jobs", "2", "--layers")
    return Recipe(
        context=CONTEXT,
        tag=tag,
        target=target,
        arguments=arguments,
        secrets={} if bundle is None else {"ca": bundle},
        options=options,
    )


def processor_seconds() -> float:
    """What all processes that we started and that have ended took of the processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def labels() -> dict[str, str]:
    """Labels that change with every commit, put on at the end so that they cost no layer."""
    command = ["git", "-C", str(machine.ROOT), "rev-parse", "HEAD"]
    revision = subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
    return {
        "org.opencontainers.image.version": __version__,
        "org.opencontainers.image.revision": revision or "unknown",
    }


def lock_files() -> list[Path]:
    """Every hashed lock of the default environment."""
    return sorted((CONTEXT / "locks").glob("*.txt"))
