"""The ground of our spawner: its settings, what all spawners share, and what the cluster is known to hold.

KubeSpawner looks at the cluster through reflectors, one for each namespace; here the one informer answers.
Without settings everything is KubeSpawner's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from jupyterhub.utils import url_path_join
from kubespawner import KubeSpawner
from traitlets import Bool, Dict, Float, List, Unicode, Union

from jupyterhub_libretexts.cluster.access import AccessSettings
from jupyterhub_libretexts.hub.progress import progress
from jupyterhub_libretexts.hub.shared import Shared, SharedRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from jupyterhub_libretexts.cluster.objects import Event, Pod

__all__ = ["InformedSpawner"]


class _Pods:
    """Looks to KubeSpawner like its own reflector."""

    def __init__(self, pods: Mapping[str, Pod]) -> None:
        self.pods = pods


class InformedSpawner(KubeSpawner):  # type: ignore[misc]  # KubeSpawner ships no types
    """KubeSpawner that knows its cluster from our informer."""

    settings_file = Union(
        [Unicode(), List(Unicode())],
        config=True,
        help="""
        The settings: one file, or a list of files of which each overlays those before it.

        Without it this spawner behaves as KubeSpawner. A changed file is taken up without a restart;
        a bad edit keeps the last good settings and is said in the log.
        """,
    )
    image_facts = Dict(
        config=True,
        help="""
        What images are known to hold: ``{image: {"kernels": [...], "applications": [...]}}``, over what
        ``images.lock.json`` beside the first settings file says (`image inspect --lock` writes it).

        An environment whose kernel or application its image lacks is shown with that reason and cannot
        be started. An image of which nothing is known is taken at its word.
        """,
    )
    store_url = Unicode(
        "sqlite://",
        config=True,
        help="""
        Where the waiting line and the usage are kept, as an address of SQLAlchemy.

        ``configure`` sets it beside the hub's database; without it nothing survives the hub.
        """,
    )
    allow_demo_accounts = Bool(
        False,
        config=True,
        help="Accept settings whose sign-in is the demonstration's. For trying out only.",
    )

    sweep_interval = Float(
        60.0,
        min=0.5,
        config=True,
        help="""
        Seconds between two looks for pods that this hub started and no longer knows.

        One that is found twice in a row is ended: after the hub's database was lost or set back, or
        after the cluster refused to delete it.
        """,
    )

    _shares: ClassVar[SharedRegistry] = SharedRegistry()

    @property
    def has_settings(self) -> bool:
        """Whether this spawner works by settings, or as plain KubeSpawner."""
        return bool(self.settings_file)

    @property
    def shared(self) -> Shared:
        """What all spawners of this hub share.

        Raises:
            SettingsError: The files cannot be used and never could be.
        """
        files = (self.settings_file,) if isinstance(self.settings_file, str) else tuple(self.settings_file)
        access = AccessSettings(
            host=self.k8s_api_host, ca_file=self.k8s_api_ssl_ca_cert, verify=self.k8s_api_verify_ssl
        )
        return self._shares.shared(files, access, self.log, self.store_url)

    @property
    def reports_to(self) -> str:
        """Where servers report to, as JupyterHub writes it into their environment (`Spawner.get_env`)."""
        address: str = self.hub.api_url
        if self.hub_connect_url is not None:
            return str(url_path_join(self.hub_connect_url, urlsplit(address).path))
        return address

    @property
    def pod_reference(self) -> str:
        """This server's pod as ``namespace/name``."""
        return f"{self.namespace}/{self.pod_name}"

    @property
    def pod(self) -> Pod | None:
        """This server's pod as it is known now."""
        return self.shared.informer.pod(self.namespace, self.pod_name) if self.has_settings else None

    async def _start_watching_pods(self, replace: bool = False) -> Any:
        if not self.has_settings:
            return await super()._start_watching_pods(replace)
        await self.shared.informer.ensure(self.namespace)
        return None

    async def _start_watching_events(self, replace: bool = False) -> Any:
        if not self.has_settings:
            return await super()._start_watching_events(replace)
        return await self._start_watching_pods(replace)

    @property
    def pod_reflector(self) -> Any:
        """Pods as KubeSpawner looks them up."""
        return _Pods(self.shared.informer.pods) if self.has_settings else super().pod_reflector

    @property
    def events(self) -> list[Event]:
        """What the cluster told about this start's pod, oldest first."""
        if not self.has_settings:
            return super().events  # type: ignore[no-any-return]
        pod = self.shared.informer.pod(self.namespace, self.pod_name)
        uid = pod["metadata"].get("uid") if pod is not None else None
        return self.shared.informer.events(self.namespace, self.pod_name, uid)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What happens to a start, in plain words."""
        steps = progress(self) if self.has_settings else super().progress()
        async for step in steps:
            yield step
