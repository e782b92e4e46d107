"""What the control plane does by itself: garbage, namespaces, claims, quotas' figures, old events."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .answers import ApiRefusal
from .registry import Deletion, Registry, now
from .resources import (
    BY_KIND,
    CLAIMS,
    CONFIG_MAPS,
    EVENTS,
    NAMESPACES,
    PODS,
    QUOTAS,
    RESOURCES,
    SERVICE_ACCOUNTS,
    STORAGE_CLASSES,
    VOLUMES,
    Resource,
)
from .usage import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .events import Recorder
    from .store import Change

Document = dict[str, Any]
Place = tuple[Resource, str, str]

PROTECTION = "kubernetes.io/pvc-protection"
_EVENT_AGE = timedelta(hours=1)
_SWEEP = 60.0  # Seconds between two looks for old events.


class Controllers:
    """Reacts to changes in the order in which they came, never within the write itself."""

    def __init__(self, registry: Registry, recorder: Recorder) -> None:
        self._registry = registry
        self._store = registry.store
        self._recorder = recorder
        self._owned: dict[str, set[Place]] = defaultdict(set)
        self._work: list[Callable[[], None]] = []
        self._ending: set[str] = set()
        """Namespaces that are going away."""
        self._releasing: set[str] = set()
        """Namespaces with claims that wait to be let go."""
        self._wake = asyncio.Event()
        self._store.subscribe(self._follow)

    def _later(self, work: Callable[[], None]) -> None:
        self._work.append(work)
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        swept = loop.time()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _SWEEP)
            self._wake.clear()
            work, self._work = self._work, []
            for each in work:
                each()
            self._figures()
            for namespace in tuple(self._releasing):
                self._release(namespace)
            for namespace in tuple(self._ending):
                self._emptied(namespace)
            if loop.time() - swept > _SWEEP:
                swept = loop.time()
                self._forget_events()

    def _follow(self, change: Change) -> None:
        document, resource = change.document, change.resource
        metadata = document["metadata"]
        place = (resource, metadata.get("namespace", ""), metadata["name"])
        owners = metadata.get("ownerReferences") or ()
        for owner in owners:
            self._owned[owner["uid"]].add(place)
        if change.kind == "ADDED" and owners:
            self._later(lambda: self._collect(place))
        if change.kind == "DELETED":
            if metadata["uid"] in self._owned:
                self._later(lambda: self._orphans(metadata["uid"]))
        elif {"foregroundDeletion", "orphan"} & set(metadata.get("finalizers") or ()):
            self._later(lambda: self._before_owner(place))
        if resource is NAMESPACES and change.kind != "DELETED":
            if metadata.get("deletionTimestamp"):
                self._ending.add(metadata["name"])
            self._later(lambda: self._namespace(metadata["name"]))
        elif resource is CLAIMS:
            self._follow_claim(change, place)
        elif resource is QUOTAS and change.kind != "DELETED":
            self._registry.admission.ledger.touched.add(place[1])
        if self._registry.admission.ledger.touched or place[1] in self._ending | self._releasing:
            self._wake.set()

    def _follow_claim(self, change: Change, place: Place) -> None:
        if change.kind == "DELETED":
            self._later(lambda: self._volume_of(change.document))
        elif change.document["metadata"].get("deletionTimestamp"):
            self._releasing.add(place[1])
        elif change.kind == "ADDED":
            self._later(lambda: self._claim(place))

    def _orphans(self, uid: str) -> None:
        for place in self._owned.pop(uid, ()):
            self._collect(place)

    def _collect(self, place: Place) -> None:
        """Delete an object all of whose owners are gone."""
        document = self._store.document(*place)
        if document is None:
            return
        owners = document["metadata"].get("ownerReferences") or []
        alive = [owner for owner in owners if self._alive(owner, place[1])]
        if owners and not alive:
            self._delete(place)
        elif len(alive) < len(owners):
            metadata = {**document["metadata"], "ownerReferences": alive}
            self._store.write(place[0], {**document, "metadata": metadata})

    def _alive(self, owner: Document, namespace: str) -> bool:
        kind = BY_KIND.get((owner["apiVersion"], owner["kind"]))
        if kind is None:
            return True  # A kind that is not served here: nothing is known, so nothing is deleted.
        found = self._store.document(kind, namespace if kind.namespaced else "", owner["name"])
        return found is not None and found["metadata"]["uid"] == owner["uid"]

    def _before_owner(self, place: Place) -> None:
        """Foreground and orphan deletion: what happens to the owned before the owner goes."""
        document = self._store.document(*place)
        if document is None or not document["metadata"].get("deletionTimestamp"):
            return
        uid = document["metadata"]["uid"]
        marks = document["metadata"].get("finalizers") or []
        owned = [each for each in self._owned.get(uid, ()) if self._store.document(*each)]
        if "orphan" in marks:
            for each in owned:
                self._disown(each, uid)
            owned = []
        for each in owned:
            self._delete(each)
        if not any(self._store.document(*each) for each in owned):
            kept = [mark for mark in marks if mark not in ("foregroundDeletion", "orphan")]
            self._finalize(place, kept)
        else:
            asyncio.get_running_loop().call_later(0.05, self._later, lambda: self._before_owner(place))

    def _disown(self, place: Place, uid: str) -> None:
        document = self._store.document(*place)
        if document is not None:
            metadata = dict(document["metadata"])
            owners = [each for each in metadata.get("ownerReferences") or () if each["uid"] != uid]
            metadata["ownerReferences"] = owners
            self._store.write(place[0], {**document, "metadata": metadata})

    def _finalize(self, place: Place, finalizers: list[str]) -> None:
        def changed(old: Document) -> Document:
            return {**old, "metadata": {**old["metadata"], "finalizers": finalizers}}

        try:
            self._registry.change(*place, changed)
        except ApiRefusal:
            return  # It went meanwhile.

    def _delete(self, place: Place, how: Deletion | None = None) -> None:
        try:
            self._registry.delete(*place, how or Deletion())
        except ApiRefusal:
            return  # Somebody else was faster.

    def _namespace(self, name: str) -> None:
        document = self._store.document(NAMESPACES, "", name)
        if document is None:
            return
        if document["metadata"].get("deletionTimestamp"):
            for resource in RESOURCES:
                if resource.namespaced and resource is not EVENTS:
                    for entry in self._store.entries(resource, name):
                        if not entry.document["metadata"].get("deletionTimestamp"):
                            self._delete((resource, name, entry.document["metadata"]["name"]))
            return
        for resource, wanted in ((SERVICE_ACCOUNTS, "default"), (CONFIG_MAPS, "kube-root-ca.crt")):
            if self._store.get(resource, (name, wanted)) is None:
                self._registry.create(resource, name, {"metadata": {"name": wanted}})

    def _emptied(self, name: str) -> None:
        document = self._store.document(NAMESPACES, "", name)
        if document is None or not document["metadata"].get("deletionTimestamp"):
            self._ending.discard(name)
            return
        held = [each for each in RESOURCES if each.namespaced and each is not EVENTS]
        if any(self._store.count(resource, name) for resource in held):
            return
        for entry in self._store.entries(EVENTS, name):
            self._store.remove(EVENTS, (name, entry.document["metadata"]["name"]))
        if not document["metadata"].get("finalizers"):
            self._store.remove(NAMESPACES, ("", name))

    def _claim(self, place: Place) -> None:
        """Bind a claim to a volume made for it."""
        document = self._store.document(*place)
        if document is None or (document.get("status") or {}).get("phase") == "Bound":
            return
        spec, metadata = document["spec"], document["metadata"]
        name = spec.get("storageClassName") or ""
        if self._store.document(STORAGE_CLASSES, "", name) is None:
            if name:
                text = f'storageclass.storage.k8s.io "{name}" not found'
                component = "persistentvolume-controller"
                self._recorder.record(document, "Warning", "ProvisioningFailed", text, component=component)
            return
        volume = f"pvc-{metadata['uid']}"
        capacity = {"storage": spec["resources"]["requests"]["storage"]}
        self._store.write(VOLUMES, _volume(volume, document, capacity))
        finalizers = list(dict.fromkeys([*(metadata.get("finalizers") or ()), PROTECTION]))
        bound = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": capacity}
        changed = {**metadata, "finalizers": finalizers}
        spec = {**spec, "volumeName": volume}
        self._store.write(CLAIMS, {**document, "metadata": changed, "spec": spec, "status": bound})

    def _release(self, namespace: str) -> None:
        """Let go of claims that are to be deleted once no pod uses them."""
        going = [
            each
            for each in self._store.documents(CLAIMS, namespace)
            if each["metadata"].get("deletionTimestamp")
            and PROTECTION in (each["metadata"].get("finalizers") or ())
        ]
        if not going:
            self._releasing.discard(namespace)
            return
        used = {
            (volume.get("persistentVolumeClaim") or {}).get("claimName")
            for pod in self._store.documents(PODS, namespace)
            if (pod.get("status") or {}).get("phase") not in ENDED
            for volume in pod["spec"].get("volumes") or ()
        }
        for each in going:
            metadata = each["metadata"]
            if metadata["name"] not in used:
                kept = [mark for mark in metadata["finalizers"] if mark != PROTECTION]
                self._finalize((CLAIMS, namespace, metadata["name"]), kept)

    def _volume_of(self, claim: Document) -> None:
        name = claim["spec"].get("volumeName", "")
        if self._store.get(VOLUMES, ("", name)):
            self._store.remove(VOLUMES, ("", name))

    def _figures(self) -> None:
        """Bring the used figures of quotas up to date, once for many changes."""
        ledger = self._registry.admission.ledger
        touched, ledger.touched = ledger.touched, set()
        for namespace in touched:
            for quota in list(self._store.documents(QUOTAS, namespace)):
                self._registry.set_status(QUOTAS, quota, **self._registry.admission.quota_status(quota))
        ledger.touched.clear()

    def _forget_events(self) -> None:
        oldest = datetime.now(UTC) - _EVENT_AGE
        for document in self._store.documents(EVENTS):
            metadata = document["metadata"]
            moment = document.get("lastTimestamp") or metadata["creationTimestamp"]
            if datetime.fromisoformat(moment) < oldest:
                self._store.remove(EVENTS, (metadata["namespace"], metadata["name"]))


def _volume(name: str, claim: Document, capacity: Document) -> Document:
    metadata, spec = claim["metadata"], claim["spec"]
    reference = {
        "kind": "PersistentVolumeClaim",
        "apiVersion": "v1",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return {
        "kind": "PersistentVolume",
        "apiVersion": "v1",
        "metadata": {"name": name, "uid": str(uuid.uuid4()), "creationTimestamp": now()},
        "spec": {
            "capacity": capacity,
            "accessModes": spec["accessModes"],
            "claimRef": reference,
            "storageClassName": spec.get("storageClassName", ""),
            "persistentVolumeReclaimPolicy": "Delete",
            "volumeMode": "Filesystem",
        },
        "status": {"phase": "Bound"},
    }
