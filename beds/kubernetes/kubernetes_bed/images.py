"""The bed's own images, and the containerd store that already holds them.

``lab`` takes minutes and is kept by the content of its recipe. The store (the *seed*) is made once
by a containerd of its own; each node then starts from hard links to it, so that a 500 MB image costs
a node a second and no room.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import archives, cache, compiler, hub_image
from .errors import BedError
from .pins import ROOM
from .processes import children_of, wait_until

if TYPE_CHECKING:
    from .pins import Pins

APPLETS = "cat cp date df echo env false head hostname httpd id ip ls mkdir mount nc ping ps rm sh sleep"
APPLETS += " tail test touch true wc wget"


def small_place(pins: Pins) -> Path:
    """Where the archives of the small images lie."""
    sources = [(name, compiler.place_of(pins.part(name)).name.encode()) for name in ("tools", "coredns")]
    recipe = [(path.name, path.read_bytes()) for path in (Path(__file__), ROOM / "images/pause.c")]
    return (
        cache.folder() / f"images-{cache.key_of([*sources, *recipe, ('names', repr(pins.images).encode())])}"
    )


def lab_place(pins: Pins) -> Path:
    """Where the archive of the Lab image lies."""
    recipe = repr((pins.lab, pins.images["lab"])).encode()
    return cache.folder() / f"lab-{cache.key_of([('recipe', recipe), ('how', lab_recipe())])}"


def lab_recipe() -> bytes:
    """The steps of the Lab image, as part of its key."""
    return (ROOM / "images/lab.sh").read_bytes()


def hub_place(pins: Pins) -> Path:
    """Where the archive of the hub's image lies."""
    return hub_image.place(pins, lab_place(pins))


def seed_place(pins: Pins) -> Path:
    """Where the filled containerd store lies."""
    made_from = [
        small_place(pins),
        lab_place(pins),
        hub_place(pins),
        compiler.place_of(pins.part("containerd")),
    ]
    return cache.folder() / f"seed-{cache.key_of([(place.name, b'') for place in made_from])}"


def make_all(pins: Pins) -> None:
    """Make every image and the seed, where they are missing."""
    if cache.is_whole(seed_place(pins)):
        return
    with cache.locked(cache.folder() / "build.lock", "another build is running; waiting for it"):
        cache.keep(small_place(pins), lambda place: make_small(pins, place))
        cache.keep(lab_place(pins), lambda place: make_lab(pins, place))
        cache.keep(hub_place(pins), lambda place: hub_image.make(pins, lab_place(pins), place))
        cache.keep(seed_place(pins), lambda place: make_seed(pins, place))


def archives_of(pins: Pins) -> dict[str, Path]:
    """Image to its archive."""
    large = {"lab": lab_place(pins) / "lab.tar", "hub": hub_place(pins) / "hub.tar"}
    return {name: large.get(name, small_place(pins) / f"{name}.tar") for name in pins.images}


def make_small(pins: Pins, place: Path) -> None:
    """Make the images of one static program each."""
    print("images: making the small ones", file=sys.stderr, flush=True)
    programs = compiler.place_of(pins.part("tools")) / "bin"
    coredns = compiler.place_of(pins.part("coredns")) / "bin/coredns"
    pause = place / "pause"
    compiled = ["gcc", "-Os", "-static", "-s", "-o", str(pause), str(ROOM / "images/pause.c")]
    subprocess.run(compiled, check=True)
    applets: dict[str, Path | str | int | bytes] = {f"bin/{name}": "busybox" for name in APPLETS.split()}
    people = b"root:x:0:0::/root:/bin/sh\nstudent:x:1000:100::/tmp:/bin/sh\n"
    common: dict[str, Path | str | int | bytes] = {"bin": 0o755, "etc": 0o755, "tmp": 0o1777}
    contents: dict[str, tuple[list[str], dict[str, Path | str | int | bytes]]] = {
        "pause": (["/pause"], {"pause": pause}),
        "tools": (
            [],
            {
                **common,
                "etc/passwd": people,
                "bin/busybox": Path("/bin/busybox"),
                "bin/probe": programs / "probe",
                **applets,
            },
        ),
        "light-server": (["/bin/light-server"], {**common, "bin/light-server": programs / "light-server"}),
        "coredns": (["/bin/coredns"], {**common, "bin/coredns": coredns}),
    }
    for name, (entrypoint, files) in contents.items():
        image = archives.Image(pins.images[name], entrypoint, environment={"PATH": "/bin"})
        layer = archives.layer(place / f"{name}.layer", files)
        archives.archive(place / f"{name}.tar", image, [layer])
        layer.unlink()


