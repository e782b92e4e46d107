"""A hub installed into a running cluster, as an operator does it, and taken out again.

with Installation(cluster, files).installed() as hub:
    ... hub.url, hub.accounts, hub.token
"""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubernetes_bed import pins, processes
from kubernetes_bed.errors import BedError

from jupyterhub_libretexts.core.catalogue import namespaces_of
from jupyterhub_libretexts.demo.accounts import DemoAccount, accounts
from jupyterhub_libretexts.settings.load import load

from . import image, objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubernetes_bed.cluster import Cluster

    from jupyterhub_libretexts.settings.models import Settings

READY_SECONDS = 120
GONE_SECONDS = 120
CONFIGURATION = Path(__file__).with_name("jupyterhub_config.py")
FACTS = {"kernels": ["python3"], "applications": ["lab", "notebook"]}
"""What the Lab image holds."""


@dataclass
class Installation:
    """One hub in one namespace, with the namespaces of its organisations."""

    cluster: Cluster
    files: Sequence[Path]
    """The settings; none for a hub with stock KubeSpawner."""
    more: str = ""
    """Further lines of the hub's configuration."""
    namespace: str = "jupyterhub"
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    """Of a service that may administer the hub by its REST API."""
    standard: str = "restricted"
    """The Pod Security standard of the hub's namespace; students who live in it need ``baseline``."""
    keys: dict[str, str] = field(
        default_factory=lambda: {
            "CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(32),
            "JUPYTERHUB_CRYPT_KEY": secrets.token_hex(32),
        }
    )
    """What hub and proxy share, and what the hub encrypts with."""
    accounts: tuple[DemoAccount, ...] = ()
    image: str = ""

    @property
    def settings(self) -> Settings:
        """The settings as the hub reads them."""
        return load(list(self.files))

    @property
    def namespaces(self) -> list[str]:
        """Of the organisations."""
        if not self.files:
            return []
        settings = self.settings
        return sorted({*namespaces_of(settings)} - {self.namespace})

    @contextlib.contextmanager
    def installed(self) -> Iterator[Installation]:
        """Install, wait until the hub answers, and remove everything at the end, whatever happens."""
        self.install()
        try:
            self.wait_until_ready()
            yield self
        finally:
            self.remove()

    def install(self) -> None:
        """Load the image and make every object; the hub is not awaited."""
        self.load_image()
        self.cluster.apply(objects.namespace(self.namespace, self.standard))
        self.apply()

    def apply(self) -> None:
        """Make or change every object; a hub that runs reads its configuration when it is started again."""
        if self.files:
            self.cluster.kubectl("apply", "--filename=-", stdin=self.rendered())
            for space in self.namespaces:
                self.cluster.kubectl(
                    "wait", "--for=create", "serviceaccount/default", f"--namespace={space}", "--timeout=30s"
                )
            self.accounts = self.demo_accounts()
        self.cluster.apply(*self.objects())

    def load_image(self) -> None:
        """Put this checkout's code onto the nodes that run hubs, under a name of its content."""
        self.image = f"localhost/hub:{image.name_of_code()}"
        with tempfile.TemporaryDirectory() as folder:
            archive = image.archive(Path(folder) / "hub.tar", pins.load(), self.image)
            self.cluster.load(archive, (self.cluster.shape.first,))

    def rendered(self) -> str:
        """The manifests as an operator gets them, by the command."""
        words = [sys.executable, "-m", "jupyterhub_libretexts.cli", "render", "manifests"]
        words += [str(file) for file in self.files]
        words += [f"--hub-namespace={self.namespace}", "--hub-service-account=hub"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BedError(f"render manifests: {done.stderr.strip()}")
        return done.stdout

    def demo_accounts(self) -> tuple[DemoAccount, ...]:
        """The accounts that the settings bring along, with passwords; none where sign-in is another."""
        settings = self.settings
        sign_in = settings.authentication
        return accounts(settings) if sign_in is not None and sign_in.provider == "demo" else ()

    def objects(self) -> list[objects.Object]:
        """The hub's own objects, as they are applied."""
        mounted = {f"{number}.yaml": file.read_text() for number, file in enumerate(self.files)}
        bed = {
            "namespace": self.namespace,
            "files": [f"/etc/libretexts/{name}" for name in mounted],
            "image_facts": {self.cluster.images["lab"]: FACTS},
        }
        people = {
            person.name: {
                "password": person.password,
                "email": person.email,
                "groups": list(person.groups),
                "admin": person.admin,
            }
            for person in self.accounts
        }
        return objects.everything(
            self.namespace,
            self.image,
            {
                "jupyterhub_config.py": CONFIGURATION.read_text(),
                "bed.json": json.dumps(bed),
                "more.py": self.more,
            },
            {
                "TESTER_TOKEN": self.token,
                **self.keys,
            },
            {"accounts.json": json.dumps(people)},
            mounted,
        )

    @property
    def url(self) -> str:
        """Where the proxy answers, inside the first node's network."""
        found = self.cluster.get("service", "proxy-public", f"--namespace={self.namespace}")
        return f"http://{found['spec']['clusterIP']}"

    def wait_until_ready(self) -> None:
        """Wait until the hub and the proxy are ready.

        Raises:
            BedError: with the end of the hub's log when they do not get so.
        """
        for name in ("proxy", "hub"):
            done = self.cluster.run(
                ["kubectl", "rollout", "status", f"deployment/{name}", f"--namespace={self.namespace}",
                 f"--timeout={READY_SECONDS}s"],
            )  # fmt: skip
            if done.returncode:
                raise BedError(f"{name} did not get ready: {done.stderr.strip()}\n{self.log()[-3000:]}")

    def log(self, *, previous: bool = False) -> str:
        """What the hub said since its container started, or in its last life."""
        words = ["logs", "deployment/hub", f"--namespace={self.namespace}", "--tail=-1"]
        return self.cluster.kubectl(*words, *(["--previous"] if previous else []), check=False)

    def hub_pod(self) -> dict[str, Any]:
        """The hub's pod; the newest where an older one is still ending."""
        pods = self.cluster.get("pods", f"--namespace={self.namespace}", "--selector=component=hub")["items"]
        if not pods:
            raise BedError("the hub has no pod")
        return max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def servers(self) -> list[str]:
        """Pods of students, in every namespace, as ``namespace/name``."""
        found = self.cluster.get("pods", "--all-namespaces", "--selector=component=singleuser-server")[
            "items"
        ]
        return sorted(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in found)

    def wait_until_no_server_is_left(self, seconds: float = 60) -> None:
        """Wait until no student's pod is there."""
        processes.wait_until(
            lambda: not self.servers(),
            seconds,
            lambda: f"these servers are left: {', '.join(self.servers())}",
            0.3,
        )

    def remove(self) -> None:
        """Remove the namespaces and what the hub has outside of them, and wait until all is gone."""
        spaces = [self.namespace, *self.namespaces]
        self.cluster.kubectl("delete", "namespace", *spaces, "--ignore-not-found", "--wait=false")
        kinds = "clusterrole,clusterrolebinding"
        ours = "--selector=app.kubernetes.io/managed-by=jupyterhub-libretexts"
        self.cluster.kubectl("delete", kinds, ours, "--ignore-not-found")
        calico = "globalnetworkpolicies.crd.projectcalico.org,ippools.crd.projectcalico.org"
        self.cluster.kubectl("delete", calico, ours, "--ignore-not-found")
        end = time.monotonic() + GONE_SECONDS
        while left := self.cluster.kubectl(
            "get", "namespace", *spaces, "--ignore-not-found", "--output=name"
        ).split():
            if time.monotonic() > end:
                raise BedError(f"still there: {', '.join(left)}")
            time.sleep(0.3)
