"""What a document must hold beyond its shape, and what a write may change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .amounts import amount
from .answers import Cause
from .naming import label_causes, label_mistakes, metadata_causes
from .resources import CLAIMS, CONFIG_MAPS, PODS, SECRETS, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

Document = dict[str, Any]

_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_STANDARD = {"cpu", "memory", "ephemeral-storage"}
_LONGEST_DEADLINE = 2**31 - 1
_MOST_DATA = 1024 * 1024  # Bytes in one secret or configuration map.
_POD_CHANGES = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
    "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)
_CLAIM_CHANGES = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName "
    "for bound claims"
)


def causes(resource: Resource, document: Document) -> list[Cause]:
    """Everything wrong with a document; empty when it may be stored."""
    found = list(metadata_causes(resource, document["metadata"]))
    if resource is PODS:
        found += _pod(document.get("spec") or {})
    elif resource in (SECRETS, CONFIG_MAPS):
        found += _data(document)
    elif resource is CLAIMS:
        found += _claim(document.get("spec") or {})
    return found


def _data(document: Document) -> Iterator[Cause]:
    data = document.get("data") or {}
    for key in data:
        if not _KEY.fullmatch(key):
            yield Cause(f"data[{key}]", "FieldValueInvalid", key, _KEY_TEXT)
    if sum(map(len, data.values())) > _MOST_DATA:
        yield Cause("data", "FieldValueTooLong", detail=f"may not be more than {_MOST_DATA} bytes")


def _claim(spec: Document) -> Iterator[Cause]:
    if not spec.get("accessModes"):
        yield Cause("spec.accessModes", "FieldValueRequired", detail="at least 1 access mode is required")
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if storage is None:
        yield Cause("spec.resources[storage]", "FieldValueRequired")
    elif amount(storage).value <= 0:
        yield Cause("spec.resources[storage]", "FieldValueInvalid", storage, "must be greater than zero")


def _pod(spec: Document) -> Iterator[Cause]:
    volumes = [volume.get("name", "") for volume in spec.get("volumes") or ()]
    for index, name in enumerate(volumes):
        field = f"spec.volumes[{index}].name"
        if name in volumes[:index]:
            yield Cause(field, "FieldValueDuplicate", name)
        yield from (Cause(field, "FieldValueInvalid", name, text) for text in label_mistakes(name))
    if not spec.get("containers"):
        yield Cause("spec.containers", "FieldValueRequired")
    names: list[str] = []
    for part in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(part) or ()):
            yield from _container(container, f"spec.{part}[{index}]", volumes, names)
    if (policy := spec.get("restartPolicy")) not in ("Always", "OnFailure", "Never"):
        detail = 'supported values: "Always", "Never", "OnFailure"'
        yield Cause("spec.restartPolicy", "FieldValueNotSupported", policy, detail)
    yield from label_causes(spec.get("nodeSelector") or {}, "spec.nodeSelector")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _LONGEST_DEADLINE:
        detail = f"must be between 1 and {_LONGEST_DEADLINE}, inclusive"
        yield Cause("spec.activeDeadlineSeconds", "FieldValueInvalid", deadline, detail)


def _container(container: Document, path: str, volumes: list[str], names: list[str]) -> Iterator[Cause]:
    name = container.get("name", "")
    if not name:
        yield Cause(f"{path}.name", "FieldValueRequired")
    else:
        for text in label_mistakes(name):
            yield Cause(f"{path}.name", "FieldValueInvalid", name, text)
        if name in names:
            yield Cause(f"{path}.name", "FieldValueDuplicate", name)
        names.append(name)
    if not container.get("image"):
        yield Cause(f"{path}.image", "FieldValueRequired")
    for index, variable in enumerate(container.get("env") or ()):
        if not variable.get("name"):
            yield Cause(f"{path}.env[{index}].name", "FieldValueRequired")
        if variable.get("value") and variable.get("valueFrom"):
            detail = "may not be specified when `value` is not empty"
            yield Cause(f"{path}.env[{index}].valueFrom", "FieldValueInvalid", "", detail)
    yield from _mounts(container, path, volumes)
    policy = container.get("imagePullPolicy")
    if policy not in ("Always", "IfNotPresent", "Never"):
        detail = 'supported values: "Always", "IfNotPresent", "Never"'
        yield Cause(f"{path}.imagePullPolicy", "FieldValueNotSupported", policy, detail)
    yield from _resources(container.get("resources") or {}, f"{path}.resources")


def _mounts(container: Document, path: str, volumes: list[str]) -> Iterator[Cause]:
    places: list[str] = []
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        field = f"{path}.volumeMounts[{index}]"
        if not mount.get("name"):
            yield Cause(f"{field}.name", "FieldValueRequired")
        if mount.get("name", "") not in volumes:
            yield Cause(f"{field}.name", "FieldValueNotFound", mount.get("name", ""))
        place = mount.get("mountPath", "")
        if not place:
            yield Cause(f"{field}.mountPath", "FieldValueRequired")
        if place in places:
            yield Cause(f"{field}.mountPath", "FieldValueInvalid", place, "must be unique")
        places.append(place)
        inner = str(mount.get("subPath", ""))
        if inner.startswith("/"):
            yield Cause(f"{path}.volumeMounts.subPath", "FieldValueInvalid", inner, "must be a relative path")
        if ".." in inner.split("/"):
            yield Cause(f"{path}.volumeMounts.subPath", "FieldValueInvalid", inner, "must not contain '..'")


def _resources(resources: Document, path: str) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for part, amounts in (("limits", limits), ("requests", requests)):
        for name, text in amounts.items():
            yield from _resource(name, text, f"{path}.{part}[{name}]")
    for name, text in requests.items():
        ordinary = name in _STANDARD
        if name not in limits:
            if not ordinary:
                detail = "Limit must be set for non overcommitable resources"
                yield Cause(f"{path}.limits", "FieldValueRequired", detail=detail)
        elif not ordinary and amount(text).value != amount(limits[name]).value:
            detail = f"must be equal to {name} limit of {limits[name]}"
            yield Cause(f"{path}.requests", "FieldValueInvalid", text, detail)
        elif amount(text).value > amount(limits[name]).value:
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            yield Cause(f"{path}.requests", "FieldValueInvalid", text, detail)


def _resource(name: str, text: str, field: str) -> Iterator[Cause]:
    if "/" not in name and name not in _STANDARD and not name.startswith("hugepages-"):
        yield Cause(field, "FieldValueInvalid", name, "must be a standard resource for containers")
    value = amount(text).value
    if value < 0:
        yield Cause(field, "FieldValueInvalid", text, "must be greater than or equal to 0")
    if "/" in name and value.denominator != 1:
        yield Cause(field, "FieldValueInvalid", text, "must be an integer")


def update_causes(resource: Resource, new: Document, old: Document) -> list[Cause]:
    """What a write changes that may not change.

    The real server appends the difference of the two specifications to these texts; it is left out.
    """
    found: list[Cause] = []
    if resource is PODS and _fixed_pod(new, old) != _fixed_pod(old, old):
        found.append(Cause("spec", "FieldValueForbidden", detail=_POD_CHANGES))
    if resource is CLAIMS and _fixed_claim(new) != _fixed_claim(old):
        found.append(Cause("spec", "FieldValueForbidden", detail=_CLAIM_CHANGES))
    if resource is SECRETS and new.get("type") != old.get("type"):
        found.append(Cause("type", "FieldValueInvalid", new.get("type"), "field is immutable"))
    if resource in (SECRETS, CONFIG_MAPS) and old.get("immutable") and new.get("data") != old.get("data"):
        detail = "field is immutable when `immutable` is set"
        found.append(Cause("data", "FieldValueForbidden", detail=detail))
    return found


def _fixed_pod(document: Document, old: Document) -> Document:
    spec = dict(document.get("spec") or {})
    for part in ("containers", "initContainers"):
        spec[part] = [{**each, "image": ""} for each in spec.get(part) or ()]
    spec.pop("activeDeadlineSeconds", None)
    added = spec.pop("tolerations", None) or []
    kept = (old.get("spec") or {}).get("tolerations") or []
    spec["lost tolerations"] = [each for each in kept if each not in added]
    return spec


def _fixed_claim(document: Document) -> Document:
    spec = dict(document.get("spec") or {})
    resources = {
        key: value for key, value in (spec.pop("resources", None) or {}).items() if key != "requests"
    }
    # The cluster itself fills these two in when it binds the claim.
    return {key: value for key, value in spec.items() if key not in ("volumeName", "storageClassName")} | {
        "resources": resources
    }
