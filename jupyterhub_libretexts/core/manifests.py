"""Everything that a cluster must hold before the first server starts, as files.

Deterministic: the same settings give the same text, so a repository of manifests shows a diff only
where something changed.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.objects import cluster_objects, organization_objects
from jupyterhub_libretexts.core.policies import address_pools, hub_policies, network_policies, wall

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyterhub_libretexts.core.objects import HubPlace, Manifest
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["as_text", "manifests"]


def manifests(
    settings: Settings, hub: HubPlace, *, calico: bool = False
) -> Mapping[str, tuple[Manifest, ...]]:
    """All objects by file name: one file for the cluster and the hub, one for each organisation.

    Args:
        settings: The settings.
        hub: Where the hub runs.
        calico: Whether to add what only Calico understands: pools of addresses, and the wall.
    """
    shared = [*cluster_objects(hub), *hub_policies(settings, hub)]
    if calico:
        shared += [*address_pools(settings), *wall(settings)]
    files = {"00-cluster.yaml": tuple(shared)}
    for name in settings.organizations:
        files[f"10-{names.slug(name)}.yaml"] = (
            *organization_objects(settings, name, hub),
            *network_policies(settings, name, hub),
        )
    return MappingProxyType(files)


def as_text(objects: Iterable[Manifest]) -> str:
    """Objects as a YAML stream; JSON is YAML, and its text is the same wherever it is made."""
    return "".join(f"---\n{json.dumps(item, indent=2, ensure_ascii=False)}\n" for item in objects)
