"""Makes container images without a container tool: layers are tar files, the rest is JSON.

The result is a docker archive, which containerd imports and skopeo pushes.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is besides its files."""

    name: str
    entrypoint: list[str]
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = ""


def layer(path: Path, files: dict[str, Path | str | int | bytes]) -> Path:
    """Write a layer: name to a program's path, a link's target, a folder's mode or a file's text.

    Times and owners are fixed, so the same files give the same bytes and the same digest.
    """
    with tarfile.open(path, "w") as archive:
        for name, source in files.items():
            entry = tarfile.TarInfo(name)
            content = b""
            if isinstance(source, int):
                entry.type, entry.mode = tarfile.DIRTYPE, source
            elif isinstance(source, str):
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, source, 0o777
            else:
                content = source if isinstance(source, bytes) else source.read_bytes()
                entry.mode = 0o644 if isinstance(source, bytes) else 0o755
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def archive(path: Path, image: Image, layers: list[Path]) -> Path:
    """Write a docker archive of these layers, the lowest first."""
    digests = [digest_of(layer) for layer in layers]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Entrypoint": image.entrypoint,
            "Cmd": image.command,
            "Env": [f"{name}={value}" for name, value in image.environment.items()],
            "WorkingDir": image.folder,
            "User": image.user,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created_by": "beds/kubernetes"} for _ in layers],
    }
    described = json.dumps(config).encode()
    config_name = f"{hashlib.sha256(described).hexdigest()}.json"
    names = [f"{digest}/layer.tar" for digest in digests]
    index = [{"Config": config_name, "RepoTags": [image.name], "Layers": names}]
    with tarfile.open(path, "w") as whole:
        for source, name in zip(layers, names, strict=True):
            whole.add(source, name)
        for name, content in ((config_name, described), ("manifest.json", json.dumps(index).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            whole.addfile(entry, io.BytesIO(content))
    return path


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
