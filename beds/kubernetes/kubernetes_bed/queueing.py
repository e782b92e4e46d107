"""Kueue in the cluster: a line for pods that wait, run by the cluster and not by the hub.

It is installed as its own manifests have it (``config/default`` of its module), in an image of its one
program. Its certificates are its own; they reach its pod by the kubelet, which takes up to a minute.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import archives, compiler, pins
from .errors import BedError

if TYPE_CHECKING:
    from .cluster import Cluster

IMAGE = "localhost/kueue:1"
READY_SECONDS = 180
SPACE = "kueue-system"


def install(cluster: Cluster) -> None:
    """Install Kueue into a running cluster and return when it takes queues and tells who waits.

    Raises:
        BedError: It cannot be built, or does not get ready.
    """
    found = pins.load()
    compiler.compile_parts(found, ["kueue"])
    place = compiler.place_of(found.part("kueue"))
    with tempfile.TemporaryDirectory() as work:
        layer = archives.layer(Path(work) / "layer", {"manager": place / "bin/kueue", "tmp": 0o1777})
        image = archives.Image(IMAGE, [], user="65532:65532")
        cluster.load(archives.archive(Path(work) / "kueue.tar", image, [layer]))
    rendered = cluster.kubectl("kustomize", str(place / "config/default"))
    # Every node has the image, and there is no registry to ask.
    rendered = re.sub(r"^( +image:) \S+$", rf"\1 {IMAGE}", rendered, flags=re.MULTILINE)
    rendered = rendered.replace("imagePullPolicy: Always", "imagePullPolicy: Never")
    # Its definitions are larger than what a client may note about them.
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=rendered)
    for what in ("deployment/kueue-controller-manager", "apiservice/v1beta2.visibility.kueue.x-k8s.io"):
        done = cluster.run(
            ["kubectl", "wait", "--for=condition=Available", what, f"--namespace={SPACE}",
             f"--timeout={READY_SECONDS}s"]
        )  # fmt: skip
        if done.returncode:
            log = cluster.kubectl(
                "logs", "deployment/kueue-controller-manager", f"--namespace={SPACE}", check=False
            )
            raise BedError(f"{what} did not get ready: {done.stderr.strip()}\n{log[-2000:]}")
