"""What would change between two sets of objects: before and after, by organisation and object.

Compared is what the settings decide. What a cluster adds by itself (status, versions, defaults of its
own) is no difference.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.core.subjects import PREFIX
from jupyterhub_libretexts.quantities import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jupyterhub_libretexts.core.objects import Manifest

__all__ = ["Change", "Reference", "What", "changes", "reference", "words"]

CLUSTER = ""
"""The place of what belongs to no organisation."""

_COMPARED = {
    "Namespace": (),
    "ServiceAccount": ("automountServiceAccountToken", "imagePullSecrets"),
    "Role": ("rules",),
    "ClusterRole": ("rules",),
    "RoleBinding": ("roleRef", "subjects"),
    "ClusterRoleBinding": ("roleRef", "subjects"),
}
"""By kind, what is compared besides labels and annotations; ``spec`` of every other."""
_AMOUNTS = ("ResourceQuota", "LimitRange")
_OURS = (PREFIX, "pod-security.kubernetes.io/", "app.kubernetes.io/managed-by", "cni.projectcalico.org/ipv")
"""Labels and annotations that nobody else sets; one that should not be there is a difference."""
_DOOR = ("NetworkPolicy", "libretexts-closed")
"""What stays of an organisation that leaves, besides its namespace with every home in it."""


class What(Enum):
    """What happens to an object."""

    MADE = "made"
    CHANGED = "changed"
    REMOVED = "removed"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """An object by its name in the cluster."""

    namespace: str
    """Empty for an object of the whole cluster."""
    kind: str
    name: str
    version: str
    """``apiVersion``."""

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where}"


@dataclass(frozen=True, slots=True)
class Change:
    """One object, and what happens to it."""

    what: What
    reference: Reference
    organization: str
    """As its label says; empty for the cluster's own."""
    details: tuple[str, ...] = ()
    """Each field: what it is now, what it becomes."""
    leaves: bool = False
    """Whether the object's whole organisation leaves."""


def reference(item: Manifest) -> Reference:
    """How an object is named."""
    metadata = item["metadata"]
    return Reference(metadata.get("namespace", ""), item["kind"], metadata["name"], item["apiVersion"])


def changes(before: Iterable[Manifest], after: Iterable[Manifest]) -> tuple[Change, ...]:
    """What must happen so that there is what should be, in the order of ``after``, removals last.

    Args:
        before: What there is, of ours.
        after: What should be.
    """
    old = {reference(item): item for item in before}
    new = {reference(item): item for item in after}
    found = []
    for key, item in new.items():
        if key not in old:
            found.append(Change(What.MADE, key, _organization(item)))
        elif told := tuple(_differences(old[key], item)):
            found.append(Change(What.CHANGED, key, _organization(item), told))
    stay = {_place(item) for item in new.values()}
    for key, item in old.items():
        if key in new:
            continue
        leaves = _place(item) not in stay and bool(_organization(item))
        kept = key.kind == "Namespace" or (leaves and (key.kind, key.name) == _DOOR)
        found.append(Change(What.KEPT if kept else What.REMOVED, key, _organization(item), leaves=leaves))
    return tuple(found)


def words(found: Iterable[Change]) -> tuple[str, ...]:
    """The plan of changes as people read it, with the commands for what apply does not do."""
    by_place: dict[tuple[str, str], list[Change]] = {}
    for change in found:
        named = change.reference
        namespace = named.name if named.kind == "Namespace" else named.namespace
        place = (change.organization, namespace) if change.organization else (CLUSTER, "")
        by_place.setdefault(place, []).append(change)
    lines: list[str] = []
    for (organization, namespace), of_it in by_place.items():
        title = f"{organization} ({namespace})" if organization else "the cluster"
        lines.extend(_of_place(title, namespace, of_it))
    return tuple(lines)


