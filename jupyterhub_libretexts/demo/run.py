"""One run of the demonstration: its folder, its files, its cluster and its hub.

Everything that it starts ends with it: the cluster and the hub's guard both end when their standard
input does, which also happens when this program is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.demo.accounts import DemoAccount, accounts
from jupyterhub_libretexts.demo.plans import cluster_document, image_facts
from jupyterhub_libretexts.errors import ClusterUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["MARK", "Run", "processes_of", "run_folder"]

MARK = "LIBRETEXTS_DEMO"
"""Environment variable that every process of a run carries, with the run's own value."""
_START_SECONDS = 90.0
_END_SECONDS = 40.0
_FOLDERS = "lt-demo-"


@dataclass
class Run:
    """The cluster and the hub of one run, as processes."""

    folder: Path
    files: tuple[Path, ...]
    settings: Settings
    port: int
    homes: Path
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    people: tuple[DemoAccount, ...] = ()
    cluster: dict[str, str] = field(default_factory=dict)
    """Where its API is, with its token."""
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where people find the hub."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the hub and the proxy say."""
        return self.folder / "hub.log"

    def start_cluster(self) -> None:
        """Start the embedded cluster and wait for it.

        Raises:
            ClusterUnavailable: It did not come up.
        """
        file = self.folder / "cluster.json"
        document = cluster_document(self.settings, self.homes, {MARK: self.mark})
        file.write_text(json.dumps(document), encoding="utf8")
        words = [sys.executable, "-m", "jupyterhub_libretexts.demo.cluster", "--config", str(file)]
        child = self._child(words, self.folder / "cluster.log", stdout=subprocess.PIPE)
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise ClusterUnavailable(
                f"The embedded cluster ended at once:\n{tail(self.folder / 'cluster.log')}"
            )
        self.cluster = json.loads(line)

    def start_hub(self) -> None:
        """Start the hub with its proxy and wait until it answers.

        Raises:
            ClusterUnavailable: It ended, or did not answer in time.
        """
        self.people = accounts(self.settings)
        _write(self.folder / "accounts.json", {account.name: _plain(account) for account in self.people})
        _write(
            self.folder / "run.json",
            {
                "port": self.port,
                "hub_port": free_port(),
                "proxy_port": free_port(),
                "proxy_password": secrets.token_urlsafe(16),
                "files": [str(file) for file in self.files],
                "image_facts": image_facts(self.settings),
            },
        )
        configuration = self.folder / "jupyterhub_config.py"
        configuration.write_text(
            "from jupyterhub_libretexts.demo.hub import configure_demo\n\n"
            f"configure_demo(c, {str(self.folder)!r})  # noqa: F821\n",
            encoding="utf8",
        )
        guard = str(Path(__file__).with_name("guard.py"))
        words = [sys.executable, guard, sys.executable, "-m", "jupyterhub", "-f", str(configuration)]
        child = self._child(words, self.log)
        end = time.monotonic() + _START_SECONDS
        while not _answers(f"{self.url}/hub/health"):
            if child.poll() is not None or time.monotonic() > end:
                raise ClusterUnavailable(f"The hub did not start. The end of its log:\n{tail(self.log)}")
            time.sleep(0.1)

    def ended(self) -> bool:
        """Whether the hub or the cluster ended by itself."""
        return any(child.poll() is not None for child in self._children)

    def close(self) -> None:
        """End the hub, then the cluster."""
        for child in reversed(self._children):
            assert child.stdin is not None
            with contextlib.suppress(OSError):
                child.stdin.close()
            try:
                child.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdout is not None:
                child.stdout.close()
        self._children.clear()

    def _child(self, words: list[str], log: Path, stdout: int | None = None) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            child = subprocess.Popen(  # noqa: S603 (words of this module)
                words,
                stdin=subprocess.PIPE,
                stdout=output if stdout is None else stdout,
                stderr=output,
                cwd=self.folder,
                env=self._environment(),
                # Ctrl-C is for this program, which ends them in order.
                start_new_session=True,
            )
        self._children.append(child)
        return child

    def _environment(self) -> dict[str, str]:
        # Settings of the person who tries it out (Jupyter's, proxies' and the cluster's) stay out of it.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "KUBE"))}
        return {
            **kept,
            MARK: self.mark,
            "PATH": f"{sys.prefix}/bin:{kept.get('PATH', os.defpath)}",
            "KUBECONFIG": self.cluster.get("kubeconfig", ""),
            "JUPYTERHUB_CRYPT_KEY": secrets.token_hex(32),
            "PYTHONUNBUFFERED": "1",
        }


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """A private folder for one run; what runs that were killed left behind is removed first."""
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDERS}*"):
        with contextlib.suppress(OSError, ValueError):
            owner = int((left / "pid").read_text())
            if left.stat().st_uid == os.geteuid() and not Path(f"/proc/{owner}").exists():
                shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=_FOLDERS))
    try:
        (folder / "pid").write_text(str(os.getpid()))
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def processes_of(mark: str) -> dict[int, str]:
    """Processes that carry a run's mark, by number, with their command lines."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(folder.name)] = words.decode(errors="replace").strip()
    return found


def free_port(wanted: int = 0) -> int:
    """A free port of loopback.

    Raises:
        OSError: The wanted one is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", wanted))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log."""
    try:
        return "\n".join(log.read_text(encoding="utf8", errors="replace").splitlines()[-lines:])
    except OSError:
        return "(it wrote none)"


def _plain(account: DemoAccount) -> dict[str, Any]:
    return {
        "password": account.password,
        "email": account.email,
        "groups": list(account.groups),
        "admin": account.admin,
    }


def _write(path: Path, document: Any) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(document), encoding="utf8")


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 (RFC 9110: OK)
    except (OSError, urllib.error.URLError):
        return False
