"""Podman on this machine, with a storage and a configuration of our own, and the base image."""

from __future__ import annotations

import fcntl
import hashlib
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import UsageError
from jupyterhub_libretexts.images.engines import Engine, find_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jupyterhub-libretexts" / "images"
ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "images"
NAME = "localhost/libretexts-default-env"

PACKAGES = ("podman", "buildah", "runc", "netavark", "mmdebstrap", "zstd")
HELPERS = ("/usr/libexec/podman", "/usr/lib/podman")
"""Where podman looks for programs that are nobody's commands."""
SUBNET = "10.87.0.0/24"
"""Of our containers: not podman's usual range, which a bridge of somebody else's containers may have."""
BASE = "localhost/libretexts-base"
BASE_PACKAGES = ("ca-certificates",)


def require(*programs: str) -> None:
    """Make sure that programs are here; as root on Debian they are installed.

    Raises:
        UsageError: They are missing; the message is the line to type.
    """
    where = os.pathsep.join([os.environ.get("PATH", os.defpath), *HELPERS])
    missing = [program for program in programs if shutil.which(program, path=where) is None]
    if not missing:
        return
    wish = "apt-get install " + " ".join(missing)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise UsageError(f"{', '.join(missing)} needed; on Debian or Ubuntu, as root: {wish}")
    say(f"{wish}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
    quiet = subprocess.DEVNULL
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    subprocess.run(install, check=True, env=environment, stdout=quiet)


def engine() -> Engine:
    """Podman with our own storage as root; anybody else's podman or docker as it is set up."""
    if os.geteuid() != 0:
        return find_engine()
    require("podman", "runc", "netavark")
    CACHE.mkdir(parents=True, exist_ok=True)
    return Engine("podman", "/usr/bin/podman", configured())


def configured() -> dict[str, str]:
    """Write the configuration, and return the variables that make the engine read it.

    Many small machines still have the first generation of control groups, or may not raise limits;
    runc with cgroupfs and limits that are ours already works on both.
    """
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = files if files > 0 else 1048576
    containers, storage = CACHE / "containers.conf", CACHE / "storage.conf"
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    containers.write_text(
        "[containers]\n"
        f'default_ulimits = ["nofile={files}:{files}", "nproc=4096:4096"]\n'
        "[engine]\n"
        'cgroup_manager = "cgroupfs"\n'
        'events_logger = "file"\n'
        + ("" if unified else 'runtime = "runc"\n')
        + f'[network]\nnetwork_backend = "netavark"\ndefault_subnet = "{SUBNET}"\n'
    )
    storage.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{CACHE}/storage"\n'
        'runroot = "/run/jupyterhub-libretexts-images"\n'
    )
    temporary = CACHE / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        "CONTAINERS_CONF": str(containers),
        "CONTAINERS_STORAGE_CONF": str(storage),
        "TMPDIR": str(temporary),
    }


def base_image(podman: Engine, suite: str = "trixie") -> str:
    """Bootstrap a Debian base, once per suite and list of packages, for where no registry is reached."""
    key = hashlib.sha256(" ".join([suite, *BASE_PACKAGES]).encode()).hexdigest()[:12]
    tag = f"{BASE}:{suite}-{key}"
    if podman.describe(tag) is not None:
        return tag
    require("mmdebstrap")
    say(f"bootstrapping {tag}")
    context = CACHE / f"base-{suite}"
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(BASE_PACKAGES)}"]
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "locale", "info")]
    subprocess.run([*command, *excluded, suite, str(context / "base.tar"), mirror()], check=True)
    (context / "Dockerfile").write_text('FROM scratch\nADD base.tar /\nCMD ["bash"]\n')
    podman.call(["build", "--quiet", "--format", "docker", "--tag", tag, str(context)])
    shutil.rmtree(context)
    return tag


def mirror() -> str:
    """The mirror that this machine itself uses, else Debian's own."""
    for file in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        if file.exists():
            for line in file.read_text().splitlines():
                words = line.split()
                if words[:1] == ["URIs:"] or words[:1] == ["deb"]:
                    return next(word for word in words if "://" in word)
    return "http://deb.debian.org/debian"


def certificates() -> Path | None:
    """This machine's bundle of certificate authorities, for builds behind an inspecting proxy."""
    bundle = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
    return bundle if bundle.exists() else None


def python_tool(name: str, *requirements: str) -> Path:
    """A program of a Python package, in an environment of its own that is made once per list of packages."""
    wanted = requirements or (name,)
    key = hashlib.sha256(" ".join(wanted).encode()).hexdigest()[:12]
    folder = CACHE / "tools" / f"{name}-{key}"
    program = folder / "bin" / name
    if not program.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *wanted], check=True)
    return program


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the cache, so that two builds started together build once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def said(command: Sequence[str], **options: object) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout  # type: ignore[call-overload,no-any-return]


def say(words: str) -> None:
    """Tell the person at the terminal what happens now."""
    print(f"… {words}", file=sys.stderr, flush=True)
