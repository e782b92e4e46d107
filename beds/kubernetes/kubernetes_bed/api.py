"""The few questions that the bed itself asks the API server; tests use kubectl or a client."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .errors import BedError
from .layout import API_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .layout import Shape

JSON = "application/json"
YAML = "application/yaml"
GOOD = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT)


class Api:
    """A client's connection; the caller is inside the first node's network."""

    def __init__(self, shape: Shape, user: str = "admin") -> None:
        pki = shape.folder / "pki"
        self.context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self.context.load_cert_chain(str(pki / f"{user}.crt"), str(pki / f"{user}.key"))
        self.address = shape.first.address
        self.connection: http.client.HTTPSConnection | None = None

    def ask(
        self, method: str, path: str, body: str | None = None, kind: str = JSON
    ) -> tuple[int, dict[str, Any]]:
        """One request over the kept connection; status 0 when nobody answers."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPSConnection(
                    self.address, API_PORT, timeout=10, context=self.context
                )
            self.connection.request(
                method, path, body and body.encode(), {"Content-Type": kind, "Accept": JSON}
            )
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, {}
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, {"message": text.decode(errors="replace")}

    def watch(self, path: str, silence: float) -> Iterator[bytes]:
        """The lines of a watch until the server ends it, over a connection of its own.

        Raises:
            OSError: nobody answers, or nothing comes for ``silence`` seconds.
            HTTPException: the server refuses, or hangs up.
        """
        connection = http.client.HTTPSConnection(
            self.address, API_PORT, timeout=silence, context=self.context
        )
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Accept": JSON})
            answer = connection.getresponse()
            if answer.status != HTTPStatus.OK:
                raise http.client.HTTPException(f"{answer.status} {answer.read(300)!r}")
            yield from answer

    def close(self) -> None:
        """Give the connection back."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def ready(self) -> bool:
        """Whether the API server serves everything."""
        return self.ask("GET", "/readyz")[0] == HTTPStatus.OK

    def create(self, path: str, body: str, kind: str = JSON) -> None:
        """Create an object; that it is there already is as good."""
        status, answer = self.ask("POST", path, body, kind)
        if status not in GOOD:
            raise BedError(f"the API server refused {path}: {status} {answer.get('message', '')}")

    def items(self, path: str) -> list[dict[str, Any]]:
        """The items of a list; empty when it cannot be read."""
        found: list[dict[str, Any]] = self.ask("GET", path)[1].get("items") or []
        return found
