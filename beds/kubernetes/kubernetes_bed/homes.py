"""Makes the volumes that claims ask for: folders of the machine that every node sees, as shared storage is.

    python3 -m kubernetes_bed.homes CLUSTER

It is an external provisioner in Kubernetes' terms, for the storage class ``shared``, which is the default:
a claim without a volume gets a folder and a volume; a volume whose claim is gone goes with its folder
(https://kubernetes.io/docs/concepts/storage/persistent-volumes/#lifecycle-of-a-volume-and-claim). Sizes
are noted and not enforced, which a real storage server would do.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from .api import Api
from .cluster import Cluster
from .layout import STORAGE_CLASS, STORAGE_PROVISIONER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .layout import Shape

STUDENT, STUDENTS = 1000, 100
"""User and group of the Lab image; a volume belongs to them, and nobody else of the machine reads it."""
PAUSE_SECONDS = 0.5
WATCH_SECONDS = 300


def main(name: str) -> None:
    """Serve for ever."""
    shape = Cluster(name).shape
    volumes = shape.folder / "volumes"
    volumes.mkdir(exist_ok=True)
    claims = threading.Thread(
        target=follow, args=(shape, "/api/v1/persistentvolumeclaims", lambda api, it: make(api, volumes, it))
    )
    claims.daemon = True
    claims.start()
    follow(shape, "/api/v1/persistentvolumes", lambda api, it: remove(api, volumes, it))


def follow(shape: Shape, path: str, handle: Callable[[Api, dict[str, Any]], None]) -> None:
    """Hand over every object of a collection, and again whenever it changes; outlives the API server."""
    api = Api(shape, "homes")
    while True:
        try:
            for line in api.watch(f"{path}?watch=true&timeoutSeconds={WATCH_SECONDS}", WATCH_SECONDS + 30):
                event = json.loads(line)
                if event["type"] in ("ADDED", "MODIFIED"):
                    handle(api, event["object"])
        except (OSError, ValueError, http.client.HTTPException) as error:
            print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        time.sleep(PAUSE_SECONDS)


def make(api: Api, volumes: Path, claim: dict[str, Any]) -> None:
    """Make the folder and the volume of a claim that waits for one."""
    spec, metadata = claim["spec"], claim["metadata"]
    if spec.get("storageClassName") != STORAGE_CLASS or spec.get("volumeName"):
        return
    folder = volumes / f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"
    folder.mkdir(mode=0o750, exist_ok=True)
    os.chown(folder, STUDENT, STUDENTS)
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": f"pvc-{metadata['uid']}",
            "annotations": {"pv.kubernetes.io/provisioned-by": STORAGE_PROVISIONER},
        },
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "storageClassName": STORAGE_CLASS,
            "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                **{key: metadata[key] for key in ("namespace", "name", "uid")},
            },
            "hostPath": {"path": str(folder)},
        },
    }
    status, answer = api.ask("POST", "/api/v1/persistentvolumes", json.dumps(volume))
    if status not in (201, 409):
        print(f"no volume for {metadata['name']}: {status} {answer}", file=sys.stderr, flush=True)


def remove(api: Api, volumes: Path, volume: dict[str, Any]) -> None:
    """Remove a volume whose claim is gone, and its folder."""
    metadata = volume["metadata"]
    ours = (metadata.get("annotations") or {}).get("pv.kubernetes.io/provisioned-by") == STORAGE_PROVISIONER
    if not ours or volume["status"].get("phase") != "Released":
        return
    folder = volume["spec"]["hostPath"]["path"]
    if folder.startswith(f"{volumes}/"):
        shutil.rmtree(folder, ignore_errors=True)
    api.ask("DELETE", f"/api/v1/persistentvolumes/{metadata['name']}")


if __name__ == "__main__":
    main(sys.argv[1])
