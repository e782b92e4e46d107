"""The few questions that the bed itself asks the API server; tests use kubectl or a client."""

from __future__ import annotations

import http.client
import json
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .errors import BedError
from .layout import API_PORT

if TYPE_CHECKING:
    from .layout import Shape

JSON = "application/json"
YAML = "application/yaml"
GOOD = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT)


class Api:
    """An administrator's connection; the caller is inside the first node's network."""

    def __init__(self, shape: Shape) -> None:
        pki = shape.folder / "pki"
        self.context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self.context.load_cert_chain(str(pki / "admin.crt"), str(pki / "admin.key"))
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
