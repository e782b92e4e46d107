"""The hub's address as a server in another namespace must write it."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

__all__ = ["from_namespace", "own_namespace"]

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def own_namespace(configured: str) -> str:
    """The namespace in which this hub runs.

    Args:
        configured: KubeSpawner's own, where the hub is in no pod.
    """
    # Zero to JupyterHub tells the hub by this variable; every pod with a token finds the file.
    told = os.environ.get("POD_NAMESPACE")
    if told:
        return told
    try:
        return _ACCOUNT.read_text(encoding="utf8").strip() or configured
    except OSError:
        return configured


def from_namespace(url: str, hub: str, servers: str) -> str | None:
    """The hub's address for servers, or None where the one that is configured serves them.

    A bare name, as Zero to JupyterHub configures it, is looked up in the namespace of who asks
    (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#namespaces-of-services).

    Args:
        url: Where the hub says that it is reached.
        hub: The namespace of the hub.
        servers: The namespace of the server.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if hub == servers or not host or "." in host or host == "localhost" or _is_address(host):
        return None
    port = f":{parts.port}" if parts.port is not None else ""
    return urlunsplit((parts.scheme, f"{host}.{hub}.svc{port}", "", "", ""))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
