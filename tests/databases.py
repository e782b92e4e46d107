"""Where the hubs under test keep what they know: an SQLite file each, or with ``--postgresql`` a real PostgreSQL.

The server is Debian's, started for the session in a folder of its own, listens on a socket there and
nowhere else, and is ended with the session.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PROGRAMS = Path("/usr/lib/postgresql")
ACCOUNT = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this account."""

_server: PostgreSQL | None = None


class PostgreSQL:
    """A server with its data in a folder of its own."""

    def __init__(self) -> None:
        found = sorted(PROGRAMS.glob("*/bin/initdb"))
        if not found or os.geteuid() != 0:
            pytest.exit("--postgresql needs root and Debian's package: apt-get install postgresql", 2)
        self.programs = found[-1].parent
        self.account = pwd.getpwnam(ACCOUNT)
        self.folder = Path(tempfile.mkdtemp(prefix="lt-postgresql-"))
        os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)
        self.made: set[str] = set()
        # Who may enter the folder may connect; a session's data need not survive a power cut.
        self._run("initdb", "--pgdata=data", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "--pgdata=data", "--log=log", "--wait", f"--options={options}", "start")

    def address(self, name: str) -> str:
        """A database of this name, made when it is first asked for, as SQLAlchemy writes its address."""
        if name not in self.made:
            self._run("createdb", f"--host={self.folder}", name)
            self.made.add(name)
        return f"postgresql+psycopg2://{ACCOUNT}@/{name}?host={self.folder}"

    def drop(self, name: str) -> None:
        """Remove a database with all that it holds, whoever uses it."""
        self._run("dropdb", f"--host={self.folder}", "--force", name)
        self.made.discard(name)

    def stop(self) -> None:
        """End the server and remove its folder."""
        self._run("pg_ctl", "--pgdata=data", "--wait", "--mode=immediate", "stop")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            user=self.account.pw_uid,
            group=self.account.pw_gid,
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"{program}: {done.stderr.strip()}")


def start() -> None:
    """Have all hubs keep their databases in a PostgreSQL from now on."""
    global _server  # noqa: PLW0603 - one for the session
    _server = PostgreSQL()


def stop() -> None:
    """End it."""
    global _server  # noqa: PLW0603
    if _server is not None:
        _server.stop()
        _server = None


def address(folder: Path) -> str:
    """The database of the hub that lives in a folder."""
    return f"sqlite:///{folder}/hub.sqlite" if _server is None else _server.address(_name(folder))


def lose(folder: Path) -> None:
    """The database of a hub is gone."""
    if _server is not None:
        _server.drop(_name(folder))
        return
    for file in folder.glob("hub.sqlite*"):
        file.unlink()


def _name(folder: Path) -> str:
    return f"hub_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
