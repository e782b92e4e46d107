"""What an image holds: asked from a local engine, or from its registry without pulling it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import UsageError
from jupyterhub_libretexts.images.lock import LockedImage
from jupyterhub_libretexts.images.manifest import LABEL, PATH, ManifestError, parse_manifest

if TYPE_CHECKING:
    from jupyterhub_libretexts.images.engines import Engine

__all__ = ["inspect_image", "inspect_in_registry", "inspect_locally"]


def inspect_image(reference: str, engine: Engine | None) -> LockedImage:
    """Describe an image: by the local engine where it has it, else by its registry.

    Raises:
        UsageError: Neither knows it; the message says what was tried.
        ManifestError: It is not an image of ours, or its manifest cannot be read.
    """
    found = None if engine is None else inspect_locally(reference, engine)
    return found if found is not None else inspect_in_registry(reference)


def inspect_locally(reference: str, engine: Engine) -> LockedImage | None:
    """Describe a local image from the manifest inside it; None where the engine does not have it."""
    described = engine.describe(reference)
    if described is None:
        return None
    labels = labels_of(described)
    if LABEL not in labels:
        raise ManifestError(no_label(reference))
    manifest = parse_manifest(engine.run(reference, ("cat", PATH)), f"{PATH} of {reference}")
    digests = described.get("RepoDigests") or []
    digest = digests[0].partition("@")[2] if digests and not reference.startswith("localhost/") else ""
    return LockedImage(reference, digest, int(described.get("Size") or 0), manifest)


def inspect_in_registry(reference: str) -> LockedImage:
    """Describe an image from its label alone; its packages stay unknown.

    Raises:
        UsageError: skopeo is missing, or the registry does not have the image.
        ManifestError: The image has no manifest.
    """
    skopeo = shutil.which("skopeo")
    if skopeo is None:
        raise UsageError(
            f"{reference} is not on this machine: pull it with podman or docker, "
            "or install skopeo to ask its registry"
        )
    command = [skopeo, "inspect", f"docker://{reference}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UsageError(f"{reference} is not on this machine, and its registry did not show it: {reason}")
    answer = json.loads(done.stdout)
    label = (answer.get("Labels") or {}).get(LABEL)
    if label is None:
        raise ManifestError(no_label(reference))
    size = sum(layer.get("Size", 0) for layer in answer.get("LayersData") or [])
    return LockedImage(reference, answer.get("Digest", ""), size, parse_manifest(label, f"label {LABEL}"))


def labels_of(described: dict[str, Any]) -> dict[str, str]:
    """The labels in an engine's answer, wherever that engine puts them."""
    places = (described, described.get("Config"), (described.get("Docker") or {}).get("config"))
    for place in places:
        if isinstance(place, dict) and isinstance(place.get("Labels"), dict):
            return dict(place["Labels"])
    return {}


def no_label(reference: str) -> str:
    """Why an image cannot be described."""
    return (
        f"{reference} has no label {LABEL}: it is not an image of this project, or was built without "
        "`jupyterhub-libretexts image build`"
    )
