"""Put a plan onto KubeSpawner's own manifest, made fresh at each start.

Only here do the plan's lists and mappings meet a pod; nothing is kept on the spawner, so nothing of
an earlier choice can stay on a later start.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from kubernetes_asyncio.client import ApiClient, models
from kubespawner.utils import get_k8s_model

from jupyterhub_libretexts.core.nodes import narrowed_terms
from jupyterhub_libretexts.core.pod import CONTAINER, with_operator_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyterhub_libretexts.core.plan import PodPlan

__all__ = ["final_manifest", "place"]


def place(pod: models.V1Pod, plan: PodPlan) -> models.V1Pod:
    """Add a plan to a pod that KubeSpawner has just made, and return the same pod."""
    part, spec = plan.part, pod.spec
    pod.metadata.labels = {**(pod.metadata.labels or {}), **part.labels}
    pod.metadata.annotations = {**(pod.metadata.annotations or {}), **part.annotations}
    if part.node_labels:
        spec.node_selector = {**(spec.node_selector or {}), **part.node_labels}
    if part.avoided_nodes:
        _keep_off(spec, part.avoided_nodes)
    spec.tolerations = [
        *(spec.tolerations or []),
        *(get_k8s_model(models.V1Toleration, dict(value)) for value in part.tolerations.values()),
    ]
    spec.volumes = _replaced(spec.volumes, "name", (_volume(*item) for item in part.volumes.items()))
    have = {secret.name for secret in spec.image_pull_secrets or []}
    pull_secrets = [
        *(spec.image_pull_secrets or []),
        *(models.V1LocalObjectReference(name=name) for name in part.pull_secrets if name not in have),
    ]
    if pull_secrets:
        spec.image_pull_secrets = pull_secrets
    if plan.longest is not None:
        spec.active_deadline_seconds = min(plan.longest, spec.active_deadline_seconds or plan.longest)
    container = next(container for container in spec.containers if container.name == CONTAINER)
    container.volume_mounts = _replaced(
        container.volume_mounts, "mount_path", (_mount(*item) for item in part.mounts.items())
    )
    container.env = [
        *(container.env or []),
        *(
            models.V1EnvVar(name=name, value_from=get_k8s_model(models.V1EnvVarSource, dict(value)))
            for name, value in part.secret_variables.items()
        ),
    ]
    if part.devices:
        resources = container.resources
        resources.limits = {**(resources.limits or {}), **part.devices}
        resources.requests = {**(resources.requests or {}), **part.devices}
    return pod


def final_manifest(thing: Any, plan: PodPlan | None = None) -> dict[str, Any]:
    """An object of the client's as it is sent: plain data, the operator's own words merged last."""
    plain: dict[str, Any] = _serializer().sanitize_for_serialization(thing)
    return plain if plan is None else with_operator_words(plain, plan)


@cache
def _serializer() -> ApiClient:
    # Serializing needs none of a client but its method; made without the connections of one.
    return ApiClient.__new__(ApiClient)


def _keep_off(spec: models.V1PodSpec, avoided: Mapping[str, Mapping[str, str]]) -> None:
    """Narrow the node affinity that the hub's configuration asks for."""
    affinity = spec.affinity = spec.affinity or models.V1Affinity()
    of_node = affinity.node_affinity = affinity.node_affinity or models.V1NodeAffinity()
    required = of_node.required_during_scheduling_ignored_during_execution
    present = final_manifest(required)["nodeSelectorTerms"] if required is not None else ()
    of_node.required_during_scheduling_ignored_during_execution = get_k8s_model(
        models.V1NodeSelector, {"nodeSelectorTerms": narrowed_terms(present, avoided.values())}
    )


def _replaced(present: list[Any] | None, key: str, added: Iterable[Any]) -> list[Any]:
    """The list with each added item in the place of the one that has its key, or at the end."""
    items = {getattr(item, key): item for item in present or []}
    items.update((getattr(item, key), item) for item in added)
    return list(items.values())


def _volume(name: str, value: Mapping[str, Any]) -> models.V1Volume:
    volume: models.V1Volume = get_k8s_model(models.V1Volume, {"name": name, **value})
    return volume


def _mount(path: str, value: Mapping[str, Any]) -> models.V1VolumeMount:
    mount: models.V1VolumeMount = get_k8s_model(models.V1VolumeMount, {"mountPath": path, **value})
    return mount
