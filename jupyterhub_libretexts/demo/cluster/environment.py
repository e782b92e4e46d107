"""What a container's processes are told: variables, arguments and paths, turned to this machine's.

A pod believes in a file system and an address of its own. Its processes share this machine's, so
paths below its mounts and "any address" are rewritten to the pod's folders and loopback address.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import ClusterError

from .amounts import amount
from .resources import CONFIG_MAPS, SECRETS, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .store import Store

Document = dict[str, Any]

_REFERENCE = re.compile(r"\$(\$|\(([-._a-zA-Z][-._a-zA-Z0-9]*)\))")
_ANYWHERE = ("0.0.0.0", "::", "[::]", "*")  # noqa: S104 (what is replaced, not bound)
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


class ContainerConfigError(ClusterError):
    """A container cannot be configured; the message is the kubelet's."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Turns a pod's paths and "any address" into this machine's."""

    address: str
    folders: Mapping[str, str]
    """Path in the container → folder of this machine."""

    def text(self, value: str) -> str:
        """A text with both rewritten."""
        for inside in sorted(self.folders, key=len, reverse=True):
            if inside in value:
                pattern = rf"(?<![\w./-]){re.escape(inside.rstrip('/'))}(?=/|$|[\s:,;\"'])"
                outside = self.folders[inside].replace("\\", "\\\\")
                value = re.sub(pattern, outside, value)
        return self._addressed(value)

    def _addressed(self, value: str) -> str:
        for anywhere in _ANYWHERE:
            if value == anywhere or value.endswith(f"={anywhere}"):
                return value[: len(value) - len(anywhere)] + self.address
        return value.replace("//0.0.0.0:", f"//{self.address}:").replace("//[::]:", f"//{self.address}:")


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """A text with ``$(NAME)`` replaced; what is unknown stays, ``$$`` is one dollar sign."""

    def replaced(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return variables.get(match[2], match[0])

    return _REFERENCE.sub(replaced, text)


def variables(container: Document, pod: Document, store: Store) -> dict[str, str]:
    """The environment that a container's specification gives.

    Raises:
        ContainerConfigError: Something that it refers to does not exist.
    """
    result: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        prefix = source.get("prefix", "")
        for part, kind in (("configMapRef", CONFIG_MAPS), ("secretRef", SECRETS)):
            if reference := source.get(part):
                data = keyed_data(
                    kind, pod, reference["name"], store, optional=reference.get("optional", False)
                )
                result |= {prefix + key: value.decode(errors="replace") for key, value in data.items()}
    for variable in container.get("env") or ():
        if source := variable.get("valueFrom"):
            value = _from(source, container, pod, store)
            if value is not None:
                result[variable["name"]] = value
        else:
            result[variable["name"]] = expanded(variable.get("value", ""), result)
    return result


def _from(source: Document, container: Document, pod: Document, store: Store) -> str | None:
    for part, kind in (("configMapKeyRef", CONFIG_MAPS), ("secretKeyRef", SECRETS)):
        if reference := source.get(part):
            optional = reference.get("optional", False)
            data = keyed_data(kind, pod, reference["name"], store, optional=optional)
            if reference["key"] in data:
                return data[reference["key"]].decode(errors="replace")
            if optional:
                return None
            where = f"{kind.kind} {pod['metadata']['namespace']}/{reference['name']}"
            raise ContainerConfigError(f"couldn't find key {reference['key']} in {where}")
    if reference := source.get("fieldRef"):
        return field_value(reference["fieldPath"], pod)
    if reference := source.get("resourceFieldRef"):
        return _resource_value(reference, container)
    return None


def keyed_data(
    kind: Resource, pod: Document, name: str, store: Store, *, optional: bool = False
) -> dict[str, bytes]:
    """The data of a secret or configuration map.

    Raises:
        ContainerConfigError: It does not exist.
    """
    document = store.document(kind, pod["metadata"]["namespace"], name)
    if document is None:
        if optional:
            return {}
        raise ContainerConfigError(f'{kind.kind.lower()} "{name}" not found')
    if kind is SECRETS:
        return {key: base64.b64decode(value) for key, value in (document.get("data") or {}).items()}
    plain = {key: value.encode() for key, value in (document.get("data") or {}).items()}
    return plain | {key: base64.b64decode(value) for key, value in (document.get("binaryData") or {}).items()}


def field_value(path: str, pod: Document) -> str:
    """A field of the pod as text."""
    if match := _SUBSCRIPT.fullmatch(path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        entries = pod["metadata"].get(path.partition(".")[2]) or {}
        return "\n".join(f'{key}="{value}"' for key, value in sorted(entries.items()))
    value: Any = pod
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if path == "status.podIPs":
        return ",".join(each["ip"] for each in value or ())
    return str(value or "")


def _resource_value(reference: Document, container: Document) -> str:
    part, _, name = reference["resource"].partition(".")
    resources = container.get("resources") or {}
    held = (resources.get(part) or {}).get(name, "0")
    divisor = amount(reference.get("divisor") or "1").value or 1
    return str(-(-amount(held).value // divisor))


def path_of(folders: Sequence[str]) -> str:
    """PATH with an image's folders before the system's."""
    return ":".join([*folders, "/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"])
