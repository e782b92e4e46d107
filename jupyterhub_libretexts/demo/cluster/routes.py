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
    match path.strip("/").split("/"):
        case ["api", version, *rest] if rest:
            group = ""
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            return None
    namespace: str | None = None
    match rest:
        case ["namespaces", inside, plural, *rest] if (group, version, plural) in BY_PATH:
            namespace = inside
        case [plural, *rest]:
            pass
    resource = BY_PATH.get((group, version, plural))
    name, sub, *beyond = [*rest, "", ""]
    if resource is None or any(beyond):
        return None
    if not resource.namespaced:
        if namespace is not None and resource is not NAMESPACES:
            return None
        namespace = ""
    elif namespace is None and name:
        return None
    return Route(resource, namespace, name, sub)
