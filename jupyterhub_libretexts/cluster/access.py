"""Where the API server is and how this hub proves who it is.

The configuration is the one that KubeSpawner's own client would load (the pod's service account, else
KUBECONFIG, exec plugins included), because it is loaded by the same library.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import ClusterUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Access", "AccessSettings", "load_access"]


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """What an operator may set by hand; empty or None leaves it to the configuration that is found."""

    kubeconfig: str = ""
    """A kubeconfig file; then the pod's service account is not looked at."""
    host: str = ""
    """The server's address, ``https://host:port`` (KubeSpawner's ``k8s_api_host``)."""
    ca_file: str = ""
    """The authorities to trust, a PEM file (``k8s_api_ssl_ca_cert``)."""
    verify: bool | None = None
    """Whether the server's certificate is checked (``k8s_api_verify_ssl``)."""


@dataclass(frozen=True, slots=True)
class Access:
    """A way into one cluster."""

    server: str
    """``https://host:port``, without a slash at the end."""
    tls: ssl.SSLContext | None
    """One context for all connections: making one costs milliseconds. None for plain HTTP."""
    server_name: str | None
    """The name that the server's certificate must carry, where it is not the address's."""
    proxy: str | None
    """An HTTP proxy on the way."""
    authorization: Callable[[], Awaitable[str | None]]
    """The present value of the Authorization header; a rotated token file is read again."""


async def load_access(settings: AccessSettings = AccessSettings()) -> Access:
    """Find the cluster.

    Raises:
        ClusterUnavailable: No usable configuration was found; the message says where it was looked for.
    """
    configuration = await _configuration(settings)
    if settings.host:
        configuration.host = settings.host
    if settings.ca_file:
        configuration.ssl_ca_cert = settings.ca_file
    if settings.verify is not None:
        configuration.verify_ssl = settings.verify

    async def authorization() -> str | None:
        value = configuration.get_api_key_with_prefix("BearerToken")
        # Older releases of the library answer at once, newer ones with a coroutine.
        header = await value if inspect.isawaitable(value) else value
        return str(header).strip() if header else None

    server = str(configuration.host).rstrip("/")
    try:
        tls = await asyncio.to_thread(_tls_context, configuration) if server.startswith("https") else None
    except (OSError, ssl.SSLError) as error:
        raise ClusterUnavailable(f"The certificates for {server} cannot be read: {error}") from error
    return Access(
        server=server,
        tls=tls,
        server_name=getattr(configuration, "tls_server_name", None),
        proxy=configuration.proxy,
        authorization=authorization,
    )


async def _configuration(settings: AccessSettings) -> Any:
    # The library builds all of the API's models when it is imported, which takes seconds in a
    # command that may never ask a cluster; a hub has it in memory already.
    from kubernetes_asyncio import config
    from kubernetes_asyncio.client import Configuration

    found = Configuration()
    if not settings.kubeconfig:
        try:
            config.load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call]
        except config.ConfigException:
            pass
        else:
            return found
    path = os.path.expanduser(settings.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")  # noqa: ASYNC240, PTH111 - no file is touched
    try:
        await config.load_kube_config(config_file=path, client_configuration=found, persist_config=False)
    except Exception as error:  # an exec plugin may raise anything, and each means the same to us
        raise ClusterUnavailable(
            f"No way into a cluster was found: this is not a pod with a service account, and {path} "
            f"cannot be used ({type(error).__name__}: {error}). Set KUBECONFIG to a usable file."
        ) from error
    return found


def _tls_context(configuration: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if getattr(configuration, "disable_strict_ssl_verification", False):
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
