"""What an embedded cluster is made of: its nodes, its images, its manners."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jupyterhub_libretexts.errors import UsageError

from .images import Image, jupyter_image

if TYPE_CHECKING:
    from collections.abc import Mapping

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node."""

    name: str = "local"
    kind: Literal["local", "standin"] = "local"
    """local: each pod's command runs as a process. standin: pods only seem to run."""
    cpu: str = "64"
    memory: str = "256Gi"
    pods: int = 110
    resources: Mapping[str, str] = field(default_factory=dict)
    """Extended resources: ``{"nvidia.com/mig-1g.10gb": "4"}``."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """A whole cluster."""

    nodes: tuple[NodeSpec, ...] = (NodeSpec(),)
    images: tuple[Image, ...] = field(default_factory=lambda: (jupyter_image(),))
    """Tried in order; an image that no pattern matches does not exist."""
    namespaces: tuple[str, ...] = ()
    """Made besides default, kube-system and the like."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 for any free one."""
    folder: Path | None = None
    """Where pods' files and the kubeconfig go; None for a temporary folder."""
    host_roots: tuple[Path, ...] = ()
    """Folders of this machine that pods may mount by ``hostPath``."""
    token: str = ""
    """The bearer token; empty for a new one at each start."""
    history: int = 20_000
    """Changes of a kind that a watch can start from; older versions answer 410."""
    bookmarks: float = 60.0
    """Seconds between two bookmarks."""
    back_off: float = 10.0
    """Seconds before a node tries a failed image or container again; doubled each time."""
    start_seconds: float = 0.05
    """How long a stand-in pod takes to start."""
    events: bool = True
    """Whether stand-in pods write the events of a start."""
    memory_limits: bool = True
    """Whether memory limits are enforced, as far as this machine can."""
    control: bool = False
    """Whether faults and counters are offered over HTTP under /control."""
    stand_in_port: int = 8888
    hub_version: str = "5.0"
    """The version of JupyterHub that the stand-in server claims."""


def loaded(path: Path) -> ClusterSpec:
    """A cluster from a JSON file with the keys of ClusterSpec.

    Raises:
        UsageError: The file cannot be read, or a key or value of it makes no sense.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path}: one JSON object is wanted")
    return spec_from(document, str(path))


def spec_from(document: Document, where: str) -> ClusterSpec:
    """A cluster from its JSON form.

    Raises:
        UsageError: A key is unknown.
    """
    values = _known(document, ClusterSpec, where)
    if "nodes" in values:
        values["nodes"] = tuple(
            NodeSpec(**_taints(_known(node, NodeSpec, f"{where}: nodes"))) for node in values["nodes"]
        )
    if "images" in values:
        values["images"] = tuple(_image(each, f"{where}: images") for each in values["images"])
    values["namespaces"] = tuple(values.get("namespaces", ()))
    values["host_roots"] = tuple(Path(each) for each in values.get("host_roots", ()))
    if values.get("folder"):
        values["folder"] = Path(values["folder"])
    return ClusterSpec(**values)


def _known(document: Document, kind: type, where: str) -> Document:
    allowed = [each.name for each in fields(kind)]
    for key in document:
        if key not in allowed:
            raise UsageError(f"{where}: {key!r} is not known; allowed: {', '.join(allowed)}")
    return dict(document)


def _taints(values: Document) -> Document:
    return {**values, "taints": tuple(values.get("taints", ()))}


def _image(document: Document, where: str) -> Image:
    values = _known(document, Image, where)
    for key in ("path", "command", "entrypoint"):
        if key in values:
            values[key] = tuple(values[key])
    if "programs" in values:
        values["programs"] = {name: tuple(words) for name, words in values["programs"].items()}
    pattern = values.pop("pattern")
    return jupyter_image(pattern, **values)
