"""What a server does before a student can work, and what it leaves alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.images.live.containers import Container, Containers

TOKEN = "a-token-of-the-test"
ALONE = {"JUPYTER_TOKEN": TOKEN}
LONG_AGO = 1_000_000_000
ROUNDS = 6
FIRST_CELL = """
import asyncio, json, sys, time, urllib.request, uuid
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect
headers = {"Authorization": f"token {sys.argv[1]}"}

async def first_cell():
    start = urllib.request.Request("http://127.0.0.1:8888/api/kernels", b'{"name": "python3"}', headers)
    kernel = json.load(urllib.request.urlopen(start))["id"]
    address = f"ws://127.0.0.1:8888/api/kernels/{kernel}/channels"
    channel = await websocket_connect(HTTPRequest(address, headers=headers))
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": "test"}
    content = {"code": "print(6 * 7)", "silent": False, "store_history": False, "allow_stdin": False}
    parts = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await channel.write_message(json.dumps(parts))
    while json.loads(await channel.read_message())["content"].get("text") != "42\\n":
        pass

# What a server does right after its start is over.
time.sleep(1.5)
for _ in range(int(sys.argv[2])):
    asyncio.run(first_cell())
"""


def with_its_words(containers: Containers, image: str, home: Path) -> Container:
    """A server that says all that it does."""
    container = containers.start(image, "jupyterhub-singleuser", "--debug", home=home, variables=ALONE)
    container.wait_until_up()
    return container


def test_a_first_cell_does_not_wait_for_a_second_question(
    containers: Containers, core: str, home: Path
) -> None:
    """Otherwise each kernel of a class is half a second late, though it was there in time.

    Most of the kernels are what is asked: a machine that stands still for half a second may cost one its second
    question. Without the image's setting most of them need one.
    """
    container = with_its_words(containers, core, home)
    container.python(FIRST_CELL, TOKEN, str(ROUNDS))
    log = container.logs()
    assert log.count("Nudge: attempt 1 on kernel") == ROUNDS
    assert log.count("Nudge: attempt 2 on kernel") <= ROUNDS // 3


def test_a_start_looks_for_no_language_server(containers: Containers, core: str, home: Path) -> None:
    """Otherwise each start of a class runs R, and Julia, to find what the image does not have."""
    container = with_its_words(containers, core, home)
    assert container.get(f"/lsp/status?token={TOKEN}")[0] == 200, "the question is answered when it is asked"
    assert "language-server" not in container.logs()


def test_a_start_reads_nothing_of_what_a_home_holds(containers: Containers, core: str, home: Path) -> None:
    """Otherwise who has worked for years waits longer than who came yesterday."""
    folders = [home / f"course-{number}/week-{number}" for number in range(200)]
    hidden = [home / name / "deep" for name in (".cache", ".local/share/Trash/files", ".config", ".R")]
    for folder in (*folders, *hidden):
        folder.mkdir(parents=True)
        for number in range(20):
            (folder / f"work-{number}.ipynb").write_text("{}")
    control = home / "control"
    control.mkdir()
    seen = [path for path in home.rglob("*") if path != control]
    for path in (*seen, control):
        os.chown(path, 1000, 100)
        os.utime(path, (LONG_AGO, LONG_AGO))
    container = containers.start(core, home=home, variables=ALONE)
    container.wait_until_up("/lab")
    assert container.run("ls", "-l", "/home/jovyan/control") == "total 0\n"
    assert control.stat().st_atime > LONG_AGO, "this file system tells when something was read"
    parents = {folder for below in hidden for folder in below.parents}
    read = {path for path in seen if path.stat().st_atime > LONG_AGO}
    assert read <= parents, "only where settings may lie, and there not what is below"
