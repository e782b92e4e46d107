"""The verbs of the API over the store: create, replace, patch, delete.

Everything here is synchronous: between two awaits of the server nobody else writes, which makes
each write atomic without a lock. HTTP is another module's business.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .admission import Admission
from .answers import ApiRefusal, already_exists, bad_request, conflict, invalid, not_found, other_object
from .defaults import fill
from .resources import NAMESPACES, PODS, Resource
from .usage import ENDED
from .validation import causes, update_causes

if TYPE_CHECKING:
    from collections.abc import Callable

    from .selectors import Test
    from .store import Store

Document = dict[str, Any]

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5  # Letters that the server adds to ``generateName``.
_LONGEST_BASE = 63 - _SUFFIX
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


def now() -> str:
    """The present, as the server writes it."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """A moment, as the server writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Deletion:
    """How an object is to be deleted."""

    grace: int | None = None
    """Seconds; None for the pod's own."""
    propagation: str = "Background"
    """Background, Foreground or Orphan: what becomes of the objects that it owns."""
    uid: str = ""
    """Only an object with this uid."""
    version: str = ""
    """Only an object of this version."""
    dry_run: bool = False


class Registry:
    """Validated writes to the store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.admission = Admission(store)

    def read(self, resource: Resource, namespace: str, name: str) -> Document:
        """One object.

        Raises:
            ApiRefusal: There is none (404).
        """
        found = self.store.document(resource, namespace, name)
        if found is None:
            raise not_found(resource, name)
        return found

    def create(
        self, resource: Resource, namespace: str, document: Document, *, dry_run: bool = False
    ) -> Document:
        """Store a new object; the caller gives the document away.

        Raises:
            ApiRefusal: It may not be stored.
        """
        metadata = document.setdefault("metadata", {})
        self._place(resource, metadata, namespace)
        for key in (*_KEPT, "resourceVersion", "selfLink", "managedFields"):
            if key == "resourceVersion" and metadata.get(key):
                raise ApiRefusal(
                    500, "InternalError", "resourceVersion should not be set on objects to be created"
                )
            metadata.pop(key, None)
        document |= {"kind": resource.kind, "apiVersion": resource.api_version}
        if resource.status:
            document.pop("status", None)
        base = metadata.get("generateName", "")
        if base and not metadata.get("name"):
            metadata["name"] = base[:_LONGEST_BASE] + "".join(
                secrets.choice(_LETTERS) for _ in range(_SUFFIX)
            )
        fill(resource, document)
        self.admission.complete(resource, document)
        name = metadata.get("name", "")
        if wrong := causes(resource, document):
            raise invalid(resource, name, wrong)
        self.admission.decide(resource, document)
        if self.store.get(resource, (metadata.get("namespace", ""), name)):
            raise already_exists(resource, name)
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        if resource.generation:
            metadata["generation"] = 1
        return document if dry_run else self.store.write(resource, document)

    def _place(self, resource: Resource, metadata: Document, namespace: str) -> None:
        if not resource.namespaced:
            metadata.pop("namespace", None)
            return
        if metadata.setdefault("namespace", namespace) != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )

    def replace(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        document: Document,
        *,
        status: bool = False,
        dry_run: bool = False,
    ) -> Document:
        """Write a whole object (or only its status) over the stored one.

        Raises:
            ApiRefusal: It is missing, was written meanwhile, or may not change so.
        """
        old = self.read(resource, namespace, name)
        metadata = document.get("metadata") or {}
        if metadata.get("name", name) != name:
            raise bad_request(
                f"the name of the object ({metadata.get('name')}) does not match the name on the URL ({name})"
            )
        held = old["metadata"]
        if metadata.get("resourceVersion") not in (None, "", held["resourceVersion"]):
            raise conflict(resource, name)
        if metadata.get("uid") not in (None, "", held["uid"]):
            raise conflict(resource, name, _other_uid(metadata["uid"], held["uid"]))
        return self._write(resource, old, document, status=status, dry_run=dry_run)

    def change(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        changed: Callable[[Document], Document],
        *,
        status: bool = False,
        dry_run: bool = False,
    ) -> Document:
        """Write what ``changed`` makes of the stored object, which it must leave alone.

        Raises:
            ApiRefusal: It is missing, or may not change so.
        """
        old = self.read(resource, namespace, name)
        new = changed(old)
        version = (new.get("metadata") or {}).get("resourceVersion")
        if version not in (None, "", old["metadata"]["resourceVersion"]):
            raise conflict(resource, name)
        return self._write(resource, old, new, status=status, dry_run=dry_run)

    def _write(
        self, resource: Resource, old: Document, new: Document, *, status: bool, dry_run: bool
    ) -> Document:
        held = old["metadata"]
        if status:
            new = {**old, "status": new.get("status") or {}}
        else:
            metadata = {key: value for key, value in (new.get("metadata") or {}).items() if key not in _KEPT}
            metadata |= {key: held[key] for key in _KEPT if key in held}
            metadata |= {"name": held["name"], "resourceVersion": held["resourceVersion"]}
            if "namespace" in held:
                metadata["namespace"] = held["namespace"]
            new = {**new, "kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
            if resource.status:
                new["status"] = old.get("status") or {}
            wrong = causes(resource, new) + update_causes(resource, new, old)
            if wrong:
                raise invalid(resource, held["name"], wrong)
        if new == old:
            return old
        if resource.generation and new.get("spec") != old.get("spec"):
            new["metadata"]["generation"] = held.get("generation", 0) + 1
        if dry_run:
            return new
        written = self.store.write(resource, new)
        if held.get("deletionTimestamp") and self._may_go(resource, written):
            self.store.remove(resource, (held.get("namespace", ""), held["name"]))
        return written

    def _may_go(self, resource: Resource, document: Document) -> bool:
        metadata = document["metadata"]
        if metadata.get("finalizers") or (document.get("spec") or {}).get("finalizers"):
            return False
        return resource is not PODS or not metadata.get("deletionGracePeriodSeconds")

    def delete(self, resource: Resource, namespace: str, name: str, how: Deletion) -> tuple[Document, bool]:
        """Delete an object, or mark it as going away.

        Returns:
            The object's last document, and whether it is gone.

        Raises:
            ApiRefusal: It is missing, or a precondition does not hold.
        """
        old = self.read(resource, namespace, name)
        self._preconditions(resource, old, how)
        if how.dry_run:
            return old, True
        finalizers = list(old["metadata"].get("finalizers") or ())
        if how.propagation in ("Foreground", "Orphan"):
            mark = "foregroundDeletion" if how.propagation == "Foreground" else "orphan"
            finalizers = list(dict.fromkeys([*finalizers, mark]))
        grace = self._grace(resource, old, how)
        if not grace and not finalizers and resource is not NAMESPACES:
            return self.store.remove(resource, (namespace, name)), True
        return self._mark(resource, old, grace, finalizers), False

    def _preconditions(self, resource: Resource, old: Document, how: Deletion) -> None:
        held = old["metadata"]
        for field, asked, found in (
            ("UID", how.uid, held["uid"]),
            ("ResourceVersion", how.version, held["resourceVersion"]),
        ):
            if asked and asked != found:
                raise other_object(resource, held["name"], field, asked, found)

    def _grace(self, resource: Resource, old: Document, how: Deletion) -> int:
        """The seconds that a pod is given; none when nothing of it can be running."""
        spec = old.get("spec") or {}
        if resource is not PODS or not spec.get("nodeName"):
            return 0
        if (old.get("status") or {}).get("phase") in ENDED:
            return 0
        grace = how.grace if how.grace is not None else spec.get("terminationGracePeriodSeconds", 30)
        return grace if grace >= 0 else 1

    def _mark(self, resource: Resource, old: Document, grace: int, finalizers: list[str]) -> Document:
        metadata = dict(old["metadata"])
        if finalizers:
            metadata["finalizers"] = finalizers
        if metadata.get("deletionTimestamp"):
            held = metadata.get("deletionGracePeriodSeconds") or 0
            if grace >= held and metadata.get("finalizers") == old["metadata"].get("finalizers"):
                return old
            metadata["deletionGracePeriodSeconds"] = min(grace, held)
        else:
            metadata["deletionTimestamp"] = stamp(datetime.now(UTC) + timedelta(seconds=grace))
            metadata["deletionGracePeriodSeconds"] = grace
            if "generation" in metadata:
                metadata["generation"] += 1
        marked = {**old, "metadata": metadata}
        if resource is NAMESPACES:
            metadata.pop("deletionGracePeriodSeconds", None)
            marked["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
        return self.store.write(resource, marked)

    def delete_all(
        self, resource: Resource, namespace: str | None, test: Test | None, how: Deletion
    ) -> list[Document]:
        """Delete every object that the selectors choose; returns their last documents."""
        chosen = [
            entry.document
            for entry in self.store.entries(resource, namespace)
            if test is None or test(entry.document)
        ]
        gone = []
        for document in chosen:
            metadata = document["metadata"]
            gone.append(self.delete(resource, metadata.get("namespace", ""), metadata["name"], how)[0])
        return gone

    def finish(self, resource: Resource, document: Document) -> None:
        """Take away an object whose end has come; the node does so with its pods."""
        metadata = document["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        entry = self.store.get(resource, key)
        if entry is None or entry.document["metadata"]["uid"] != metadata["uid"]:
            return
        held = entry.document["metadata"]
        if held.get("finalizers"):
            if held.get("deletionGracePeriodSeconds"):
                self.store.write(
                    resource, {**entry.document, "metadata": {**held, "deletionGracePeriodSeconds": 0}}
                )
        else:
            self.store.remove(resource, key)

    def set_status(self, resource: Resource, document: Document, **status: Any) -> Document | None:
        """Merge keys into the status of an object that still is the same one; None when it is not."""
        metadata = document["metadata"]
        held = self.store.document(resource, metadata.get("namespace", ""), metadata["name"])
        if held is None or held["metadata"]["uid"] != metadata["uid"]:
            return None
        new = {**(held.get("status") or {}), **status}
        if new == held.get("status"):
            return held
        return self.store.write(resource, {**held, "status": {k: v for k, v in new.items() if v is not None}})


def _other_uid(asked: str, held: str) -> str:
    return f"Precondition failed: UID in precondition: {asked}, UID in object meta: {held}"
