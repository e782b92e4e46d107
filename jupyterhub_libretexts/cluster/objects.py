"""What is kept of the objects that the API server sends, and how two versions of one compare.

Pure functions over the plain dictionaries of the Kubernetes API.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["Event", "Pod", "at_least", "pod_of", "ref_of", "trimmed_event", "trimmed_pod", "version_of"]

Pod = dict[str, Any]
"""A pod as the API sends it, without what :func:`trimmed_pod` drops."""
Event = dict[str, Any]
"""An event as the API sends it, without what :func:`trimmed_event` drops."""

# A stored pod answers: does it run, where, with which resources, whose is it. The rest of a spec
# (environment with tokens, probes, volumes) is four fifths of its size, and secrets are not kept.
SPEC_KEYS: Final = (
    "nodeName",
    "schedulingGates",
    "activeDeadlineSeconds",
    "priorityClassName",
    "terminationGracePeriodSeconds",
)
CONTAINER_KEYS: Final = ("name", "image", "ports", "resources")
DROPPED_ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"
EVENT_KEYS: Final = (
    "type",
    "reason",
    "message",
    "count",
    "series",
    "firstTimestamp",
    "lastTimestamp",
    "eventTime",
    "reportingComponent",
    "source",
)
EVENT_METADATA_KEYS: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
INVOLVED_KEYS: Final = ("kind", "namespace", "name", "uid", "fieldPath")
LONGEST_MESSAGE: Final = 4096


def ref_of(namespace: str, name: str) -> str:
    """The key of a pod everywhere in this room: ``namespace/name``, as KubeSpawner's reflectors write it."""
    return f"{namespace}/{name}"


def pod_of(event: Event) -> str | None:
    """The key of the pod that an event tells about; None when it tells about something else."""
    involved = event.get("involvedObject") or {}
    if involved.get("kind") != "Pod" or not involved.get("name"):
        return None
    namespace = involved.get("namespace") or event["metadata"].get("namespace", "")
    return ref_of(namespace, involved["name"])


def version_of(thing: dict[str, Any]) -> str:
    """The resourceVersion of an object or a list; empty when it has none."""
    return str((thing.get("metadata") or {}).get("resourceVersion") or "")


def at_least(candidate: str, known: str) -> bool:
    """Whether ``candidate`` is the same resourceVersion as ``known`` or a later one.

    Versions of one cluster are growing integers. Where one of them is not, nothing can be said about
    the order, and what was heard last counts.
    """
    if candidate.isdecimal() and known.isdecimal():
        return int(candidate) >= int(known)
    return True


def trimmed_pod(pod: Pod) -> Pod:
    """A copy of ``pod`` that is worth its memory: who, where, which resources, and the whole status."""
    metadata = {key: value for key, value in pod["metadata"].items() if key != "managedFields"}
    annotations = metadata.get("annotations")
    if annotations and DROPPED_ANNOTATION in annotations:
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != DROPPED_ANNOTATION}
    spec = pod.get("spec") or {}
    kept = {key: spec[key] for key in SPEC_KEYS if key in spec}
    for key in ("containers", "initContainers"):
        if key in spec:
            kept[key] = [
                {name: each[name] for name in CONTAINER_KEYS if name in each} for each in spec[key] or ()
            ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": kept,
        "status": pod.get("status") or {},
    }


def trimmed_event(event: Event) -> Event:
    """A copy of ``event`` with what progress pages and explanations read.

    ``lastTimestamp`` and ``eventTime`` are always there, since readers ask for one or the other.
    """
    metadata = event["metadata"]
    involved = event.get("involvedObject") or {}
    kept: Event = {"lastTimestamp": None, "eventTime": None, "type": "Normal", "reason": "", "message": ""}
    kept |= {key: event[key] for key in EVENT_KEYS if event.get(key) is not None}
    kept["message"] = str(kept["message"])[:LONGEST_MESSAGE]
    kept["metadata"] = {key: metadata[key] for key in EVENT_METADATA_KEYS if key in metadata}
    kept["involvedObject"] = {key: involved[key] for key in INVOLVED_KEYS if key in involved}
    return kept
