"""The main job without a browser: from the sign-in page to a cell's output, and nothing left after."""

from __future__ import annotations

import asyncio
import html
import json
import re
import time
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from jupyterhub_libretexts.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from jupyterhub_libretexts.demo.accounts import DemoAccount
    from jupyterhub_libretexts.demo.run import Run

__all__ = ["main_job"]

_CELLS = {"octave": "disp(6 * 7)", "julia": "println(6 * 7)"}
_STEP_SECONDS = 120
_RADIO = re.compile(r'<input type="radio" name="(?P<name>[^"]*)" value="(?P<value>[^"]*)"(?P<rest>[^>]*)>')


def main_job(run: Run, say: Callable[[str], None]) -> None:
    """Do it as a student would, and tell each step's time.

    Raises:
        ClusterError: A step did not work; the message says which and what came instead.
        OSError: The hub did not answer.
    """
    asyncio.run(_Visit(run, run.people[0], say).whole())


class _Visit:
    """One student's visit."""

    def __init__(self, run: Run, account: DemoAccount, say: Callable[[str], None]) -> None:
        self.run, self.account, self.say = run, account, say
        self.http: aiohttp.ClientSession

    async def whole(self) -> None:
        jar = aiohttp.CookieJar(unsafe=True)  # "unsafe": cookies of an address instead of a name.
        timeout = aiohttp.ClientTimeout(total=_STEP_SECONDS)
        async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as self.http:
            async with self.step("signed in"):
                await self.sign_in()
            async with self.step("read the form"):
                page, fields = await self.form()
            async with self.step("chosen, and running"):
                await self.start(page, fields)
            async with self.step("a cell ran"):
                language, printed = await self.cell()
            self.say(f"{language} printed {printed}")
            async with self.step("stopped, no pod is left"):
                await self.stop()

    @asynccontextmanager
    async def step(self, what: str) -> AsyncIterator[None]:
        began = time.monotonic()
        try:
            yield
        except (TimeoutError, aiohttp.ClientError) as error:
            raise ClusterError(f"not {what}: {str(error) or 'no answer in time'}") from error
        self.say(f"{what}: {time.monotonic() - began:.1f} s")

    async def get(self, path: str) -> str:
        async with self.http.get(f"{self.run.url}{path}") as answer:
            text = await answer.text()
            _expect(answer, text)
            return text

    async def sign_in(self) -> None:
        page = await self.get("/hub/login")
        fields = {"_xsrf": _found(r'name="_xsrf"\s+value="([^"]+)"', page, "the sign-in form")}
        fields |= {"username": self.account.name, "password": self.account.password}
        async with self.http.post(f"{self.run.url}/hub/login", data=fields) as answer:
            _expect(answer, await answer.text())
            if answer.url.path.endswith("/login"):
                raise ClusterError(f"{self.account.name} was not let in")

    async def form(self) -> tuple[str, dict[str, str]]:
        """The address to which the form is sent, and what a browser would send of it as it stands."""
        page = await self.get("/hub/spawn")
        tag = _found(r'(<form\s[^>]*id="spawn_form"[^>]*>)', page, "the form")
        action = html.unescape(_found(r'action="([^"]+)"', tag, "the form's address"))
        radios = [match.groupdict() for match in _RADIO.finditer(page)]
        fields = {
            html.unescape(radio["name"]): html.unescape(radio["value"])
            for radio in radios
            if "checked" in radio["rest"]
        }
        # A plain environment, so that the same is tried whatever courses a file has.
        plain = [html.unescape(radio["value"]) for radio in radios if "environment=" in radio["value"]]
        if not plain:
            raise ClusterError("nothing is open to start: this machine has no kernel that the settings name")
        return action, fields | {"subject": plain[0]}

    async def start(self, action: str, fields: dict[str, str]) -> None:
        async with self.http.post(f"{self.run.url}{action}", data=fields) as answer:
            page = await answer.text()
            _expect(answer, page)
        stream = re.search(r'EventSource\("([^"]+)"\)', page)
        if stream is None:  # It was quicker than the page that waits.
            return
        async with self.http.get(f"{self.run.url}{html.unescape(stream[1])}") as events:
            _expect(events, "")
            async for line in events.content:
                if line.startswith(b"data: "):
                    event = json.loads(line.removeprefix(b"data: "))
                    self.say(f"  {event.get('message', '')}")
                    if event.get("failed"):
                        raise ClusterError(f"the start failed: {event.get('message')}")
                    if event.get("ready"):
                        return
        raise ClusterError("the progress ended before the server was ready")

    @property
    def server(self) -> str:
        return f"{self.run.url}/user/{self.account.name}"

    async def cell(self) -> tuple[str, str]:
        """Run a cell in the kernel that a new notebook gets; the kernel's name and what it printed."""
        async with self.http.get(f"{self.server}/lab") as answer:
            _expect(answer, await answer.text())
        async with self.http.get(f"{self.server}/api/kernelspecs") as answer:
            _expect(answer, await answer.text())
            specs = await answer.json()
        name = specs["default"]
        language = specs["kernelspecs"][name]["spec"]["language"].lower()
        cookies = self.http.cookie_jar.filter_cookies(URL(f"{self.server}/"))
        headers = {"X-XSRFToken": cookies["_xsrf"].value}
        async with self.http.post(
            f"{self.server}/api/kernels", json={"name": name}, headers=headers
        ) as answer:
            _expect(answer, await answer.text())
            kernel = (await answer.json())["id"]
        printed = await self.executed(kernel, _CELLS.get(language, "print(6 * 7)"))
        if "42" not in printed:
            raise ClusterError(f"the cell printed {printed!r} instead of 42")
        return specs["kernelspecs"][name]["spec"]["display_name"], printed

    async def executed(self, kernel: str, code: str) -> str:
        session = uuid.uuid4().hex
        address = f"{self.server}/api/kernels/{kernel}/channels?session_id={session}"
        request = _execute_request(session, code)
        printed = ""
        async with self.http.ws_connect(address) as channel:
            await channel.send_json(request)
            async for message in channel:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                said = json.loads(message.data)
                if said["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                    continue
                kind, content = said["msg_type"], said["content"]
                if kind == "stream":
                    printed += content["text"]
                elif kind == "error":
                    raise ClusterError(f"the cell failed: {content['ename']}: {content['evalue']}")
                elif kind == "status" and content["execution_state"] == "idle":
                    return printed.strip()
        raise ClusterError("the kernel closed the connection")

    async def stop(self) -> None:
        token = _found(r'xsrf_token: "([^"]+)"', await self.get("/hub/home"), "the hub's own page")
        address = f"{self.run.url}/hub/api/users/{self.account.name}/server"
        async with self.http.delete(address, headers={"X-XSRFToken": token}) as answer:
            _expect(answer, await answer.text())
        end = time.monotonic() + _STEP_SECONDS
        while await self.pods():
            if time.monotonic() > end:
                raise ClusterError(f"these pods are left: {', '.join(await self.pods())}")
            await asyncio.sleep(0.1)

    async def pods(self) -> list[str]:
        headers = {"Authorization": f"Bearer {self.run.cluster['token']}"}
        async with self.http.get(f"{self.run.cluster['url']}/api/v1/pods", headers=headers) as answer:
            _expect(answer, await answer.text())
            return [pod["metadata"]["name"] for pod in (await answer.json())["items"]]


def _execute_request(session: str, code: str) -> dict[str, Any]:
    """https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute."""
    content = {
        "code": code,
        "silent": False,
        "store_history": False,
        "user_expressions": {},
        "allow_stdin": False,
    }
    header = {
        "msg_id": uuid.uuid4().hex,
        "session": session,
        "username": "demo",
        "msg_type": "execute_request",
        "version": "5.3",
        "date": "",
    }
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
        "buffers": [],
    }


def _found(pattern: str, page: str, what: str) -> str:
    match = re.search(pattern, page)
    if match is None:
        raise ClusterError(f"{what} was not found on the page")
    return match[1]


def _expect(answer: aiohttp.ClientResponse, text: str) -> None:
    if answer.status >= 400:  # noqa: PLR2004 (RFC 9110: errors)
        told = re.search(r'spawn-error-msg[^>]*>(.*?)</p>|"message": "([^"]*)"', text, re.DOTALL)
        words = html.unescape(next(filter(None, told.groups()), "")).strip() if told else ""
        raise ClusterError(
            f"{answer.method} {answer.url.path}: {answer.status} {answer.reason} {words}".strip()
        )
