"""What a demonstration is made of, from the settings and from what this machine has."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.core.catalogue import namespaces_of
from jupyterhub_libretexts.demo.cluster.kernels import kernels_present

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["cluster_document", "image_facts", "machine_overlay"]


def image_facts(settings: Settings) -> dict[str, dict[str, list[str]]]:
    """What images hold here: every image is this machine's own Jupyter."""
    applications = [
        name for name, module in (("lab", "jupyterlab"), ("notebook", "notebook")) if find_spec(module)
    ]
    if shutil.which("rserver") and find_spec("jupyter_rsession_proxy"):
        applications.append("rstudio")
    facts = {"kernels": sorted(kernels_present()), "applications": applications}
    return {environment.image: facts for environment in settings.environments.values()}


def machine_overlay(settings: Settings, homes: Path, material: Mapping[str, str]) -> dict[str, Any]:
    """The last overlay: where homes lie here, where material is, and that GPUs are only counted.

    Args:
        settings: The settings without it.
        homes: The folder that holds them.
        material: Addresses by course.
    """
    nothing = {"zfs": None, "snapshots": None, "storageClass": None}
    overlay: dict[str, Any] = {"homes": {"kind": "folder", "folder": str(homes), **nothing}}
    if settings.gpus:
        overlay["gpus"] = {
            name: {"title": f"{gpu.title} (only counted: the demonstration has no GPU)"[:200]}
            for name, gpu in settings.gpus.items()
        }
    if material:
        overlay["courses"] = {course: {"material": address} for course, address in material.items()}
    return overlay


def cluster_document(settings: Settings, homes: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """The embedded cluster, as its configuration file says it."""
    nodes: list[dict[str, Any]] = [{"name": "demo"}]
    for name, gpu in settings.gpus.items():
        shares = sum(
            organization.gpus[name].total
            for organization in settings.organizations.values()
            if name in organization.gpus
        )
        nodes.append(
            {
                "name": f"demo-{name}"[:63].rstrip("-."),
                "resources": {gpu.resource: str(gpu.total if gpu.total is not None else shares)},
                "labels": dict(gpu.node_labels),
                "taints": [
                    {"key": each.key, "value": each.value or "present", "effect": each.effect or "NoSchedule"}
                    for each in gpu.tolerations
                ],
            }
        )
    return {
        "nodes": nodes,
        "images": [{"pattern": "*", "environment": dict(variables)}],
        "namespaces": sorted(namespaces_of(settings)),
        "host_roots": [str(homes)],
    }
