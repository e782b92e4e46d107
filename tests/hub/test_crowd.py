"""A crowd's requests, a few at a time.

What a user loses when these fail: every page, for seconds, whenever a class comes in together.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerConnectionDelegate

from jupyterhub_libretexts.hub.crowd import Door


class Application(HTTPServerConnectionDelegate):
    """Writes down what is asked of it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def start_request(self, server_conn: object, request_conn: Any) -> HTTPMessageDelegate:
        seen = self.seen

        class Request(HTTPMessageDelegate):
            def finish(self) -> None:
                seen.append(request_conn)
                if request_conn == "broken":
                    raise ValueError(request_conn)

        return Request()


async def test_the_loop_goes_around_between_two_requests() -> None:
    """Whatever else is due is served after each request, and not after all of them."""
    application = Application()
    door = Door(application, most=1)
    requests = [door.start_request(None, name) for name in ("one", "two", "three")]
    for request in requests:
        request.finish()
    assert application.seen == []
    for _ in range(4):
        await asyncio.sleep(0)
        application.seen.append("others")
    assert application.seen == ["one", "others", "two", "others", "three", "others", "others"]


async def test_a_request_that_fails_keeps_nobody_else_waiting() -> None:
    """An error in one request is that request's."""
    application = Application()
    door = Door(application, most=1)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    for name in ("broken", "next", "last"):
        door.start_request(None, name).finish()
    await asyncio.sleep(0.01)
    assert application.seen == ["broken", "next", "last"]
    door.start_request(None, "later").finish()
    await asyncio.sleep(0.01)
    assert application.seen[-1] == "later"
