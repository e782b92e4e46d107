"""Kueue in the cluster: a line for pods that wait, run by the cluster and not by the hub.

It is installed as its own manifests have it (``config/default`` of its module), in an image of its one
program, which writes its own certificates.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import archives, compiler, pins, processes
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
    _hand_over_certificates(cluster)
    for what in ("deployment/kueue-controller-manager", "apiservice/v1beta2.visibility.kueue.x-k8s.io"):
        _wait(cluster, "condition=Available", what)
    processes.wait_until(
        lambda: not _refusal(cluster), READY_SECONDS, lambda: f"Kueue takes no queue: {_refusal(cluster)}"
    )


def _hand_over_certificates(cluster: Cluster) -> None:
    """Let the pod have its certificates as soon as they are written.

    Its volume is first filled from a secret that is still empty, and a kubelet fills it anew only when it
    looks at the pod again: by itself in one to three minutes, and at once when the pod is changed.
    """
    _wait(cluster, r"jsonpath={.data.tls\.crt}", "secret/kueue-webhook-server-cert")
    cluster.kubectl("annotate", "pods", "--all", "bed/certificates=written", f"--namespace={SPACE}")


def _wait(cluster: Cluster, what: str, of: str) -> None:
    wait = ["kubectl", "wait", f"--for={what}", of, f"--namespace={SPACE}", f"--timeout={READY_SECONDS}s"]
    done = cluster.run(wait)
    if done.returncode:
        log = cluster.kubectl(
            "logs", "deployment/kueue-controller-manager", f"--namespace={SPACE}", check=False
        )
        raise BedError(f"{of} did not get ready: {done.stderr.strip()}\n{log[-2000:]}")


def _refusal(cluster: Cluster) -> str:
    """What a queue is refused with; nothing when it would be taken.

    A deployment is available some moments before every node sends its service's packets there.
    """
    queue = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": {"name": "trial"}}
    asked = ["kubectl", "apply", "--dry-run=server", "--filename=-"]
    done = cluster.run(asked, input=json.dumps(queue))
    return done.stderr.strip() if done.returncode else ""