def make_lab(pins: Pins, place: Path) -> None:
    """Make the Lab image: a small Debian, and a virtual environment as a layer of its own."""
    began = time.monotonic()
    print("images: making lab (a Debian tree and JupyterLab; minutes)", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=place) as work:
        log = cache.folder() / "lab.log"
        argv = ["sh", str(ROOM / "images/lab.sh"), work, ",".join(pins.lab["debian"]), *pins.lab["python"]]
        with log.open("w") as output:
            done = subprocess.run(argv, stdout=output, stderr=output, check=False)
        if done.returncode:
            said = [line for line in log.read_text().splitlines() if line.strip()] or ["nothing said"]
            raise BedError(f"the lab image was not made: {said[-1].strip()} (all of it: {log})")
        image = archives.Image(
            pins.images["lab"],
            ["tini", "-g", "--"],
            ["jupyterhub-singleuser"],
            {
                "PATH": "/opt/lab/bin:/usr/local/bin:/usr/bin:/bin",
                "HOME": "/home/jovyan",
                "LANG": "C.UTF-8",
                "SHELL": "/bin/bash",
            },
            "/home/jovyan",
            "1000",
        )
        archives.archive(place / "lab.tar", image, [Path(work) / "debian.tar", Path(work) / "lab.tar"])
    print(f"images: lab done in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def make_seed(pins: Pins, place: Path) -> None:
    """Fill a containerd store with every image, in namespaces of its own."""
    print("images: filling the store that nodes start from", file=sys.stderr, flush=True)
    programs = compiler.place_of(pins.part("containerd")) / "bin"
    root = place / "root"
    with tempfile.TemporaryDirectory() as work:
        socket = f"{work}/containerd.sock"
        config = f'version = 3\nroot = "{root}"\nstate = "{work}/state"\n[grpc]\n  address = "{socket}"\n'
        Path(work, "containerd.toml").write_text(config)
        path = f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        argv = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        argv += [str(programs / "containerd"), "--config", f"{work}/containerd.toml"]
        ctr = [str(programs / "ctr"), "--address", socket, "--namespace", "k8s.io"]
        with (
            Path(work, "log").open("wb") as log,
            subprocess.Popen(argv, env={**os.environ, "PATH": path}, stdout=log, stderr=log) as daemon,
        ):
            try:
                version = [*ctr, "version"]
                wait_until(
                    lambda: subprocess.run(version, capture_output=True, check=False).returncode == 0,
                    30,
                    lambda: f"containerd did not start: {last_line(Path(work, 'log'))}",
                )
                for name, archive in archives_of(pins).items():
                    done = subprocess.run(
                        [*ctr, "images", "import", archive], capture_output=True, check=False
                    )
                    if done.returncode:
                        raise BedError(
                            f"image {name} was not imported: {done.stderr.decode().strip()[-200:]}"
                        )
            finally:
                # unshare itself waits deaf to signals; its child writes its databases out and ends.
                for child in children_of(daemon.pid):
                    os.kill(child, signal.SIGTERM)
                daemon.wait(30)


def last_line(path: Path) -> str:
    """The last line of a log, cut to a readable length."""
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return lines[-1][:300] if lines else "its log is empty"


def give_seed(pins: Pins, target: Path) -> None:
    """Put a copy of the seed at a node's containerd root.

    Image content and unpacked layers never change, so they are hard links; the databases that
    containerd writes are real copies. On another file system everything is copied.
    """
    source = seed_place(pins) / "root"
    linked = subprocess.run(["cp", "-al", f"{source}/.", str(target)], capture_output=True, check=False)
    if linked.returncode:
        shutil.rmtree(target)
        target.mkdir(mode=0o700)
        subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)
        return
    for database in source.rglob("*.db"):
        copy = target / database.relative_to(source)
        copy.unlink()
        shutil.copy2(database, copy)
