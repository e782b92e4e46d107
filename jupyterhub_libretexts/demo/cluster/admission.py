"""Who may create what, where: namespaces, service accounts, limit ranges and quotas.

As in the real server, admission first completes a document (``complete``) and, once it is known
to be valid, decides whether it may be stored (``decide``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .amounts import Amount, amount
from .answers import forbidden, not_found
from .defaults import qos_class
from .resources import (
    CLAIMS,
    EVENTS,
    LIMIT_RANGES,
    NAMESPACES,
    PODS,
    PRIORITY_CLASSES,
    QUOTAS,
    SERVICE_ACCOUNTS,
    STORAGE_CLASSES,
    Resource,
)
from .usage import Amounts, Ledger, scopes_of, usage_of

if TYPE_CHECKING:
    from .store import Store

Document = dict[str, Any]

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_NAMED = ("cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory")


class Admission:
    """The gate before the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.ledger = Ledger(store)

    def complete(self, resource: Resource, document: Document) -> None:
        """Check the surroundings of a new object and fill in what they imply.

        Raises:
            ApiRefusal: The namespace is missing or going away, or something named does not exist.
        """
        namespace = document["metadata"].get("namespace")
        if namespace:
            self._namespace(resource, document, namespace)
        if resource is PODS:
            self._account(document, namespace or "")
            self._priority(document)
            self._default_limits(document, namespace or "")
        elif resource is CLAIMS and document["spec"].get("storageClassName") is None:
            self._storage_class(document)

    def decide(self, resource: Resource, document: Document) -> None:
        """Refuse what exceeds a limit range or a quota.

        Raises:
            ApiRefusal: 403 in the real server's words.
        """
        namespace = document["metadata"].get("namespace")
        if not namespace or resource is EVENTS:
            return
        if resource is PODS:
            self._limit_ranges(document, namespace)
        for quota in self._store.documents(QUOTAS, namespace):
            self._quota(resource, document, quota)

    def _namespace(self, resource: Resource, document: Document, namespace: str) -> None:
        found = self._store.document(NAMESPACES, "", namespace)
        if found is None:
            raise not_found(NAMESPACES, namespace)
        if found["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            raise forbidden(resource, _name(document), why, [cause])

    def _account(self, document: Document, namespace: str) -> None:
        account = document["spec"]["serviceAccountName"]
        if self._store.document(SERVICE_ACCOUNTS, namespace, account) is None:
            missing = f'serviceaccount "{account}" not found'
            why = f"error looking up service account {namespace}/{account}: {missing}"
            raise forbidden(PODS, _name(document), why)

    def _priority(self, document: Document) -> None:
        spec = document["spec"]
        name = spec.get("priorityClassName")
        value = 0
        if name in ("system-node-critical", "system-cluster-critical"):
            value = 2_000_001_000 if name == "system-node-critical" else 2_000_000_000
        elif name:
            found = self._store.document(PRIORITY_CLASSES, "", name)
            if found is None:
                raise forbidden(PODS, _name(document), f"no PriorityClass with name {name} was found")
            value = found.get("value", 0)
        spec["priority"] = value
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")

    def _storage_class(self, document: Document) -> None:
        for each in self._store.documents(STORAGE_CLASSES):
            if (each["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true":
                document["spec"]["storageClassName"] = each["metadata"]["name"]

    def _container_limits(self, namespace: str) -> list[Document]:
        return [
            limit
            for each in self._store.documents(LIMIT_RANGES, namespace)
            for limit in (each.get("spec") or {}).get("limits") or ()
            if limit.get("type") == "Container"
        ]

    def _default_limits(self, document: Document, namespace: str) -> None:
        spec = document["spec"]
        containers = [*spec.get("containers", ()), *spec.get("initContainers", ())]
        ranges = self._container_limits(namespace)
        for limit in ranges:
            limits = {**(limit.get("max") or {}), **(limit.get("default") or {})}
            requests = {**limits, **(limit.get("min") or {}), **(limit.get("defaultRequest") or {})}
            for container in containers:
                resources = container.setdefault("resources", {})
                given = dict(resources.get("limits") or {})
                for part, values in (("limits", limits), ("requests", {**requests, **given})):
                    for name, value in values.items():
                        resources.setdefault(part, {}).setdefault(name, value)
        if ranges:
            document["status"]["qosClass"] = qos_class(spec)

    def _limit_ranges(self, document: Document, namespace: str) -> None:
        texts = [
            text
            for limit in self._container_limits(namespace)
            for container in document["spec"].get("containers", ())
            for text in _breaches(limit, container.get("resources") or {})
        ]
        if texts:
            why = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
            raise forbidden(PODS, _name(document), why)

    def _quota(self, resource: Resource, document: Document, quota: Document) -> None:
        spec = quota.get("spec") or {}
        scopes = frozenset(spec.get("scopes") or ())
        if scopes and (resource is not PODS or not scopes <= scopes_of(document)):
            return
        hard = {name: amount(text) for name, text in (spec.get("hard") or {}).items()}
        usage = {name: value for name, value in usage_of(resource, document).items() if name in hard}
        name = quota["metadata"]["name"]
        if resource is PODS and (missing := _unnamed(document["spec"], hard)):
            raise forbidden(resource, _name(document), f"failed quota: {name}: must specify {missing}")
        if not usage:
            return
        used = self.ledger.used(document["metadata"]["namespace"], scopes)
        over = sorted(
            each
            for each, value in usage.items()
            if value.value > 0 and _at(used, each).value + value.value > hard[each].value
        )
        if over:
            shown = [_listed({each: _at(part, each) for each in over}) for part in (usage, used, hard)]
            why = f"exceeded quota: {name}, requested: {shown[0]}, used: {shown[1]}, limited: {shown[2]}"
            raise forbidden(resource, _name(document), why)

    def quota_status(self, quota: Document) -> Document:
        """The status that a quota should carry now."""
        spec = quota.get("spec") or {}
        hard = spec.get("hard") or {}
        used = self.ledger.used(quota["metadata"]["namespace"], frozenset(spec.get("scopes") or ()))
        return {"hard": dict(hard), "used": {name: str(_at(used, name)) for name in hard}}


def _name(document: Document) -> str:
    metadata = document["metadata"]
    name: str = metadata.get("name") or metadata.get("generateName") or "Unknown"
    return name


def _at(amounts: Amounts, name: str) -> Amount:
    return amounts.get(name) or amount("0")


def _listed(amounts: Amounts) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(amounts.items()))


def _unnamed(spec: Document, hard: Amounts) -> str:
    """Which containers leave out what a quota counts, as the server lists them."""
    missing: dict[str, set[str]] = {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        resources = container.get("resources") or {}
        named = set(resources.get("requests") or {})
        named |= {f"requests.{each}" for each in resources.get("requests") or {}}
        named |= {f"limits.{each}" for each in resources.get("limits") or {}}
        for each in _NAMED:
            if each in hard and each not in named:
                missing.setdefault(each, set()).add(container["name"])
    return "; ".join(f"{each} for: {','.join(sorted(names))}" for each, names in sorted(missing.items()))


def _breaches(limit: Document, resources: Document) -> list[str]:
    """How a container's resources break one limit range item."""
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    texts: list[str] = []
    for name, bound in sorted((limit.get("min") or {}).items()):
        text = f"minimum {name} usage per Container is {bound}"
        if name not in requests:
            texts.append(f"{text}.  No request is specified")
        elif amount(requests[name]).value < amount(bound).value:
            texts.append(f"{text}, but request is {requests[name]}")
        elif name in limits and amount(limits[name]).value < amount(bound).value:
            texts.append(f"{text}, but limit is {limits[name]}")
    for name, bound in sorted((limit.get("max") or {}).items()):
        text = f"maximum {name} usage per Container is {bound}"
        if name not in limits:
            texts.append(f"{text}.  No limit is specified")
        elif amount(limits[name]).value > amount(bound).value:
            texts.append(f"{text}, but limit is {limits[name]}")
        elif name in requests and amount(requests[name]).value > amount(bound).value:
            texts.append(f"{text}, but request is {requests[name]}")
    return texts
