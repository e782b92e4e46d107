"""What objects ask for, and what each namespace uses in sum."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from .amounts import NOTHING, Amount, amount
from .resources import CLAIMS, EVENTS, PODS, Resource

if TYPE_CHECKING:
    from .store import Change, Store

Document = dict[str, Any]
Amounts = dict[str, Amount]

ENDED = ("Succeeded", "Failed")
_PLAIN = ("cpu", "memory", "ephemeral-storage")
ONE = amount("1")


def plus(first: Amounts, second: Amounts) -> Amounts:
    """The sum, name by name."""
    result = dict(first)
    for name, value in second.items():
        result[name] = result[name] + value if name in result else value
    return result


def minus(first: Amounts, second: Amounts) -> Amounts:
    """The difference, name by name."""
    return {
        name: first.get(name, NOTHING) - second.get(name, NOTHING) for name in first.keys() | second.keys()
    }


def asked(spec: Document, part: str = "requests") -> Amounts:
    """What a pod asks for in all: its containers together, or its largest init container."""
    total: Amounts = {}
    for container in spec.get("containers") or ():
        total = plus(total, _amounts(container, part))
    for container in spec.get("initContainers") or ():
        for name, value in _amounts(container, part).items():
            total[name] = max(total.get(name, NOTHING), value, key=lambda each: each.value)
    return total


def _amounts(container: Document, part: str) -> Amounts:
    written = (container.get("resources") or {}).get(part) or {}
    return {name: amount(text) for name, text in written.items()}


def pod_usage(document: Document) -> Amounts:
    """What a pod counts for in quotas; nothing once it has ended."""
    if (document.get("status") or {}).get("phase") in ENDED:
        return {"count/pods": ONE}
    spec = document.get("spec") or {}
    usage: Amounts = {"pods": ONE, "count/pods": ONE}
    for name, value in asked(spec, "requests").items():
        usage[f"requests.{name}"] = value
        if name in _PLAIN:
            usage[name] = value
    for name, value in asked(spec, "limits").items():
        if name in _PLAIN:
            usage[f"limits.{name}"] = value
    return usage


def usage_of(resource: Resource, document: Document) -> Amounts:
    """What one object counts for in quotas."""
    if resource is PODS:
        return pod_usage(document)
    counts: Amounts = {f"count/{resource.qualified}": ONE}
    if not resource.group:
        counts[resource.plural] = ONE
    if resource is CLAIMS:
        requests = ((document.get("spec") or {}).get("resources") or {}).get("requests") or {}
        storage = amount(requests.get("storage", "0"))
        counts["requests.storage"] = storage
        if name := (document.get("spec") or {}).get("storageClassName"):
            counts[f"{name}.storageclass.storage.k8s.io/requests.storage"] = storage
            counts[f"{name}.storageclass.storage.k8s.io/persistentvolumeclaims"] = ONE
    return counts


def scopes_of(document: Document) -> set[str]:
    """The quota scopes that a pod falls into."""
    spec = document.get("spec") or {}
    best = (document.get("status") or {}).get("qosClass") == "BestEffort"
    terminating = spec.get("activeDeadlineSeconds") is not None
    return {
        "BestEffort" if best else "NotBestEffort",
        "Terminating" if terminating else "NotTerminating",
    }


class Ledger:
    """The sum of usage by namespace and pod scopes, kept up with each change."""

    def __init__(self, store: Store) -> None:
        self._sums: dict[tuple[str, frozenset[str]], Amounts] = defaultdict(dict)
        self.touched: set[str] = set()
        """Namespaces whose sums moved since somebody last cleared this set."""
        store.subscribe(self._follow)

    def _follow(self, change: Change) -> None:
        namespace = change.document["metadata"].get("namespace")
        if not namespace or change.resource is EVENTS:
            return
        before = usage_of(change.resource, change.before) if change.before else {}
        after = usage_of(change.resource, change.document) if change.kind != "DELETED" else {}
        if before == after:
            return
        scopes = frozenset(scopes_of(change.document)) if change.resource is PODS else frozenset[str]()
        key = (namespace, scopes)
        self._sums[key] = minus(plus(self._sums[key], after), before)
        self.touched.add(namespace)

    def used(self, namespace: str, scopes: frozenset[str] = frozenset()) -> Amounts:
        """What a namespace uses, counting only the pods that fall into every given scope."""
        total: Amounts = {}
        for (where, held), sums in self._sums.items():
            if where == namespace and (not held or scopes <= held):
                total = plus(total, sums)
        return total
