"""What an image says of itself: ``/usr/share/libretexts/image.json`` and a label of the same content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.core.circumstances import ImageFacts
from jupyterhub_libretexts.errors import LibreTextsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LABEL",
    "PATH",
    "Application",
    "ImageManifest",
    "Kernel",
    "ManifestError",
    "parse_manifest",
    "read_manifest",
    "written_manifest",
]

PATH = "/usr/share/libretexts/image.json"
"""Where an image keeps its manifest."""

LABEL = "org.libretexts.image"
"""The label with the manifest without its packages (container runtimes refuse labels above 4 KiB)."""

SCHEMA_VERSION = 1


class ManifestError(LibreTextsError):
    """A manifest or a lock file cannot be read; one line says why and what to do."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One kernel of an image."""

    title: str
    language: str
    version: str
    """The language's version, not the kernel program's."""


@dataclass(frozen=True, slots=True)
class Application:
    """Something that a server can open on."""

    title: str
    version: str
    path: str
    """Below the server's address, with a leading slash."""


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """What an image holds."""

    target: str
    """The target of the Dockerfile that it was built as."""
    architecture: str
    """As Go names it: amd64, arm64."""
    system: str
    """Distribution and release, such as ``debian 13.7``."""
    jupyterhub: str
    """Version of the single-user server's JupyterHub."""
    kernels: Mapping[str, Kernel]
    applications: Mapping[str, Application]
    packages: Mapping[str, Mapping[str, str]]
    """Versions by package by set (python, r, octave, sage, julia, debian, server); empty where only the
    label is known."""
    sizes: Mapping[str, int]
    """Bytes on disk by folder."""

    @property
    def facts(self) -> ImageFacts:
        """What a decision needs to know."""
        return ImageFacts(kernels=frozenset(self.kernels), applications=frozenset(self.applications))


def parse_manifest(text: str, where: str) -> ImageManifest:
    """Read a manifest from its JSON text.

    Args:
        text: The JSON.
        where: What it is, for the message.

    Raises:
        ManifestError: It is no JSON, or not a manifest of a version that is known here.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{where} is not JSON: {error}") from error
    return read_manifest(document, where)


def read_manifest(document: Any, where: str) -> ImageManifest:
    """Read a manifest from its JSON document.

    Raises:
        ManifestError: A field is missing or of the wrong kind; the message names it.
    """
    fields = mapping(document, where)
    version = fields.get("schemaVersion")
    if version != SCHEMA_VERSION:
        raise ManifestError(
            f"{where}: schemaVersion is {version!r}, and this program reads {SCHEMA_VERSION}; "
            "rebuild the image, or update jupyterhub-libretexts"
        )
    system = mapping(fields.get("system"), f"{where}: system")
    kernels = mapping(fields.get("kernels"), f"{where}: kernels")
    applications = mapping(fields.get("applications"), f"{where}: applications")
    packages = mapping(fields.get("packages", {}), f"{where}: packages")
    return ImageManifest(
        target=word(fields, "target", where),
        architecture=word(fields, "architecture", where),
        system=f"{word(system, 'name', where)} {word(system, 'version', where)}",
        jupyterhub=word(fields, "jupyterhub", where),
        kernels=MappingProxyType(
            {
                name: Kernel(*words(entry, ("title", "language", "version"), f"{where}: kernels.{name}"))
                for name, entry in kernels.items()
            }
        ),
        applications=MappingProxyType(
            {
                name: Application(
                    *words(entry, ("title", "version", "path"), f"{where}: applications.{name}")
                )
                for name, entry in applications.items()
            }
        ),
        packages=MappingProxyType(
            {
                name: MappingProxyType(versions(entry, f"{where}: packages.{name}"))
                for name, entry in packages.items()
            }
        ),
        sizes=MappingProxyType(whole_numbers(fields.get("sizes", {}), f"{where}: sizes")),
    )


def written_manifest(manifest: ImageManifest, *, packages: bool = True) -> dict[str, Any]:
    """The JSON document of a manifest; without its packages it is what the label holds."""
    name, _, version = manifest.system.partition(" ")
    document: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "target": manifest.target,
        "architecture": manifest.architecture,
        "system": {"name": name, "version": version},
        "jupyterhub": manifest.jupyterhub,
        "kernels": {
            key: {"title": kernel.title, "language": kernel.language, "version": kernel.version}
            for key, kernel in manifest.kernels.items()
        },
        "applications": {
            key: {"title": entry.title, "version": entry.version, "path": entry.path}
            for key, entry in manifest.applications.items()
        },
        "sizes": dict(manifest.sizes),
    }
    if packages:
        document["packages"] = {key: dict(entry) for key, entry in manifest.packages.items()}
    return document


def mapping(value: Any, where: str) -> dict[str, Any]:
    """The value as a mapping.

    Raises:
        ManifestError: It is something else.
    """
    if not isinstance(value, dict):
        raise ManifestError(f"{where} must be a mapping, and is {kind(value)}")
    return value


def word(fields: Mapping[str, Any], key: str, where: str) -> str:
    """A text field that is not empty.

    Raises:
        ManifestError: It is missing or something else.
    """
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise ManifestError(f"{where}: {key} must be a text, and is {kind(value)}")
    return value


def words(entry: Any, keys: tuple[str, ...], where: str) -> list[str]:
    """Several text fields of one mapping, in order."""
    fields = mapping(entry, where)
    return [word(fields, key, where) for key in keys]


def versions(entry: Any, where: str) -> dict[str, str]:
    """A mapping from package to version; a version may be empty."""
    fields = mapping(entry, where)
    for key, value in fields.items():
        if not isinstance(value, str):
            raise ManifestError(f"{where}.{key} must be a text, and is {kind(value)}")
    return fields


def whole_numbers(entry: Any, where: str) -> dict[str, int]:
    """A mapping from folder to bytes."""
    fields = mapping(entry, where)
    for key, value in fields.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ManifestError(f"{where}.{key} must be a number of bytes, and is {kind(value)}")
    return fields


def kind(value: Any) -> str:
    """What a value is, in words for a message."""
    if value is None:
        return "missing"
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false", int: "a number"}
    return names.get(type(value), type(value).__name__)
