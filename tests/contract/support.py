"""A plain client of a Kubernetes API, and the objects that the contract is tested with."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

SHELL_IMAGE = "libretexts-contract/shell:1"


@dataclass
class Answer:
    """What a cluster answered."""

    code: int
    body: Any
    headers: Any

    @property
    def message(self) -> str:
        return self.body["message"]


@dataclass
class Api:
    """A plain client: it neither retries nor interprets."""

    session: aiohttp.ClientSession
    url: str
    image: str
    forget_history: Callable[[], None]
    """Has the server forget all that happened until now, and returns when it serves again."""
    namespace: str = ""
    patience: float = 15.0
    """Seconds after which a thing that has not happened never will."""
    trusted: ssl.SSLContext | bool = True
    """What a client without any identity of its own checks the server by."""

    async def ask(self, method: str, path: str, body: Any = None, kind: str = "", **query: Any) -> Answer:
        headers = {"Content-Type": kind or "application/json"}
        data = None if body is None else json.dumps(body)
        parameters = {key: str(value) for key, value in query.items()}
        async with self.session.request(
            method, self.url + path, data=data, headers=headers, params=parameters
        ) as answer:
            text = await answer.text()
            try:
                found = json.loads(text)
            except ValueError:
                found = text
            return Answer(answer.status, found, answer.headers)

    def path(self, plural: str, name: str = "", group: str = "") -> str:
        root = f"/apis/{group}" if group else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    async def create(self, plural: str, body: Any, group: str = "", **query: Any) -> Answer:
        return await self.ask("POST", self.path(plural, group=group), body, **query)

    async def get(self, plural: str, name: str = "", **query: Any) -> Answer:
        return await self.ask("GET", self.path(plural, name), **query)

    async def delete(self, plural: str, name: str = "", body: Any = None, **query: Any) -> Answer:
        return await self.ask("DELETE", self.path(plural, name), body, **query)

    async def patch(self, plural: str, name: str, body: Any, how: str = "merge", **query: Any) -> Answer:
        names = {"merge": "merge-patch", "json": "json-patch", "strategic": "strategic-merge-patch"}
        return await self.ask(
            "PATCH", self.path(plural, name), body, f"application/{names[how]}+json", **query
        )

    async def until(self, wanted: Callable[[Any], Any], plural: str, name: str = "", **query: Any) -> Any:
        """The document (or list) as soon as it is as wanted."""
        end = asyncio.get_running_loop().time() + self.patience
        while True:
            answer = await self.get(plural, name, **query)
            if answer.code == 200 and wanted(answer.body):
                return answer.body
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"{plural}/{name} never became as wanted: {answer.body}")
            await asyncio.sleep(0.05)

    async def until_gone(self, plural: str, name: str) -> None:
        end = asyncio.get_running_loop().time() + self.patience
        while (answer := await self.get(plural, name)).code != 404:
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"{plural}/{name} is still there: {answer.body}")
            await asyncio.sleep(0.05)

    async def watch(self, plural: str, enough: Callable[[list[Any]], Any], **query: Any) -> list[Any]:
        """The events of a watch until there are enough, or until the server ends it."""
        seen: list[Any] = []
        parameters = {"watch": "true", "timeoutSeconds": "10", **{k: str(v) for k, v in query.items()}}
        async with self.session.get(self.url + self.path(plural), params=parameters) as answer:
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                seen.append(json.loads(line))
                if enough(seen):
                    return seen
        return seen

    async def events_of(self, name: str, wanted: Callable[[list[Any]], Any]) -> list[Any]:
        """The events about an object, in the order of their versions, once they are as wanted."""

        def ordered(body: Any) -> list[Any]:
            return sorted(body["items"], key=lambda each: int(each["metadata"]["resourceVersion"]))

        body = await self.until(
            lambda body: wanted(ordered(body)), "events", fieldSelector=f"involvedObject.name={name}"
        )
        return ordered(body)


def config_map(name: str = "notes", **metadata: Any) -> dict[str, Any]:
    """A small object without a life of its own."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": {"a": "1"},
    }


def pod(name: str = "ada", image: str = SHELL_IMAGE, script: str = "sleep 60", **spec: Any) -> dict[str, Any]:
    """A pod with one container that runs a shell script."""
    container = {"name": "work", "image": image, "command": ["sh", "-c", script], **spec.pop("container", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **spec.pop("metadata", {})},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 2, **spec},
    }


def nowhere() -> dict[str, str]:
    """A node selector that no node has: the pod stays pending."""
    return {"libretexts.org/nowhere": "true"}


def reasons(events: list[Any]) -> list[str]:
    """The reasons of events."""
    return [event["reason"] for event in events]
