"""The rights that verifying networks needs, as objects: these and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.core.catalogue import namespaces_of
from jupyterhub_libretexts.core.objects import thing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyterhub_libretexts.core.objects import HubPlace, Manifest
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["ACCOUNT", "NAMESPACE", "rights"]

NAMESPACE = ACCOUNT = "libretexts-verify"
_RBAC = "rbac.authorization.k8s.io"


def rights(settings: Settings, hub: HubPlace, kinds: Iterable[tuple[str, str]]) -> tuple[Manifest, ...]:
    """A service account that may verify, and the namespace of its probes.

    Args:
        settings: The settings.
        hub: Where the hub runs.
        kinds: Group (empty for the core's) and plural of every kind that is compared.
    """
    by_group: dict[str, list[str]] = {}
    for group, plural in kinds:
        by_group.setdefault(group, []).append(plural)
    reading = [
        {"apiGroups": [group], "resources": sorted(plurals), "verbs": ["list"]}
        for group, plurals in sorted(by_group.items())
    ]
    own = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [NAMESPACE], "verbs": ["get"]}
    probing = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "delete", "list"]}]
    spaces = dict.fromkeys([NAMESPACE, hub.namespace, *namespaces_of(settings)])
    objects = [
        thing("v1", "Namespace", NAMESPACE),
        thing("v1", "ServiceAccount", ACCOUNT, NAMESPACE),
        thing(f"{_RBAC}/v1", "ClusterRole", ACCOUNT, rules=[*reading, own]),
        _bound("ClusterRole", None),
    ]
    for namespace in spaces:
        objects += [
            thing(f"{_RBAC}/v1", "Role", ACCOUNT, namespace, rules=probing),
            _bound("Role", namespace),
        ]
    for item in objects:
        # These are no part of what the settings decide, and are never compared with it.
        del item["metadata"]["labels"]
    return tuple(objects)


def _bound(kind: str, namespace: str | None) -> dict[str, Any]:
    return thing(
        f"{_RBAC}/v1",
        f"{kind}Binding",
        ACCOUNT,
        namespace,
        roleRef={"apiGroup": _RBAC, "kind": kind, "name": ACCOUNT},
        subjects=[{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
    )
