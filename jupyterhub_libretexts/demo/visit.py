"""A person's visit to a hub without a browser: sign in, choose, start, execute a cell, stop.

It speaks the way a browser does, to pages and cookies, so it needs nothing but an address and an account.
"""

from __future__ import annotations

import html
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from jupyterhub_libretexts.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FormPage", "Visit"]

_CELLS = {"octave": "disp(6 * 7)", "julia": "println(6 * 7)"}
_STEP_SECONDS = 120
_RADIO = re.compile(r'<input type="radio" name="(?P<name>[^"]*)" value="(?P<value>[^"]*)"(?P<rest>[^>]*)>')


@dataclass(frozen=True, slots=True)
class FormPage:
    """The form as it stands on the page."""

    action: str
    """The address to which it is sent."""
    fields: Mapping[str, str]
    """What a browser would send of it as it stands."""
    subjects: tuple[str, ...]
    """Values of everything that is open, courses included."""


@dataclass
class Visit:
    """One person at one hub; use it as an asynchronous context manager."""

    url: str
    """Where the hub's proxy answers, without a slash at the end."""
    name: str
    password: str
    say: Callable[[str], None] = field(default=lambda _: None)
    """Told each step of a start, in the hub's words."""
    told: list[str] = field(default_factory=list)
    """All that the hub said of the last start."""
    _http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)  # "unsafe": cookies of an address instead of a name.
        self._http = aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=_STEP_SECONDS))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The connection, with this person's cookies."""
        assert self._http is not None, "a visit is a context manager"
        return self._http

    async def sign_in(self) -> None:
        """Fill in the sign-in page."""
        page = await self._page("/hub/login")
        fields = {"_xsrf": _found(r'name="_xsrf"\s+value="([^"]+)"', page, "the sign-in form")}
        fields |= {"username": self.name, "password": self.password}
        async with self.http.post(f"{self.url}/hub/login", data=fields) as answer:
            _expect(answer, await answer.text())
            if answer.url.path.endswith("/login"):
                raise ClusterError(f"{self.name} was not let in")

    async def form(self, server: str = "") -> FormPage:
        """Read the form of a server; the default one without a name."""
        below = f"/{self.name}/{server}" if server else ""
        page = await self._page(f"/hub/spawn{below}")
        tag = _found(r'(<form\s[^>]*id="spawn_form"[^>]*>)', page, "the form")
        radios = [match.groupdict() for match in _RADIO.finditer(page)]
        return FormPage(
            html.unescape(_found(r'action="([^"]+)"', tag, "the form's address")),
            {
                html.unescape(radio["name"]): html.unescape(radio["value"])
                for radio in radios
                if "checked" in radio["rest"]
            },
            tuple(html.unescape(radio["value"]) for radio in radios if radio["name"] == "subject"),
        )

    async def start_by_form(self, page: FormPage, subject: str) -> None:
        """Send the form with one of its subjects, and return when the server runs."""
        fields = {**page.fields, "subject": subject}
        async with self.http.post(f"{self.url}{page.action}", data=fields) as answer:
            await self._follow_page(answer)

    async def start_by_link(self, options: Mapping[str, str]) -> None:
        """Open a link that starts a server, and return when it runs."""
        query = urlencode({f"opt-{name}": value for name, value in options.items()})
        async with self.http.get(f"{self.url}/hub/spawn?{query}") as answer:
            await self._follow_page(answer)

    async def start_by_api(self, options: Mapping[str, str] | None = None, server: str = "") -> None:
        """Start by the REST API, and return when the server runs; without options, as it was last."""
        token = await self._token()
        path = f"{self._api}/servers/{server}" if server else f"{self._api}/server"
        body = "" if options is None else json.dumps({"user_options": dict(options)})
        # JupyterHub takes cookies for JSON only, also where there is no body.
        headers = {"X-XSRFToken": token, "Content-Type": "application/json"}
        async with self.http.post(path, data=body, headers=headers) as answer:
            _expect(answer, await answer.text())
            if answer.status == 201:  # noqa: PLR2004 (RFC 9110: Created; 202 is still under way)
                return
        await self._follow(f"{path}/progress?_xsrf={token}")

    async def _follow_page(self, answer: aiohttp.ClientResponse) -> None:
        page = await answer.text()
        _expect(answer, page)
        stream = re.search(r'EventSource\("([^"]+)"\)', page)
        if stream is not None:  # Else it was quicker than the page that waits.
            await self._follow(f"{self.url}{html.unescape(stream[1])}")

    async def _follow(self, address: str) -> None:
        self.told.clear()
        async with self.http.get(address) as events:
            _expect(events, "")
            async for line in events.content:
                if line.startswith(b"data: "):
                    event = json.loads(line.removeprefix(b"data: "))
                    self.told.append(event.get("message", ""))
                    self.say(f"  {self.told[-1]}")
                    if event.get("failed"):
                        raise ClusterError(f"the start failed: {event.get('message')}")
                    if event.get("ready"):
                        return
        raise ClusterError("the progress ended before the server was ready")

    async def cell(self, server: str = "") -> tuple[str, str]:
        """Run a cell in the kernel that a new notebook gets; the kernel's name and what it printed."""
        base = await self._entered(server)
        async with self.http.get(f"{base}/api/kernelspecs") as answer:
            _expect(answer, await answer.text())
            specs = await answer.json()
        name = specs["default"]
        language = specs["kernelspecs"][name]["spec"]["language"].lower()
        printed = await self.executed(_CELLS.get(language, "print(6 * 7)"), server, kernel=name)
        if "42" not in printed:
            raise ClusterError(f"the cell printed {printed!r} instead of 42")
        return specs["kernelspecs"][name]["spec"]["display_name"], printed

    async def executed(self, code: str, server: str = "", kernel: str | None = None) -> str:
        """What code prints in a new kernel of a running server.

        Raises:
            ClusterError: The code failed, or the kernel died; says how.
        """
        base = await self._entered(server)
        cookies = self.http.cookie_jar.filter_cookies(URL(f"{base}/"))
        headers = {"X-XSRFToken": cookies["_xsrf"].value}
        wanted = {} if kernel is None else {"name": kernel}
        async with self.http.post(f"{base}/api/kernels", json=wanted, headers=headers) as answer:
            _expect(answer, await answer.text())
            identifier = (await answer.json())["id"]
        session = uuid.uuid4().hex
        request = _execute_request(session, code)
        printed = ""
        async with self.http.ws_connect(
            f"{base}/api/kernels/{identifier}/channels?session_id={session}"
        ) as channel:
            await channel.send_json(request)
            async for message in channel:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                said = json.loads(message.data)
                kind, content = said["msg_type"], said["content"]
                if kind == "status" and content["execution_state"] in ("restarting", "dead"):
                    raise ClusterError("the kernel died and was started anew")
                if said["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                    continue
                if kind == "stream":
                    printed += content["text"]
                elif kind == "error":
                    raise ClusterError(f"the cell failed: {content['ename']}: {content['evalue']}")
                elif kind == "status" and content["execution_state"] == "idle":
                    return printed.strip()
        raise ClusterError("the kernel closed the connection")

    async def stop(self, server: str = "", *, remove: bool = False) -> None:
        """Ask the hub to end a server.

        Args:
            server: Its name; the default one without.
            remove: Forget a named server as well.
        """
        headers = {"X-XSRFToken": await self._token()}
        path = f"{self._api}/servers/{server}" if server else f"{self._api}/server"
        body = {"remove": True} if remove else None
        async with self.http.delete(path, json=body, headers=headers) as answer:
            _expect(answer, await answer.text())

    @property
    def _api(self) -> str:
        return f"{self.url}/hub/api/users/{self.name}"

    async def _entered(self, server: str) -> str:
        """A server's address; opening its page signs this person in there, and sets its cookies."""
        base = f"{self.url}/user/{self.name}" + (f"/{server}" if server else "")
        async with self.http.get(f"{base}/lab") as answer:
            _expect(answer, await answer.text())
        return base

    async def _token(self) -> str:
        return _found(r'xsrf_token: "([^"]+)"', await self._page("/hub/home"), "the hub's own page")

    async def _page(self, path: str) -> str:
        async with self.http.get(f"{self.url}{path}") as answer:
            text = await answer.text()
            _expect(answer, text)
            return text


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
