"""Bodies and options of requests, read as strictly as the real server reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .answers import ApiRefusal, bad_request
from .fields import WrongTypeError, clean
from .registry import Deletion

if TYPE_CHECKING:
    from .resources import Resource

Document = dict[str, Any]
Query = Mapping[str, str]

LARGEST_BODY = 3 * 1024 * 1024  # Bytes; the real server's limit.
_ACCEPTED = (
    "application/json, application/json-patch+json, application/merge-patch+json, "
    "application/strategic-merge-patch+json"
)


@dataclass(frozen=True, slots=True)
class Body:
    """A decoded object and what was odd about it."""

    document: Document
    warnings: tuple[str, ...]


def decoded(data: bytes, content_type: str) -> Any:
    """JSON from a request.

    Raises:
        ApiRefusal: It is something else.
    """
    if content_type not in ("application/json", "") and not content_type.endswith("+json"):
        message = (
            "the body of the request was in an unknown format - accepted media types include: " + _ACCEPTED
        )
        raise ApiRefusal(415, "UnsupportedMediaType", message)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None


def checked(resource: Resource, document: Any, validation: str) -> Body:
    """A document of the right kind, without the fields that do not exist.

    Args:
        resource: The kind expected.
        document: What the client sent; changed in place.
        validation: Ignore, Warn or Strict, as in the query ``fieldValidation``.

    Raises:
        ApiRefusal: Wrong kind, wrong type, or (Strict) an unknown field.
    """
    if not isinstance(document, dict):
        raise bad_request(
            "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"
        )
    version = document.get("apiVersion") or resource.api_version
    kind = document.get("kind") or resource.kind
    if version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version"
            f" ({resource.api_version})"
        )
    if kind != resource.kind:
        raise bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}')
    prefix = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
    try:
        unknown = clean(resource.schema.rpartition(".")[2], document)
    except WrongTypeError as error:
        raise bad_request(f"{prefix}: {error}") from None
    found = tuple(f'unknown field "{path}"' for path in unknown)
    if found and validation == "Strict":
        raise bad_request(f"{prefix}: strict decoding error: {', '.join(found)}")
    return Body(document, () if validation == "Ignore" else found)


def deletion(query: Query, data: bytes, content_type: str) -> Deletion:
    """How to delete, from the body (which wins) and the query.

    Raises:
        ApiRefusal: It cannot be read.
    """
    options: Document = {}
    if data.strip():
        options = decoded(data, content_type)
        if not isinstance(options, dict):
            raise bad_request("expected DeleteOptions in the body")
        try:
            clean("DeleteOptions", options)
        except WrongTypeError as error:
            raise bad_request(str(error)) from None
    grace = options.get("gracePeriodSeconds", _number(query, "gracePeriodSeconds"))
    preconditions = options.get("preconditions") or {}
    orphan = options.get("orphanDependents") or query.get("orphanDependents") == "true"
    propagation = options.get("propagationPolicy") or query.get("propagationPolicy") or ""
    if propagation not in ("", "Background", "Foreground", "Orphan"):
        raise bad_request(
            f'invalid propagationPolicy "{propagation}"; allowed: Background, Foreground, Orphan'
        )
    return Deletion(
        grace=grace,
        propagation="Orphan" if orphan else propagation or "Background",
        uid=preconditions.get("uid", ""),
        version=preconditions.get("resourceVersion", ""),
        dry_run=bool(options.get("dryRun")) or query.get("dryRun") == "All",
    )


def _number(query: Query, key: str) -> int | None:
    text = query.get(key, "")
    if not text:
        return None
    if not text.lstrip("-").isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def whole_number(query: Query, key: str) -> int:
    """A number of the query, zero when it is not given.

    Raises:
        ApiRefusal: It is none.
    """
    return _number(query, key) or 0


def flag(query: Query, key: str) -> bool:
    """A truth value of the query; clients write it in several ways."""
    return query.get(key, "").lower() in ("true", "1")
