"""``images.lock.json``: what the images that a settings file names are known to hold, committed beside it.

``image inspect --lock`` writes it; ``check`` and a hub read it without asking any registry.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.images.manifest import (
    ImageManifest,
    ManifestError,
    mapping,
    read_manifest,
    word,
    written_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from jupyterhub_libretexts.core.circumstances import ImageFacts

__all__ = [
    "ImagesLock",
    "LockedImage",
    "Shortcoming",
    "load_lock",
    "shortcomings",
    "with_image",
    "written_lock",
]

SCHEMA_VERSION = 1

KEPT_PACKAGES = ("python", "r", "octave", "sage", "julia", "python2")
"""Package sets that ``needs`` may name; the system's own packages stay out of the lock."""


@dataclass(frozen=True, slots=True)
class LockedImage:
    """An image as it was when it was inspected."""

    reference: str
    """As the settings file writes it."""
    digest: str
    """``sha256:…`` of its manifest in the registry; empty for an image that was never pushed."""
    size: int
    """Bytes: compressed where a registry said so, else as stored."""
    manifest: ImageManifest


@dataclass(frozen=True, slots=True)
class ImagesLock:
    """The whole file."""

    images: Mapping[str, LockedImage]

    @property
    def facts(self) -> dict[str, ImageFacts]:
        """What the plan needs to know, by reference (``Circumstances.images``)."""
        return {reference: image.manifest.facts for reference, image in self.images.items()}


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """Something that an environment asks of an image, and that the image lacks."""

    key: str
    """Which key of the environment or course asks for it: image, kernel, opens or needs."""
    message: str
    allowed: str = ""
    suggestion: str = ""
    warning: bool = False
    """True when nothing is known, rather than known to be absent."""
    value: str = ""
    """Which need it is, where there may be several."""


def load_lock(path: Path) -> ImagesLock:
    """Read a lock file; one that is not there knows no image.

    Raises:
        ManifestError: It cannot be read; the message names the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ImagesLock(MappingProxyType({}))
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{path} is not JSON ({error}); run `image inspect` again to write it") from error
    return read_lock(document, str(path))


def read_lock(document: Any, where: str) -> ImagesLock:
    """Read a lock from its JSON document."""
    fields = mapping(document, where)
    if fields.get("schemaVersion") != SCHEMA_VERSION:
        raise ManifestError(
            f"{where}: schemaVersion is {fields.get('schemaVersion')!r}, "
            f"and this program reads {SCHEMA_VERSION}"
        )
    entries = mapping(fields.get("images"), f"{where}: images")
    return ImagesLock(
        MappingProxyType(
            {reference: read_image(reference, entry, where) for reference, entry in entries.items()}
        )
    )


def read_image(reference: str, entry: Any, where: str) -> LockedImage:
    """Read one image of a lock."""
    place = f"{where}: images.{reference}"
    fields = mapping(entry, place)
    digest = fields.get("digest", "")
    size = fields.get("size", 0)
    if not isinstance(digest, str) or not isinstance(size, int):
        raise ManifestError(f"{place}: digest must be a text and size a number of bytes")
    word({"reference": reference}, "reference", place)
    return LockedImage(reference, digest, size, read_manifest(fields.get("manifest"), f"{place}.manifest"))


def with_image(lock: ImagesLock, image: LockedImage) -> ImagesLock:
    """The lock with one image added or replaced, without what no settings file can ask for."""
    kept = {key: image.manifest.packages[key] for key in KEPT_PACKAGES if key in image.manifest.packages}
    slim = replace(image, manifest=replace(image.manifest, packages=MappingProxyType(kept)))
    return ImagesLock(MappingProxyType({**lock.images, image.reference: slim}))


def written_lock(lock: ImagesLock) -> str:
    """The text of a lock file, in an order that keeps differences small."""
    images = {
        reference: {
            "digest": image.digest,
            "size": image.size,
            "manifest": written_manifest(image.manifest),
        }
        for reference, image in sorted(lock.images.items())
    }
    return json.dumps({"schemaVersion": SCHEMA_VERSION, "images": images}, indent=1, sort_keys=True) + "\n"


def shortcomings(
    lock: ImagesLock, image: str, *, kernel: str | None, opens: str, needs: Iterable[str]
) -> list[Shortcoming]:
    """What an environment (or a course in it) asks for and its image lacks.

    Args:
        lock: What is known.
        image: The image's reference, as the settings file writes it.
        kernel: The kernel that a new notebook gets, where one is named.
        opens: What the server opens on: an application's name, or a path.
        needs: Packages as ``set:name``, such as ``r:tidyverse``.
    """
    known = lock.images.get(image)
    if known is None:
        return [Shortcoming("image", f"nothing is known of the image {image!r}", warning=True)]
    manifest = known.manifest
    found = []
    if kernel is not None and kernel not in manifest.kernels:
        found.append(
            absent("kernel", f"the image {image} has no kernel {kernel!r}", kernel, manifest.kernels)
        )
    if not opens.startswith("/") and opens not in manifest.applications:
        message = f"the image {image} cannot open {opens!r}"
        found.append(absent("opens", message, opens, manifest.applications))
    return found + [each for need in needs for each in unmet(manifest, image, need)]


def unmet(manifest: ImageManifest, image: str, need: str) -> list[Shortcoming]:
    """What is wrong with one need: nothing, its spelling, or the image."""
    group, colon, name = need.partition(":")
    if not colon or not name or group not in KEPT_PACKAGES:
        allowed = f"SET:PACKAGE with a set of {', '.join(KEPT_PACKAGES)}"
        return [Shortcoming("needs", f"{need!r} names no package", allowed=allowed, value=need)]
    if not manifest.packages:
        message = f"the packages of {image} are not known: pull it, then inspect it again"
        return [Shortcoming("needs", message, warning=True, value=need)]
    packages = manifest.packages.get(group, {})
    names = {plain(key): key for key in packages}
    if plain(name) in names:
        return []
    nearest = difflib.get_close_matches(plain(name), names, n=1)
    suggestion = f"{group}:{names[nearest[0]]}" if nearest else ""
    return [Shortcoming("needs", f"the image {image} has no {need}", suggestion=suggestion, value=need)]


def absent(key: str, message: str, value: str, known: Iterable[str]) -> Shortcoming:
    """A name that an image lacks, with those that it has."""
    names = sorted(known)
    nearest = difflib.get_close_matches(value, names, n=1)
    return Shortcoming(key, message, allowed=", ".join(names), suggestion=nearest[0] if nearest else "")


def plain(package: str) -> str:
    """A package's name as registries compare it: case and the kind of dash do not count."""
    return package.lower().replace("_", "-")
