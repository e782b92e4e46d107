"""A bill of materials (CycloneDX 1.6) from an image's own manifest: pure, and the same every time."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from jupyterhub_libretexts.images.manifest import ImageManifest

__all__ = ["bill_of_materials"]

REGISTRIES = {
    "debian": "deb/debian",
    "julia": "generic/julia",
    "octave": "generic/octave",
    "r": "cran",
}
"""The kind of package URL for each set of packages; every other set is Python's."""


def bill_of_materials(manifest: ImageManifest, reference: str) -> dict[str, Any]:
    """The bill as a JSON document.

    Args:
        manifest: The image's manifest with its packages.
        reference: The image's name; digests make it say one image only.
    """
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{reference} {sorted(manifest.sizes.items())}")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{identity}",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": reference, "bom-ref": "image"}},
        "components": [
            component(group, name, version)
            for group, packages in sorted(manifest.packages.items())
            for name, version in packages.items()
        ],
    }


def component(group: str, name: str, version: str) -> dict[str, str]:
    """One package; the set is part of its reference, since two prefixes may hold the same one."""
    kind = REGISTRIES.get(group, "pypi")
    address = f"pkg:{kind}/{quote(name)}@{quote(version)}"
    return {
        "type": "library",
        "bom-ref": f"{group}/{name}",
        "name": name,
        "version": version,
        "purl": address,
    }
