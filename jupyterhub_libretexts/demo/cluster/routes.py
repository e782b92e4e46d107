"""Which object or collection a path means."""

from __future__ import annotations

from dataclasses import dataclass

from .resources import BY_PATH, NAMESPACES, Resource

_VERBS = {
    "GET": ("list", "get"),
    "HEAD": ("list", "get"),
    "POST": ("create", "create"),
    "PUT": ("", "update"),
    "PATCH": ("", "patch"),
    "DELETE": ("deletecollection", "delete"),
}


@dataclass(frozen=True, slots=True)
class Route:
    """What a request is about."""

    resource: Resource
    namespace: str | None
    """None for all namespaces; empty for kinds without one."""
    name: str = ""
    sub: str = ""
    """The subresource: status, log, eviction, token."""

    def verb(self, method: str, *, watch: bool) -> str:
        """The word that the API uses for a method here; empty when there is none."""
        collection, single = _VERBS.get(method, ("", ""))
        word = single if self.name else collection
        return "watch" if watch and word in ("list", "get") else word

    @property
    def label(self) -> str:
        """The resource as counters and faults name it."""
        return f"{self.resource.plural}/{self.sub}" if self.sub else self.resource.plural


def route(path: str) -> Route | None:
    """The meaning of a path; None when it is not about objects."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace: str | None = None
    if rest[0] == "namespaces" and len(rest) > 2 and (group, version, rest[2]) in BY_PATH:
        namespace, rest = rest[1], rest[2:]
    resource = BY_PATH.get((group, version, rest[0]))
    if resource is None or len(rest) > 3:
        return None
    name, sub = (rest[1] if len(rest) > 1 else ""), (rest[2] if len(rest) > 2 else "")
    if not resource.namespaced:
        if namespace is not None and resource is not NAMESPACES:
            return None
        namespace = ""
    elif namespace is None and name:
        return None
    return Route(resource, namespace, name, sub)
