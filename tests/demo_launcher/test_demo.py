"""The demonstration: what a newcomer runs first, and what it leaves behind (nothing)."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

import pytest

from jupyterhub_libretexts.demo.accounts import accounts, demo_sign_in
from jupyterhub_libretexts.demo.authentication import DemoAuthenticator
from jupyterhub_libretexts.demo.launcher import Options, main, started
from jupyterhub_libretexts.demo.plans import image_facts
from jupyterhub_libretexts.demo.run import MARK, free_port, processes_of
from jupyterhub_libretexts.errors import SettingsError, UsageError
from jupyterhub_libretexts.hub.configure import configure
from jupyterhub_libretexts.hub.pages import share_path
from jupyterhub_libretexts.settings.load import load

EXAMPLES = share_path().parent / "examples"
FILES = [EXAMPLES / "libretexts.yaml", EXAMPLES / "demo.yaml"]
COMMAND = [sys.executable, "-m", "jupyterhub_libretexts.cli", "demo"]


@contextlib.contextmanager
def demo(tmp_path, *words):
    """The command as a person starts it; its homes go below a folder of the test."""
    environment = {**os.environ, "HOME": str(tmp_path)}
    child = subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def mark_of(child):
    """The mark that all processes of a demonstration carry, found at its children."""
    for thread in os.listdir(f"/proc/{child.pid}/task"):
        with open(f"/proc/{child.pid}/task/{thread}/children") as file:
            for number in file.read().split():
                with open(f"/proc/{number}/environ", "rb") as variables:
                    found = re.search(rf"{MARK}=(\w+)".encode(), variables.read())
                if found:
                    return found[1].decode()
    raise AssertionError("it has no child")


def wait_until_nothing_is_left(mark, seconds=40):
    end = time.monotonic() + seconds
    while left := processes_of(mark):
        assert time.monotonic() < end, left
        time.sleep(0.1)


def test_the_main_job_works_and_leaves_nothing(tmp_path):
    """Else a newcomer's first command fails."""
    with demo(tmp_path, "--once") as child:
        _, told = child.communicate(timeout=200)
    assert child.returncode == 0, told
    for step in (
        "signed in",
        "read the form",
        "chosen, and running",
        "a cell ran",
        "stopped, no pod is left",
    ):
        assert re.search(rf"{step}: \d+\.\d s", told), told
    assert "printed 42" in told
    assert "no process is left" in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_no_process_stays(tmp_path, number):
    """Else a machine fills with proxies and hubs that nobody sees."""
    with demo(tmp_path) as child:
        line = child.stdout.readline()
        assert re.match(r"http://127\.0\.0\.1:\d+  sign in as ada \S+ \(student at UC Davis\), grace ", line)
        assert "(instructor at UC Davis)" in line
        assert "(administrator)" in line or "ops" in line
        mark = mark_of(child)
        assert len(processes_of(mark)) >= 3
        os.kill(child.pid, number)
        assert child.wait(60) == (0 if number != signal.SIGKILL else -signal.SIGKILL)
        wait_until_nothing_is_left(mark)


def test_it_listens_on_loopback_only_and_asks_for_a_token(tmp_path, monkeypatch):
    """Else another account of the machine, or the network, runs programs as us."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with started(Options(once=True)) as run:
        with pytest.raises(OSError, match="401"):
            urllib.request.urlopen(f"{run.cluster['url']}/api/v1/pods", timeout=5)
        assert run.folder.stat().st_mode & 0o077 == 0
        assert (run.folder / "accounts.json").stat().st_mode & 0o077 == 0
        inodes = {
            os.readlink(f"/proc/{number}/fd/{handle}")
            for number in processes_of(run.mark)
            for handle in os.listdir(f"/proc/{number}/fd")
            if os.path.islink(f"/proc/{number}/fd/{handle}")
        }
        with open("/proc/net/tcp") as table:
            rows = [line.split() for line in table.readlines()[1:]]
        listening = [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
        assert len(listening) >= 3
        # The address stands in the machine's byte order; loopback is 127 in its first byte.
        assert {address[6:8] for address in listening} == {"7F"}
        with open("/proc/net/tcp6") as table:
            rows = [line.split() for line in table.readlines()[1:]]
        assert [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes] == []
        mark, folder = run.mark, run.folder
    wait_until_nothing_is_left(mark)
    assert not folder.exists()


def test_passwords_differ_at_each_run():
    """Else whoever saw one demonstration can enter the next."""
    settings = load(FILES)
    first, second = accounts(settings), accounts(settings)
    assert [account.name for account in first] == ["ada", "grace", "prof", "ops"]
    assert not {account.password for account in first} & {account.password for account in second}
    assert [account.admin for account in first] == [False, False, False, True]


def test_a_file_with_another_sign_in_gets_accounts_of_its_own_rules(tmp_path):
    """Else an operator cannot try their own file before the first student does."""
    overlay = tmp_path / "accounts.yaml"
    overlay.write_text(json.dumps(demo_sign_in(load(FILES[0]))))
    made = accounts(load([FILES[0], overlay]))
    assert [account.role for account in made] == [
        "student at UC Davis",
        "student at Partner high schools",
        "instructor at UC Davis",
        "administrator",
    ] or [account.role.split()[0] for account in made] == [
        "student",
        "student",
        "instructor",
        "administrator",
    ]
    assert "ucdavis/sts101" in made[0].groups


@pytest.mark.parametrize(
    ("name", "password", "enters"),
    [
        ("ada", "right", True),
        ("ada", "wrong", False),
        ("eve", "right", False),
        ("ada", "", False),
        ("", "", False),
    ],
)
async def test_only_the_right_password_enters(tmp_path, name, password, enters):
    """Else anybody does."""
    file = tmp_path / "accounts.json"
    account = {"password": "right", "email": "ada@example.edu", "groups": ["o"], "admin": False}
    file.write_text(json.dumps({"ada": account}))
    found = await DemoAuthenticator(accounts_file=str(file)).authenticate(
        None, {"username": name, "password": password}
    )
    assert (found is not None) is enters


def test_sign_in_of_the_demonstration_is_refused_elsewhere_unless_asked_for():
    """Else a production hub takes passwords from a file by mistake."""
    from traitlets.config import Config

    with pytest.raises(SettingsError, match="'demo' is for trying out"):
        configure(Config(), FILES)
    assert configure(Config(), FILES, allow_demo_accounts=True).authentication.provider == "demo"


def test_an_environment_without_its_kernel_is_known_to_lack_it():
    """Else an environment pretends: it starts and has no kernel."""
    facts = image_facts(load(FILES))
    kernels = facts["images.example.edu/default-env:2026.11"]["kernels"]
    assert "python3" in kernels
    assert "no-such-kernel" not in kernels


def test_a_port_that_is_taken_is_told_before_anything_starts():
    """Else the hub's log must be read to learn it."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port} cannot be used"):
            main(Options(port=port))
    assert free_port() != port or SimpleNamespace()
