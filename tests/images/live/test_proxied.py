"""Applications behind the server's own sign-in: Shiny for real, RStudio's contract with a stand-in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.images.live.containers import Container, Containers

TOKEN = "a-token-of-the-test"
ALONE = {"JUPYTER_TOKEN": TOKEN}
STAND_IN = Path(__file__).parent / "stand_in_rserver"
RSERVER = "/usr/lib/rstudio-server/bin/rserver"

# What a browser's page of Shiny sends first, and what it gets back, in Shiny's own messages.
SHINY_SESSION = """
import asyncio, json, sys
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

async def main():
    address, token, app = sys.argv[1:]
    request = HTTPRequest(address, headers={"Authorization": f"token {token}"} if token else {}, request_timeout=60)
    socket = await websocket_connect(request)
    await socket.write_message(json.dumps({"method": "init", "data": {
        "n:shiny.number": 100,
        ".clientdata_output_total_hidden": False,
        ".clientdata_output_growth_hidden": False,
        ".clientdata_output_growth_width": 400,
        ".clientdata_output_growth_height": 300,
        ".clientdata_pixelratio": 1,
        ".clientdata_url_search": f"?app={app}",
        ".clientdata_url_pathname": "/shiny/",
    }}))
    values = {}
    while not {"total", "growth"} <= values.keys():
        message = await asyncio.wait_for(socket.read_message(), 60)
        if message is None:
            raise SystemExit(f"the websocket was closed after {values}")
        values.update(json.loads(message).get("values", {}))
    print(json.dumps(values))

asyncio.run(main())
"""


def served(containers: Containers, image: str, home: Path, **more: object) -> Container:
    container = containers.start(image, home=home, variables=ALONE, **more)
    container.wait_until_up()
    return container


def test_a_shiny_app_computes_and_draws_over_its_websocket(
    containers: Containers, core: str, home: Path
) -> None:
    """Otherwise a Shiny course sees a page in which nothing moves."""
    container = served(containers, core, home)
    status, page = container.get("/shiny/?app=sum", Authorization=f"token {TOKEN}")
    assert status == 200
    assert "The sum of the first numbers" in page
    answer = container.python(SHINY_SESSION, "ws://127.0.0.1:8888/shiny/websocket/", TOKEN, "sum")
    values = json.loads(answer)
    assert values["total"] == "sum is 5050"
    assert values["growth"]["src"].startswith("data:image/png;base64,")


def test_a_students_own_shiny_app_is_there_without_a_restart(
    containers: Containers, core: str, home: Path
) -> None:
    """Otherwise whoever writes an app has to find out how to serve it."""
    container = served(containers, core, home)
    assert "?app=sum" in container.get("/shiny/", Authorization=f"token {TOKEN}")[1]
    container.run("mkdir", "-p", "/home/jovyan/shiny/mine")
    source = "library(shiny)\nshinyApp(fluidPage(titlePanel('Written a minute ago')), function(input, output) {})\n"
    container.run("tee", "/home/jovyan/shiny/mine/app.R", text=source)
    assert "?app=mine" in container.get("/shiny/", Authorization=f"token {TOKEN}")[1]
    assert "Written a minute ago" in container.get("/shiny/?app=mine", Authorization=f"token {TOKEN}")[1]
    status, page = container.get("/shiny/?app=gone", Authorization=f"token {TOKEN}")
    assert (status, "There is no folder ~/shiny/gone" in page) == (200, True)


def test_nobody_reaches_shiny_without_signing_in(containers: Containers, core: str, home: Path) -> None:
    """Otherwise one student runs code in the server of another."""
    container = served(containers, core, home)
    container.get("/shiny/", Authorization=f"token {TOKEN}")
    assert container.get("/shiny/")[1].count("The sum of the first numbers") == 0
    sockets = container.run("sh", "-c", "find /tmp -type s -exec stat -c '%a %u %F' {} +")
    assert sockets.splitlines(), "Shiny listens on a unix socket"
    assert all(line.startswith(("700 1000 ", "600 1000 ")) for line in sockets.splitlines())
    listening = container.run("cat", "/proc/net/tcp").splitlines()[1:]
    assert len([line for line in listening if line.split()[3] == "0A"]) == 1, "only the server itself listens"


def test_rstudio_is_not_offered_where_its_program_is_not(
    containers: Containers, core: str, home: Path
) -> None:
    """Otherwise students click on what answers 500."""
    container = served(containers, core, home)
    offered = container.get("/server-proxy/servers-info", Authorization=f"token {TOKEN}")[1]
    assert [each["name"] for each in json.loads(offered)["server_processes"]] == ["shiny"]
    assert container.get("/rstudio/", Authorization=f"token {TOKEN}")[0] == 404


def test_rstudio_is_started_as_its_contract_asks(containers: Containers, core: str, home: Path) -> None:
    """Otherwise RStudio asks for a second password, or listens where others of the node can reach it.

    The program is a stand-in, named so: RStudio Server itself is not built here.
    """
    options = ("--volume", f"{STAND_IN}:{RSERVER}:ro")
    container = served(containers, core, home, options=options)
    offered = json.loads(container.get("/server-proxy/servers-info", Authorization=f"token {TOKEN}")[1])
    assert sorted(each["name"] for each in offered["server_processes"]) == ["rstudio", "shiny"]
    status, page = container.get("/rstudio/", Authorization=f"token {TOKEN}")
    assert status == 200, page
    told = json.loads(page)
    assert told["program"] == "a stand-in for rserver"
    flags = told["flags"]
    assert flags["auth-none"] == "1"
    assert flags["server-user"] == "jovyan"
    assert flags["www-root-path"] == "/rstudio/"
    assert "www-port" not in flags
    assert flags["www-socket"].startswith("/tmp/")
    assert flags["database-config-file"].startswith("/tmp/")
    assert "stand-in" not in container.get("/rstudio/")[1], "without a token there is no RStudio"
