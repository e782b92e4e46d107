"""The hub's image with this checkout's code as its last layer.

Nodes have the image without the code already (``kubernetes_bed/hub_image.py``). What is made here is an
OCI archive with the new layer, the configuration and the manifest, and nothing of the layers below: their
content lies in each node's store, where the import finds it by its digest. So it is small and quick.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubernetes_bed import archives, images
from kubernetes_bed.hub_image import member

import jupyterhub_libretexts
from jupyterhub_libretexts.hub.pages import share_path

if TYPE_CHECKING:
    from kubernetes_bed.pins import Pins

SITE_PACKAGES = "opt/hub/lib/python3.11/site-packages"
"""In the image: Debian 12's Python."""
DISTRIBUTION = "jupyterhub-libretexts"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"
CONFIG = "application/vnd.docker.container.image.v1+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def code() -> dict[str, bytes]:
    """The files of this checkout as they lie after an installation of its wheel."""
    package = Path(jupyterhub_libretexts.__file__).parent
    files: dict[str, bytes] = {}
    for root, below in (
        (package, ""),
        (share_path(), "share/"),
        (share_path().parent / "examples", "share/examples/"),
    ):
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = f"{SITE_PACKAGES}/{package.name}/{below}{path.relative_to(root)}"
                files[name] = path.read_bytes()
    distribution = importlib.metadata.distribution(DISTRIBUTION)
    folder = f"{SITE_PACKAGES}/{package.name}-{distribution.version}.dist-info"
    for name in ("METADATA", "entry_points.txt"):
        # The hub finds the spawner by its entry point.
        files[f"{folder}/{name}"] = (distribution.read_text(name) or "").encode()
    return files


def name_of_code() -> str:
    """A tag for an image with this checkout's code, by its content."""
    digest = hashlib.sha256()
    for name, content in code().items():
        digest.update(f"{name}\0{len(bytes(content))}\0".encode() + bytes(content))
    return digest.hexdigest()[:12]


def archive(target: Path, pins: Pins, name: str) -> Path:
    """Write the archive of an image of this name."""
    layer = archives.layer(target.with_suffix(".layer"), code())
    digest = archives.digest_of(layer)
    with tarfile.open(images.archives_of(pins)["hub"]) as base:
        index = json.load(member(base, "manifest.json"))[0]
        config = json.load(member(base, index["Config"]))
        below = [
            _descriptor(LAYER, diff.removeprefix("sha256:"), base.getmember(entry).size)
            for diff, entry in zip(config["rootfs"]["diff_ids"], index["Layers"], strict=True)
        ]
    config["rootfs"]["diff_ids"].append(f"sha256:{digest}")
    config["history"].append({"created_by": "this checkout"})
    configuration = json.dumps(config).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, _digest(configuration), len(configuration)),
            "layers": [*below, _descriptor(LAYER, digest, layer.stat().st_size)],
        }
    ).encode()
    top = {
        **_descriptor(MANIFEST, _digest(manifest), len(manifest)),
        "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
    }
    contents = {
        "oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}).encode(),
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [top]}).encode(),
        f"blobs/sha256/{_digest(configuration)}": configuration,
        f"blobs/sha256/{_digest(manifest)}": manifest,
        f"blobs/sha256/{digest}": layer.read_bytes(),
    }
    layer.unlink()
    with tarfile.open(target, "w") as whole:
        for path, content in contents.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            whole.addfile(entry, io.BytesIO(content))
    return target


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _descriptor(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": size}
