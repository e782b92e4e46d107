"""The folders behind a pod's volumes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import ClusterError

from .environment import ContainerConfigError, field_value, keyed_data
from .resources import CLAIMS, CONFIG_MAPS, SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .store import Store

Document = dict[str, Any]


class MountError(ClusterError):
    """A volume cannot be had; the message is the kubelet's."""


@dataclass(frozen=True, slots=True)
class VolumeFolders:
    """Makes the folders for the volumes of pods."""

    store: Store
    claims: Path
    """Where the contents of claims live, a folder each, for as long as the claim does."""
    host_roots: tuple[Path, ...] = ()
    """The only folders of this machine that a ``hostPath`` may reach into."""

    def made(self, pod: Document, folder: Path) -> dict[str, Path]:
        """The folder of each volume of a pod, made where it does not exist.

        Raises:
            MountError: One cannot be had.
        """
        result: dict[str, Path] = {}
        for volume in pod["spec"].get("volumes") or ():
            try:
                result[volume["name"]] = self._volume(volume, pod, folder / "volumes" / volume["name"])
            except (ContainerConfigError, OSError, _RefusedError) as error:
                raise MountError(
                    f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
                ) from None
        return result

    def _volume(self, volume: Document, pod: Document, folder: Path) -> Path:
        match volume:
            case {"persistentVolumeClaim": source}:
                return self._claim(source["claimName"], pod)
            case {"hostPath": source}:
                return self._host(source)
            case {"secret": source}:
                optional = source.get("optional", False)
                data = keyed_data(SECRETS, pod, source["secretName"], self.store, optional=optional)
                return _filled(folder, dict(_chosen(data, source)))
            case {"configMap": source}:
                data = keyed_data(
                    CONFIG_MAPS, pod, source["name"], self.store, optional=source.get("optional", False)
                )
                return _filled(folder, dict(_chosen(data, source)))
            case {"downwardAPI": source}:
                return _filled(folder, dict(_downward(source, pod)))
            case {"projected": source}:
                return _filled(folder, self._projected(source, pod))
            case {"emptyDir": _}:
                folder.mkdir(parents=True, exist_ok=True)
                return folder
            case _:
                kind = next((key for key in volume if key != "name"), "nothing")
                raise _RefusedError(f"this node runs pods as local processes and cannot mount {kind}")

    def _claim(self, name: str, pod: Document) -> Path:
        claim = self.store.document(CLAIMS, pod["metadata"]["namespace"], name)
        if claim is None:
            raise _RefusedError(f'persistentvolumeclaim "{name}" not found')
        folder = self.claims / str(claim["spec"].get("volumeName") or claim["metadata"]["uid"])
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _host(self, source: Document) -> Path:
        wanted = Path(source["path"]).resolve()
        if not any(wanted == root or root in wanted.parents for root in self.host_roots):
            roots = ", ".join(map(str, self.host_roots)) or "none"
            raise _RefusedError(
                f"hostPath {source['path']} is outside the folders that this node lends: {roots}"
            )
        kind = source.get("type", "")
        if kind == "DirectoryOrCreate":
            wanted.mkdir(parents=True, exist_ok=True)
        elif kind == "Directory" and not wanted.is_dir():
            raise _RefusedError(f"hostPath type check failed: {source['path']} is not a directory")
        elif not wanted.exists():
            wanted.mkdir(parents=True)
        return wanted

    def _projected(self, source: Document, pod: Document) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for part in source.get("sources") or ():
            for key, kind in (("secret", SECRETS), ("configMap", CONFIG_MAPS)):
                if inner := part.get(key):
                    optional = inner.get("optional", False)
                    data = keyed_data(kind, pod, inner["name"], self.store, optional=optional)
                    files |= dict(_chosen(data, inner))
            if inner := part.get("downwardAPI"):
                files |= dict(_downward(inner, pod))
        return files

    def forget_claim(self, volume: str) -> None:
        """Delete what a claim held, after the claim itself."""
        if volume:
            shutil.rmtree(self.claims / volume, ignore_errors=True)


class _RefusedError(Exception):
    """Why this node does not mount something."""


def _chosen(data: Mapping[str, bytes], source: Document) -> Iterator[tuple[str, bytes]]:
    """The files of a secret or configuration map: all keys, or the named ones under their paths."""
    if not source.get("items"):
        yield from data.items()
    for item in source.get("items") or ():
        if item["key"] not in data and not source.get("optional"):
            raise _RefusedError(f"references non-existent secret key: {item['key']}")
        if item["key"] in data:
            yield item["path"], data[item["key"]]


def _downward(source: Document, pod: Document) -> Iterator[tuple[str, bytes]]:
    for item in source.get("items") or ():
        if reference := item.get("fieldRef"):
            yield item["path"], field_value(reference["fieldPath"], pod).encode()


def _filled(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, data in files.items():
        path = (folder / name).resolve()
        if folder.resolve() not in path.parents:
            raise _RefusedError(f"{name!r} leaves the volume")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o600)
    return folder


def mounted(container: Document, volumes: Mapping[str, Path]) -> dict[str, str]:
    """Path in the container → folder of this machine, for one container.

    Raises:
        MountError: A subpath leaves its volume.
    """
    result: dict[str, str] = {}
    for mount in container.get("volumeMounts") or ():
        root = volumes[mount["name"]]
        folder = (root / str(mount.get("subPath", ""))).resolve()
        if folder != root.resolve() and root.resolve() not in folder.parents:
            raise MountError(
                f'failed to prepare subPath for volumeMount "{mount["name"]}": it leaves the volume'
            )
        if not folder.exists():
            folder.mkdir(parents=True)
        result[mount["mountPath"].rstrip("/") or "/"] = str(folder)
    return result
