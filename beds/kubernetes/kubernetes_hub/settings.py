"""The settings of the demonstration on the real cluster: the project's example, and what this bed has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kubernetes_bed.layout import PODS, SERVICES

from jupyterhub_libretexts.hub.pages import share_path
from jupyterhub_libretexts.settings.load import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jupyterhub_libretexts.settings.models import Settings

NODES = "10.77.0.0/24"


def example() -> list[Path]:
    """The file that the documentation shows, and the accounts of the demonstration."""
    folder = share_path().parent / "examples"
    return [folder / "libretexts.yaml", folder / "demo.yaml"]


def overlay(settings: Settings, lab: str) -> dict[str, Any]:
    """What differs on the bed: one image, claims for homes, its own ranges, and no material to fetch.

    Args:
        settings: The settings without it.
        lab: The Lab image, which every node has.
    """
    return {
        "environments": {name: {"image": lab} for name in settings.environments},
        "homes": {"kind": "claim", "zfs": None, "snapshots": None},
        "networks": {name: {"addresses": None} for name in settings.networks},
        "cluster": {
            "nodes": [NODES],
            "pods": [PODS],
            "services": [SERVICES],
            "storage": [],
            "calico": {"version": "3.28", "api": "crd.projectcalico.org/v1", "pools": ["10.244.0.0/17"]},
        },
        "courses": {name: {"material": None} for name, course in settings.courses.items() if course.material},
    }


def on_the_bed(files: Sequence[Path], folder: Path, lab: str) -> list[Path]:
    """These files, and the overlay for the bed, written into a folder."""
    target = folder / "bed.yaml"
    # JSON is YAML.
    target.write_text(json.dumps(overlay(load(list(files)), lab), indent=1))
    return [*files, target]
