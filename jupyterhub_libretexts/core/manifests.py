"""Everything that a cluster must hold before the first server starts, as files.

Deterministic: the same settings give the same text, so a repository of manifests shows a diff only
where something changed.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.calico import address_pools, wall
from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.core.objects import cluster_objects, organization_objects
from jupyterhub_libretexts.core.policies import hub_policies, network_policies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyterhub_libretexts.core.objects import HubPlace, Manifest
    from jupyterhub_libretexts.settings.models import ServerRules, Settings

__all__ = ["CLUSTER_FILE", "as_text", "expected_of_operators", "manifests", "not_run"]

CLUSTER_FILE = "00-cluster.yaml"
_NOT_RUN = {
    "ClusterNetworkPolicy": "checked against the published types, and enforced by no cluster that this "
    "project runs its tests on",
    "IPPool by namespaceSelector": "written as Calico 3.31 and later read it; this project's tests run 3.28",
    "projectcalico.org/v3": "written as Calico's API server reads it; this project's tests write straight "
    "into Calico's resources",
}


def manifests(
    settings: Settings, hub: HubPlace, *, cluster_wide: bool = True
) -> Mapping[str, tuple[Manifest, ...]]:
    """All objects by file name: one file for the cluster and the hub, one for each organisation.

    Args:
        settings: The settings.
        hub: Where the hub runs.
        cluster_wide: Whether the hub may read pods and events of all namespaces, and nodes.
    """
    shared = [
        *(cluster_objects(hub) if cluster_wide else ()),
        *hub_policies(settings, hub),
        *address_pools(settings),
        *wall(settings, hub),
    ]
    files = {CLUSTER_FILE: tuple(shared)} if shared else {}
    for name in settings.organizations:
        files[f"10-{names.slug(name)}.yaml"] = (
            *organization_objects(settings, name, hub),
            *network_policies(settings, name, hub),
        )
    return MappingProxyType(files)


def as_text(objects: Iterable[Manifest]) -> str:
    """Objects as a YAML stream; JSON is YAML, and its text is the same wherever it is made."""
    return "".join(f"---\n{json.dumps(item, indent=2, ensure_ascii=False)}\n" for item in objects)


def not_run(objects: Iterable[Manifest]) -> tuple[str, ...]:
    """What among these objects no test of this project has seen at work, in words for the operator."""
    found: dict[str, str] = {}
    for item in objects:
        kind, name, version = item["kind"], item["metadata"]["name"], item["apiVersion"]
        if kind in _NOT_RUN:
            found[f"{kind} {name}"] = _NOT_RUN[kind]
        elif version in _NOT_RUN:
            found[f"{kind} {name}"] = _NOT_RUN[version]
        if kind == "IPPool" and "namespaceSelector" in item["spec"]:
            found[f"{kind} {name} by namespaceSelector"] = _NOT_RUN["IPPool by namespaceSelector"]
    return tuple(f"not run: {what}: {words}" for what, words in found.items())


def expected_of_operators(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """By namespace: what servers there name and nobody renders, so that an operator must make it.

    Secrets never pass through the settings; claims and config maps with data belong to who fills them.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, organization in settings.organizations.items():
        courses = [course for key, course in settings.courses.items() if key.partition("/")[0] == name]
        offered = dict.fromkeys([*organization.environments, *(course.environment for course in courses)])
        rules: list[ServerRules] = [
            organization,
            *(settings.environments[key] for key in offered),
            *courses,
        ]
        wanted = dict.fromkeys(item for level in rules for item in _named(level))
        if wanted:
            found[namespace_of(settings, name)] = tuple(wanted)
    return MappingProxyType(found)


def _named(rules: ServerRules) -> Iterable[str]:
    yield from (f"Secret {name}" for name in rules.pull_secrets)
    yield from (f"Secret {reference.secret}" for reference in rules.secrets)
    for data in rules.data:
        kind, name = ("PersistentVolumeClaim", data.claim) if data.claim else ("ConfigMap", data.config_map)
        yield f"{kind} {name}"
