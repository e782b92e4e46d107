"""The embedded cluster: a small Kubernetes API and a node that runs pods as local processes.

It is for trying out and for tests, and it says so wherever it starts. Nothing is isolated by it:
pods are processes of the account that runs it, they share its files and its network; network
policies, roles and security contexts are stored and not enforced. What it answers, though, is
what a real cluster answers, to the word: one set of contract tests runs against both.

    resources, fields.json   what kinds there are and how they look      (data)
    answers, amounts, naming, fields, selectors, patches, validation, defaults, usage, fitting,
    pod_status               rules, pure
    store, watches, listing  objects, their versions, who is told
    admission, registry      validated writes
    events, scheduler, controllers, local_node, standin_node   what a cluster does by itself
    worker, container, shim, environment, volumes, images, limits, addresses   a pod on this machine
    routes, reading, verbs, tables, discovery, faults, requests, application   HTTP
    configuration, node_objects, cluster, __main__   one thing to start
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cluster import EmbeddedCluster
    from .configuration import ClusterSpec, NodeSpec
    from .faults import Fault
    from .images import Image, jupyter_image
    from .kernels import Kernel, kernels_present

__all__ = [
    "ClusterSpec",
    "EmbeddedCluster",
    "Fault",
    "Image",
    "Kernel",
    "NodeSpec",
    "jupyter_image",
    "kernels_present",
]

_HOMES = {
    "ClusterSpec": "configuration",
    "EmbeddedCluster": "cluster",
    "Fault": "faults",
    "Image": "images",
    "Kernel": "kernels",
    "NodeSpec": "configuration",
    "jupyter_image": "images",
    "kernels_present": "kernels",
}


def __getattr__(name: str) -> object:
    """Import on first use, so that asking for the kernels does not load a web server."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
