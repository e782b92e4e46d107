"""Tables for people: what ``kubectl get`` asks for and prints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .resources import CLAIMS, EVENTS, NAMESPACES, NODES, PODS, Resource

Document = dict[str, Any]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def table(resource: Resource, documents: list[Document], version: str) -> Document:
    """A Table of objects."""
    columns = ["Name", *_COLUMNS.get(resource, ()), "Age"]
    rows = [
        {
            "cells": [each["metadata"]["name"], *_cells(resource, each), _age(each)],
            "object": {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": each["metadata"],
            },
        }
        for each in documents
    ]
    definitions = [
        {"name": name, "type": "string", "format": "name" if name == "Name" else "", "priority": 0}
        for name in columns
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [{**each, "description": each["name"]} for each in definitions],
        "rows": rows,
    }


_COLUMNS: dict[Resource, tuple[str, ...]] = {
    PODS: ("Ready", "Status", "Restarts", "IP", "Node"),
    NODES: ("Status", "Version"),
    NAMESPACES: ("Status",),
    CLAIMS: ("Status", "Volume", "Capacity", "StorageClass"),
    EVENTS: ("Type", "Reason", "Object", "Message"),
}


def _cells(resource: Resource, document: Document) -> list[str]:
    status, spec = document.get("status") or {}, document.get("spec") or {}
    if resource is PODS:
        return _pod_cells(document, spec, status)
    if resource is NODES:
        ready = any(
            each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ()
        )
        return ["Ready" if ready else "NotReady", (status.get("nodeInfo") or {}).get("kubeletVersion", "")]
    if resource is NAMESPACES:
        return [status.get("phase", "")]
    if resource is CLAIMS:
        capacity = (status.get("capacity") or {}).get("storage", "")
        return [
            status.get("phase", ""),
            spec.get("volumeName", ""),
            capacity,
            spec.get("storageClassName", ""),
        ]
    if resource is EVENTS:
        about = document.get("involvedObject") or {}
        where = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
        return [document.get("type", ""), document.get("reason", ""), where, document.get("message", "")]
    return []


def _pod_cells(document: Document, spec: Document, status: Document) -> list[str]:
    containers = status.get("containerStatuses") or []
    word = status.get("reason") or status.get("phase", "")
    for container in containers:
        state = container.get("state") or {}
        for part in ("waiting", "terminated"):
            word = (state.get(part) or {}).get("reason") or word
    if document["metadata"].get("deletionTimestamp"):
        word = "Terminating"
    ready = sum(1 for each in containers if each.get("ready"))
    restarts = sum(each.get("restartCount", 0) for each in containers)
    total = len(spec.get("containers") or ())
    return [f"{ready}/{total}", word, str(restarts), status.get("podIP", ""), spec.get("nodeName", "")]


def _age(document: Document) -> str:
    created = datetime.fromisoformat(document["metadata"]["creationTimestamp"])
    seconds = int((datetime.now(UTC) - created).total_seconds())
    if seconds < _MINUTE:
        return f"{seconds}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m"
    return f"{seconds // _HOUR}h" if seconds < _DAY else f"{seconds // _DAY}d"
