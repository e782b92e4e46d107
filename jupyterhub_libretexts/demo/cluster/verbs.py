"""What each verb of the API does with a request, and what it answers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from .answers import ApiRefusal, bad_request, not_found, success
from .patches import json_patched, merged, strategically_merged
from .reading import Body, Query, checked, decoded, deletion, flag, whole_number
from .resources import NAMESPACES, Resource
from .selectors import Test, selector
from .store import encoded
from .tables import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .listing import Listing
    from .registry import Deletion, Registry
    from .routes import Route
    from .watches import Watches

Document = dict[str, Any]

_ROUND = 0.25  # Seconds between two looks at a log that is being followed.
_PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}


class Logs(Protocol):
    """Where the output of containers is."""

    def log(self, uid: str, container: str, *, previous: bool) -> Path | None:
        """The file that a container writes to; None when it has not started."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer."""

    code: int
    data: bytes
    warnings: tuple[str, ...] = ()
    content_type: str = "application/json"


def answer(document: Document, code: int = 200, warnings: tuple[str, ...] = ()) -> Answer:
    """A document as an answer."""
    return Answer(code, encoded(document), warnings)


class Verbs:
    """The verbs, each a method from a route and its request to an answer."""

    def __init__(self, registry: Registry, watches: Watches, listing: Listing, logs: Logs) -> None:
        self._registry = registry
        self._store = registry.store
        self.watches = watches
        self._listing = listing
        self._logs = logs

    def run(self, verb: str, at: Route, request: web.Request, data: bytes) -> Answer:
        """Carry a verb out.

        Raises:
            ApiRefusal: It cannot be done.
        """
        if at.sub and (found := self._subresource(verb, at, request, data)):
            return found
        if at.sub and not (at.sub == "status" and at.resource.status):
            raise ApiRefusal(404, "NotFound", "the server could not find the requested resource", {})
        match verb:
            case "get":
                return self._get(at, request)
            case "list":
                return self._list(at, request)
            case "create":
                return self._create(at, request, data)
            case "update":
                return self._update(at, request, data)
            case "patch":
                return self._patch(at, request, data)
            case "delete":
                return self._delete(at, request, data)
            case "deletecollection":
                return self._delete_all(at, request, data)
            case _:
                message = "the server does not allow this method on the requested resource"
                raise ApiRefusal(405, "MethodNotAllowed", message, {})

    def test(self, at: Route, query: Query) -> Test | None:
        """The selectors of a request as one test."""
        fields = query.get("fieldSelector", "")
        if at.name:  # A watch of one object is a watch of its collection by name.
            fields = ",".join(filter(None, [fields, f"metadata.name={at.name}"]))
        return selector(query.get("labelSelector", ""), fields, at.resource.kind)

    def _get(self, at: Route, request: web.Request) -> Answer:
        entry = self._store.get(at.resource, (at.namespace or "", at.name))
        if entry is None:
            raise not_found(at.resource, at.name)
        if _wants_table(request):
            return answer(table(at.resource, [entry.document], entry.document["metadata"]["resourceVersion"]))
        return Answer(200, entry.data)

    def _list(self, at: Route, request: web.Request) -> Answer:
        test = self.test(at, request.query)
        page = self._listing.page(at.resource, at.namespace, test, request.query)
        if _wants_table(request):
            document = json.loads(page)
            return answer(table(at.resource, document["items"], document["metadata"]["resourceVersion"]))
        return Answer(200, page)

    def _body(self, at: Route, request: web.Request, data: bytes) -> Body:
        document = decoded(data, request.content_type if data else "")
        return checked(at.resource, document, request.query.get("fieldValidation", "Warn"))

    def _create(self, at: Route, request: web.Request, data: bytes) -> Answer:
        if at.resource.namespaced and at.namespace is None:
            raise ApiRefusal(
                405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
            )
        body = self._body(at, request, data)
        document = self._registry.create(
            at.resource, at.namespace or "", body.document, dry_run=_dry(request.query)
        )
        return answer(document, 201, body.warnings)

    def _update(self, at: Route, request: web.Request, data: bytes) -> Answer:
        body = self._body(at, request, data)
        document = self._registry.replace(
            at.resource,
            at.namespace or "",
            at.name,
            body.document,
            status=at.sub == "status",
            dry_run=_dry(request.query),
        )
        return answer(document, 200, body.warnings)

    def _patch(self, at: Route, request: web.Request, data: bytes) -> Answer:
        kind = _PATCHES.get(request.content_type)
        if kind is None:
            message = (
                "the body of the request was in an unknown format - accepted media types include: "
                + ", ".join(_PATCHES)
            )
            raise ApiRefusal(415, "UnsupportedMediaType", message)
        patch = decoded(data, "application/json")
        warnings: list[str] = []
        validation = request.query.get("fieldValidation", "Warn")

        def changed(old: Document) -> Document:
            new = _patched(kind or "", old, patch, at.resource)
            # Checking drops fields in place, and the patched document shares parts with the old one.
            body = checked(at.resource, json.loads(encoded(new)), validation)
            warnings.extend(body.warnings)
            return body.document

        document = self._registry.change(
            at.resource,
            at.namespace or "",
            at.name,
            changed,
            status=at.sub == "status",
            dry_run=_dry(request.query),
        )
        return answer(document, 200, tuple(warnings))

    def _delete(self, at: Route, request: web.Request, data: bytes) -> Answer:
        how = deletion(request.query, data, request.content_type if data else "")
        document, gone = self._registry.delete(at.resource, at.namespace or "", at.name, how)
        if gone and not at.resource.returns_deleted:
            return answer(success(at.resource, at.name, document["metadata"]["uid"]))
        return answer(document)

    def _delete_all(self, at: Route, request: web.Request, data: bytes) -> Answer:
        how = deletion(request.query, data, request.content_type if data else "")
        gone = self._registry.delete_all(at.resource, at.namespace, self.test(at, request.query), how)
        metadata = {"resourceVersion": str(self._store.version)}
        kind = f"{at.resource.kind}List"
        return answer(
            {"kind": kind, "apiVersion": at.resource.api_version, "metadata": metadata, "items": gone}
        )

    def _subresource(self, verb: str, at: Route, request: web.Request, data: bytes) -> Answer | None:
        if (at.resource.plural, at.sub, verb) == ("pods", "eviction", "create"):
            body = decoded(data, "application/json")
            options = encoded(body.get("deleteOptions") or {})
            how: Deletion = deletion({}, options, "application/json")
            self._registry.delete(at.resource, at.namespace or "", at.name, how)
            return answer(
                {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201
            )
        if at.resource is NAMESPACES and at.sub == "finalize" and verb == "update":
            return self._update(at, request, data)
        return None

    async def send_log(self, at: Route, request: web.Request) -> web.StreamResponse:
        """A container's output, whole or as it comes.

        Raises:
            ApiRefusal: There is no such pod or container, or it has not started.
        """
        query = request.query
        pod = self._registry.read(at.resource, at.namespace or "", at.name)
        path = self._log_path(pod, query)
        tail = whole_number(query, "tailLines") if "tailLines" in query else None
        limit = whole_number(query, "limitBytes") or None
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        with path.open("rb") as file:
            data = file.read()
            if tail is not None:
                data = b"".join(data.splitlines(keepends=True)[-tail:] if tail else [])
            await response.write(data[:limit])
            while flag(query, "follow") and self._running(at, pod):
                await asyncio.sleep(_ROUND)
                await response.write(file.read())
        await response.write_eof()
        return response

    def _running(self, at: Route, pod: Document) -> bool:
        held = self._store.document(at.resource, at.namespace or "", at.name)
        return (
            held is not None
            and held["metadata"]["uid"] == pod["metadata"]["uid"]
            and (held.get("status") or {}).get("phase") in ("Pending", "Running")
        )

    def _log_path(self, pod: Document, query: Query) -> Path:
        spec, name = pod["spec"], pod["metadata"]["name"]
        names = [each["name"] for each in (*spec["containers"], *(spec.get("initContainers") or ()))]
        container = query.get("container") or ""
        if not container and len(names) > 1:
            raise bad_request(
                f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
            )
        container = container or names[0]
        if container not in names:
            raise bad_request(f"container {container} is not valid for pod {name}")
        path = self._logs.log(pod["metadata"]["uid"], container, previous=flag(query, "previous"))
        if path is None or not path.exists():
            states = (pod.get("status") or {}).get("containerStatuses") or []
            waiting = next(
                (each["state"].get("waiting") for each in states if each["name"] == container), None
            )
            reason = (waiting or {}).get("reason") or "ContainerCreating"
            raise bad_request(
                f'container "{container}" in pod "{name}" is waiting to start: {reason}'
                if not flag(query, "previous")
                else f'previous terminated container "{container}" in pod "{name}" not found'
            )
        return path


def _dry(query: Query) -> bool:
    return query.get("dryRun") == "All"


def _wants_table(request: web.Request) -> bool:
    return "as=Table" in request.headers.get("Accept", "")


def _patched(kind: str, old: Document, patch: Any, resource: Resource) -> Document:
    work: dict[str, Callable[[], Any]] = {
        "json": partial(json_patched, old, patch),
        "merge": partial(merged, old, patch),
        "strategic": partial(strategically_merged, old, patch, resource.schema.rpartition(".")[2]),
    }
    result = work[kind]()
    if not isinstance(result, dict):
        raise bad_request("the patch does not leave an object")
    return result