def _of_place(title: str, namespace: str, found: list[Change]) -> Iterator[str]:
    if found[0].leaves:
        yield f"{title}: leaves; its people and their homes are kept"
        yield (
            f"  first   end its servers: kubectl delete pods --namespace={namespace} "
            "--selector=component=singleuser-server"
        )
    else:
        joins = any(change.what is What.MADE and change.reference.kind == "Namespace" for change in found)
        yield f"{title}: joins" if joins else title
    for change in found:
        yield f"  {change.what.value:<8}{change.reference}"
        yield from (f"    {detail}" for detail in change.details)
    removed = [change.reference for change in found if change.what is What.REMOVED]
    yield from (f"  then    {command}" for command in _commands(removed))


def _commands(removed: Iterable[Reference]) -> Iterator[str]:
    by_namespace: dict[str, list[str]] = {}
    for item in removed:
        group, _, _ = item.version.rpartition("/")
        # A kind with its group, so that another kind of the same name is never meant.
        kind = f"{item.kind.lower()}.{group}" if group else item.kind.lower()
        by_namespace.setdefault(item.namespace, []).append(f"{kind}/{item.name}")
    for namespace, things in by_namespace.items():
        where = f" --namespace={namespace}" if namespace else ""
        yield f"kubectl delete{where} {' '.join(things)}"


def _organization(item: Manifest) -> str:
    return str((item["metadata"].get("labels") or {}).get(f"{PREFIX}organization", CLUSTER))


def _place(item: Manifest) -> tuple[str, str]:
    """An organisation's namespace: one that moves leaves the old one and joins the new."""
    metadata = item["metadata"]
    return _organization(item), metadata["name"] if item["kind"] == "Namespace" else metadata.get(
        "namespace", ""
    )


def _differences(old: Manifest, new: Manifest) -> Iterator[str]:
    kind = new["kind"]
    for name in ("labels", "annotations"):
        have = old["metadata"].get(name) or {}
        want = new["metadata"].get(name) or {}
        relevant = {key: value for key, value in have.items() if key in want or key.startswith(_OURS)}
        yield from _between(relevant, want, name, kind)
    for name in _COMPARED.get(kind, ("spec",)):
        have, want = old.get(name), new.get(name)
        if _adds_defaults(new):
            have = {key: value for key, value in (have or {}).items() if key in (want or {})}
        for told in _between(have, want, name, kind):
            cannot = told.startswith(("roleRef.", "spec.cidr:", "spec.blockSize:"))
            yield f"{told} (cannot be changed: delete the object first)" if cannot else told


def _adds_defaults(item: Manifest) -> bool:
    """Whether the API of an object fills in fields that we leave out."""
    group: str = item["apiVersion"].partition("/")[0]
    return group.endswith(("projectcalico.org", "policy.networking.k8s.io"))


def _between(old: Any, new: Any, path: str, kind: str) -> Iterator[str]:
    if old == new or (kind in _AMOUNTS and _same_amount(old, new)):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from _between(old.get(key), new.get(key), f"{path}.{key}", kind)
    elif isinstance(old, list) and isinstance(new, list) and old and new:
        yield from _lists(old, new, path, kind)
    else:
        yield f"{path}: {_shown(old)} → {_shown(new)}"


def _lists(old: list[Any], new: list[Any], path: str, kind: str) -> Iterator[str]:
    gone = [item for item in old if item not in new]
    come = [item for item in new if item not in old]
    if len(gone) == len(come) == 1 and isinstance(gone[0], dict) and isinstance(come[0], dict):
        yield from _between(gone[0], come[0], f"{path}.{new.index(come[0])}", kind)
    elif gone or come:
        yield from (f"{path}: no longer {_shown(item)}" for item in gone)
        yield from (f"{path}: now also {_shown(item)}" for item in come)
    else:
        yield f"{path}: in another order"


def _same_amount(old: Any, new: Any) -> bool:
    """Whether two texts are one amount: the API server writes 0.5 as 500m."""
    if not isinstance(old, str) or not isinstance(new, str):
        return False
    try:
        return Quantity.parse(old) == Quantity.parse(new)
    except ValueError:
        return False


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
