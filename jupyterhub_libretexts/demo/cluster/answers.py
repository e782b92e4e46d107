"""What the API refuses, as Status documents with the real server's reasons and texts.

A refusal is raised where it is found and turned into an HTTP answer in one place
(``application``). Clients read these texts, so they are the real server's to the letter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .resources import Resource

TITLES = {
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
    "FieldValueInvalid": "Invalid value",
    "FieldValueNotSupported": "Unsupported value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueTooLong": "Too long",
    "FieldValueNotFound": "Not found",
}
WITHOUT_VALUE = {"FieldValueRequired", "FieldValueForbidden", "FieldValueTooLong"}


@dataclass(frozen=True, slots=True)
class Cause:
    """One field of an object that is wrong."""

    field: str
    reason: str
    value: object = None
    detail: str = ""

    @property
    def message(self) -> str:
        """The text without the field: ``Invalid value: "a_b": must …``."""
        text = TITLES[self.reason]
        if self.reason not in WITHOUT_VALUE:
            value = self.value
            shown = (
                str(value).lower() if isinstance(value, bool) else json.dumps(value, separators=(",", ":"))
            )
            text += f": {shown}"
        return f"{text}: {self.detail}" if self.detail else text


class ApiRefusal(ClusterError):
    """A request that the API answers with a Status instead of an object."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
        continuation: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": continuation} if continuation else {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({"details": details} if details else {}),
            "code": code,
        }


def success(resource: Resource, name: str, uid: str) -> dict[str, Any]:
    """The answer to a deletion that leaves nothing."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": _about(name, resource.group, resource.plural) | {"uid": uid},
    }


def _about(name: str, group: str, kind: str) -> dict[str, Any]:
    return {key: value for key, value in (("name", name), ("group", group), ("kind", kind)) if value}


def not_found(resource: Resource, name: str) -> ApiRefusal:
    """No such object."""
    return ApiRefusal(
        404,
        "NotFound",
        f'{resource.qualified} "{name}" not found',
        _about(name, resource.group, resource.plural),
    )


def no_such_path() -> ApiRefusal:
    """No such kind at all."""
    return ApiRefusal(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: Resource, name: str) -> ApiRefusal:
    """The name is taken."""
    about = _about(name, resource.group, resource.plural)
    return ApiRefusal(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', about)


def conflict(resource: Resource, name: str, why: str = "") -> ApiRefusal:
    """The writer's knowledge is old, or a precondition does not hold."""
    why = why or (
        "the object has been modified; please apply your changes to the latest version and try again"
    )
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiRefusal(409, "Conflict", message, _about(name, resource.group, resource.plural))


def other_object(resource: Resource, name: str, field: str, asked: str, held: str) -> ApiRefusal:
    """A deletion is meant for another object of this name, or for another state of it.

    The server names the kind here, not the collection (apiserver, `registry/rest/delete.go`).

    Args:
        resource: The kind.
        name: The object's.
        field: ``UID`` or ``ResourceVersion``.
        asked: Its value in the precondition.
        held: Its value in the object.
    """
    since = "deleted and then recreated" if field == "UID" else "modified"
    why = (
        f"the {field} in the precondition ({asked}) does not match the {field} in record ({held}). "
        f"The object might have been {since}"
    )
    message = f'Operation cannot be fulfilled on {resource.qualified_kind} "{name}": {why}'
    return ApiRefusal(409, "Conflict", message, _about(name, resource.group, resource.kind))


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiRefusal:
    """The object breaks rules; every one of them is listed."""
    listed = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    text = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    details = _about(name, resource.group, resource.kind)
    details["causes"] = [
        {"reason": each.reason, "message": each.message, "field": each.field} for each in causes
    ]
    return ApiRefusal(422, "Invalid", f'{resource.qualified_kind} "{name}" is invalid: {text}', details)


def forbidden(
    resource: Resource, name: str, why: str, causes: list[dict[str, str]] | None = None
) -> ApiRefusal:
    """Admission refuses: a quota, a limit, a namespace that is going away."""
    details: dict[str, Any] = _about(name, resource.group, resource.plural)
    if causes:
        details["causes"] = causes
    return ApiRefusal(403, "Forbidden", f'{resource.qualified} "{name}" is forbidden: {why}', details)


def expired(message: str, continuation: str = "") -> ApiRefusal:
    """The version asked for is no longer remembered."""
    return ApiRefusal(410, "Expired", message, continuation=continuation)


def bad_request(message: str) -> ApiRefusal:
    """The request cannot be read."""
    return ApiRefusal(400, "BadRequest", message)


def version_ahead(asked: int, current: int) -> ApiRefusal:
    """The caller knows a version that this server has not reached."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return ApiRefusal(504, "Timeout", message, {"causes": causes, "retryAfterSeconds": 1})


def unauthorized() -> ApiRefusal:
    """No token, or a wrong one."""
    return ApiRefusal(401, "Unauthorized", "Unauthorized")
