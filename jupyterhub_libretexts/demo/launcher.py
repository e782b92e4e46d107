"""``jupyterhub-libretexts demo``: a whole hub on this machine, until Ctrl-C."""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.demo.accounts import demo_sign_in
from jupyterhub_libretexts.demo.kernels import install_all
from jupyterhub_libretexts.demo.material import COURSE, made_material
from jupyterhub_libretexts.demo.plans import machine_overlay
from jupyterhub_libretexts.demo.run import Run, free_port, processes_of, run_folder
from jupyterhub_libretexts.errors import LibreTextsError, UsageError
from jupyterhub_libretexts.hub.pages import share_path
from jupyterhub_libretexts.settings.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["Options", "main", "started"]

USUAL_PORT = 8000
"""Taken where it is free."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed."""

    files: tuple[Path, ...] = ()
    """The settings; the example of this package where empty."""
    once: bool = False
    """Do the main job without a browser and end."""
    port: int | None = None
    """The port of the hub; any free one where not given."""
    all: bool = False
    """Install Octave and R first."""


def main(options: Options) -> int:
    """Run the demonstration.

    Returns:
        0 when it ended well; 1 when the main job of ``once`` failed or the hub ended by itself.

    Raises:
        UsageError: Something was asked for that this machine does not have.
        SettingsError: The files have mistakes.
    """
    with _ended_by_signals():
        try:
            if options.all:
                install_all(_say)
            with started(options) as run:
                if options.once:
                    return _once(run)
                _say("trying out only: servers are processes of this account, and nothing keeps them apart")
                sys.stdout.write(f"{run.url}  sign in as {_people(run)}  (Ctrl-C ends everything)\n")
                sys.stdout.flush()
                while not run.ended():
                    time.sleep(0.5)
                _say("the hub or the cluster ended by itself")
                return 1
        except KeyboardInterrupt:
            return 0


@contextlib.contextmanager
def started(options: Options) -> Iterator[Run]:
    """A running demonstration; when it is left, nothing of it is.

    Raises:
        LibreTextsError: It could not be started.
    """
    port = _port(options.port)
    with run_folder() as folder:
        homes = folder / "homes" if options.once else _kept_homes(options.files)
        homes.mkdir(parents=True, exist_ok=True, mode=0o700)
        files, settings = _files(options.files, folder, homes)
        run = Run(folder, files, settings, port, homes)
        try:
            began = time.monotonic()
            run.start_cluster()
            _say(f"cluster: ready in {time.monotonic() - began:.1f} s")
            began = time.monotonic()
            run.start_hub()
            _say(f"hub and proxy: ready in {time.monotonic() - began:.1f} s")
            yield run
        finally:
            run.close()


def _files(given: tuple[Path, ...], folder: Path, homes: Path) -> tuple[tuple[Path, ...], Settings]:
    """The files of this run and their settings: those given, and overlays for this machine."""
    examples = share_path() / "examples"
    if not examples.is_dir():
        examples = share_path().parent / "examples"
    files = list(given) or [examples / "libretexts.yaml", examples / "demo.yaml"]
    files = [file.resolve() for file in files]
    settings = load(files)
    if settings.authentication is None or settings.authentication.provider != "demo":
        files.append(_overlay(folder / "accounts.yaml", demo_sign_in(settings)))
    address = None if given else made_material(folder / "material")
    material = {COURSE: address} if address is not None else {}
    files.append(_overlay(folder / "machine.yaml", machine_overlay(settings, homes, material)))
    return tuple(files), load(files)


def _overlay(path: Path, document: object) -> Path:
    # JSON is YAML.
    path.write_text(json.dumps(document, indent=1), encoding="utf8")
    return path


def _kept_homes(files: tuple[Path, ...]) -> Path:
    named = "\n".join(str(file.resolve()) for file in files) or "example"
    key = hashlib.sha256(named.encode()).hexdigest()[:12]
    state = Path.home() / ".cache" / "jupyterhub-libretexts" / "demo" / key
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    state.chmod(0o700)
    return state / "homes"


def _port(wanted: int | None) -> int:
    try:
        return free_port(wanted if wanted is not None else USUAL_PORT)
    except OSError as error:
        if wanted is not None:
            raise UsageError(
                f"--port {wanted} cannot be used: {error.strerror}; leave it out for a free one"
            ) from None
        return free_port()


def _once(run: Run) -> int:
    from jupyterhub_libretexts.demo.once import main_job

    worked = False
    try:
        main_job(run, _say)
        worked = True
    except (LibreTextsError, OSError) as error:
        from jupyterhub_libretexts.demo.run import tail

        _say(f"the main job failed: {error}\nthe end of the hub's log:\n{tail(run.log, 40)}")
    began = time.monotonic()
    run.close()
    left = processes_of(run.mark)
    for number, words in left.items():
        _say(f"still there: process {number}: {words}")
    if not left:
        _say(f"ended, no process is left: {time.monotonic() - began:.1f} s")
    return 0 if worked and not left else 1


def _people(run: Run) -> str:
    return ", ".join(f"{account.name} {account.password} ({account.role})" for account in run.people)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    sys.stderr.write(f"… {text}\n")
    sys.stderr.flush()
