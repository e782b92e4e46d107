"""From a plan to a pod: what is put onto a manifest, and what must still hold when others changed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.core.merge import merged
from jupyterhub_libretexts.core.nodes import keeps_off

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyterhub_libretexts.core.plan import PodPlan

__all__ = ["CONTAINER", "patch", "violations", "with_operator_words"]

CONTAINER = "notebook"
"""Name of the student's container, KubeSpawner's."""


def patch(plan: PodPlan) -> dict[str, Any]:
    """The strategic merge patch that a plan is. Lists that are replaced when merged are left out."""
    part = plan.part
    container: dict[str, Any] = {
        "name": CONTAINER,
        "volumeMounts": [{"mountPath": path, **mount} for path, mount in part.mounts.items()],
        "env": [{"name": name, "valueFrom": value} for name, value in part.secret_variables.items()],
        "resources": {"limits": dict(part.devices), "requests": dict(part.devices)},
    }
    spec: dict[str, Any] = {
        "containers": [container],
        "volumes": [{"name": name, **volume} for name, volume in part.volumes.items()],
        "imagePullSecrets": [{"name": name} for name in part.pull_secrets],
        "nodeSelector": dict(part.node_labels),
    }
    if plan.longest is not None:
        spec["activeDeadlineSeconds"] = plan.longest
    return {
        "metadata": {"labels": dict(part.labels), "annotations": dict(part.annotations)},
        "spec": spec,
    }


def with_operator_words(manifest: Mapping[str, Any], plan: PodPlan) -> dict[str, Any]:
    """The manifest with the operator's ``pod:`` merged into its specification."""
    return merged(manifest, {"spec": plan.pod}) if plan.pod else dict(manifest)


def violations(manifest: Mapping[str, Any], plan: PodPlan) -> tuple[str, ...]:
    """What a manifest says against the plan's policy, in words; nothing when it may be sent.

    Hooks of the operator run after the plan, so the last word before a pod is sent is this one.
    """
    spec = manifest.get("spec") or {}
    metadata = manifest.get("metadata") or {}
    labels, annotations, found = metadata.get("labels") or {}, metadata.get("annotations") or {}, []
    if metadata.get("namespace") not in (None, plan.namespace):
        found.append(f"namespace is {metadata['namespace']}, and the plan says {plan.namespace}")
    for key, value in plan.part.labels.items():
        if labels.get(key) != value:
            found.append(f"label {key} is {labels.get(key)!r}, and the plan says {value!r}")
    for key, value in plan.part.annotations.items():
        # Limits are counted by these.
        if annotations.get(key) != value:
            found.append(f"annotation {key} is {annotations.get(key)!r}, and the plan says {value!r}")
    if plan.longest is not None and (spec.get("activeDeadlineSeconds") or 1 << 62) > plan.longest:
        found.append(f"activeDeadlineSeconds is more than the plan's {plan.longest}")
    selector = spec.get("nodeSelector") or {}
    for key, value in plan.part.node_labels.items():
        if selector.get(key) != value:
            found.append(f"nodeSelector {key} is {selector.get(key)!r}, and the plan says {value!r}")
    for flavour, avoided in plan.part.avoided_nodes.items():
        if not keeps_off(spec, avoided):
            found.append(f"it may run on the nodes of the GPU {flavour}, and the plan keeps it off them")
    found.extend(_devices(spec, plan))
    return tuple(found)


def _devices(spec: Mapping[str, Any], plan: PodPlan) -> list[str]:
    """Extended resources beyond those of the plan, over all containers of the pod."""
    asked: dict[str, int] = {}
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        for name, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            if "/" in name:
                asked[name] = asked.get(name, 0) + int(amount)
    return [
        f"{name}: {amount} asked for, and the plan says {plan.part.devices.get(name, '0')}"
        for name, amount in asked.items()
        if amount != int(plan.part.devices.get(name, "0"))
    ] + [f"{name} is missing" for name in plan.part.devices if name not in asked]
