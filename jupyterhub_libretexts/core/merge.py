"""Strategic merge of manifests, as Kubernetes does it for pods.

Mappings merge, null deletes, and lists of objects merge by their key where Kubernetes' API names
one (``patchMergeKey`` in the API reference); other lists are replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["merged"]

# https://kubernetes.io/docs/reference/generated/kubernetes-api/ , "patch merge key" of each list
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "env": "name",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
    "ports": "containerPort",
}


def merged(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A new manifest: the base with the patch over it; neither is changed."""
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, Mapping) else {}, value)
        elif isinstance(value, (list, tuple)) and key in _MERGE_KEYS:
            result[key] = _merged_list(result.get(key) or [], value, _MERGE_KEYS[key])
        else:
            result[key] = list(value) if isinstance(value, tuple) else value
    return result


def _merged_list(base: Any, patch: Any, key: str) -> list[Any]:
    result = list(base) if isinstance(base, (list, tuple)) else []
    places = {item[key]: place for place, item in enumerate(result) if _has(item, key)}
    for item in patch:
        if not _has(item, key):
            result.append(item)
        elif item[key] in places:
            place = places[item[key]]
            result[place] = merged(result[place], item)
        else:
            places[item[key]] = len(result)
            result.append(merged({}, item))
    return result


def _has(item: Any, key: str) -> bool:
    """Whether an item can be found by its key; what the API would refuse goes on to it as it is."""
    return isinstance(item, Mapping) and isinstance(item.get(key), (str, int))
