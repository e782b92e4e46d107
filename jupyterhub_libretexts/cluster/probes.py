"""Probe pods: what stands for a student's server, for the hub, the proxy and everybody else.

They run a few lines of Python in an image that the cluster has anyway. What a probe found is its
termination message, so that reading it takes no right but to read pods.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jupyterhub_libretexts.core.policies import SERVER_PORT, servers_of
from jupyterhub_libretexts.core.reach import ELSEWHERE, HUB, PROXY
from jupyterhub_libretexts.core.subjects import PREFIX
from jupyterhub_libretexts.core.verifier import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyterhub_libretexts.core.objects import HubPlace
    from jupyterhub_libretexts.core.reach import Target

__all__ = ["CONTROLS", "PROBE_LABEL", "Place", "found", "listener", "places", "prober"]

PROBE_LABEL: Final = f"{PREFIX}probe"
"""Carried by every probe; its value is the run, so that one run never ends another's."""
SIDE_LABEL: Final = f"{PREFIX}probe-side"
NEAR, FAR = "near", "far"
"""Probes of both sides try not to share a node."""
CONTROLS: Final = NAMESPACE
"""The namespace of the probes that no policy touches."""
_LONGEST: Final = 300
"""Seconds after which a probe ends by itself, whatever became of who made it."""

_LISTEN = """
import socket
family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
server = socket.create_server(("", {port}), family=family, backlog=256,
                              dualstack_ipv6=family == socket.AF_INET6)
while True:
    server.accept()[0].close()
"""
_TRY = """
import json, os, socket, threading, time
targets = json.loads(os.environ["TARGETS"])
end = time.monotonic() + float(os.environ["SECONDS"])
found = ["0"] * len(targets)
def attempt(number, host, port):
    while time.monotonic() < end:
        try:
            if port:
                socket.create_connection((host, port), 2).close()
            else:
                socket.getaddrinfo(host, None)
            found[number] = "1"
            return
        except OSError:
            time.sleep(0.2)
threads = [threading.Thread(target=attempt, args=(n, *t), daemon=True) for n, t in enumerate(targets)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(max(0.0, end - time.monotonic()) + 3)
with open("/dev/termination-log", "w") as file:
    file.write("".join(found))
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a probe stands, and for whom."""

    row: str
    """An organisation, ``hub``, ``proxy`` or ``elsewhere``."""
    namespace: str
    labels: Mapping[str, str]
    side: str
    image: str
    organization: str | None = None
    node_labels: tuple[tuple[str, str], ...] = ()
    pull_secrets: tuple[str, ...] = ()


def places(hub: HubPlace, image: str) -> tuple[Place, ...]:
    """The probes that stand for no organisation, the controls: hub, proxy and elsewhere, on both sides."""
    rows: tuple[tuple[str, str, dict[str, str]], ...] = (
        (HUB, hub.namespace, dict(hub.hub_labels)),
        (PROXY, hub.namespace, dict(hub.proxy_labels)),
        (ELSEWHERE, CONTROLS, {}),
    )
    return tuple(
        Place(row, namespace, labels, side, image) for row, namespace, labels in rows for side in (NEAR, FAR)
    )


def of_organization(
    organization: str,
    namespace: str,
    image: str,
    node_labels: Mapping[str, str],
    pull_secrets: Sequence[str],
) -> tuple[Place, ...]:
    """The probes that stand for servers of an organisation, on both sides."""
    return tuple(
        Place(
            organization,
            namespace,
            servers_of(organization),
            side,
            image,
            organization,
            tuple(node_labels.items()),
            tuple(pull_secrets),
        )
        for side in (NEAR, FAR)
    )


def listener(run: str, number: int, place: Place) -> dict[str, Any]:
    """A probe that answers as a server does."""
    return _pod(run, f"listen-{number}", place, _LISTEN.format(port=SERVER_PORT))


def prober(run: str, number: int, place: Place, targets: Sequence[Target], seconds: float) -> dict[str, Any]:
    """A probe that tries every target until it is reached or the time is over."""
    variables = {
        "TARGETS": json.dumps([[target.address, target.port] for target in targets], separators=(",", ":")),
        "SECONDS": str(seconds),
    }
    return _pod(run, f"try-{number}", place, _TRY, variables)


def found(pod: Mapping[str, Any], targets: Sequence[Target]) -> tuple[bool, ...] | None:
    """What a prober reached, target by target; None where it has not ended, or not well."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    ended = (statuses[0].get("state") or {}).get("terminated") if statuses else None
    told = (ended or {}).get("message") or ""
    if len(told) != len(targets) or set(told) - {"0", "1"}:
        return None
    return tuple(character == "1" for character in told)


def _pod(
    run: str, name: str, place: Place, program: str, variables: Mapping[str, str] | None = None
) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "probe",
        "image": place.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", program],
        "env": [{"name": key, "value": value} for key, value in (variables or {}).items()],
        "resources": {
            "requests": {"cpu": "10m", "memory": "64Mi"},
            "limits": {"cpu": "500m", "memory": "128Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if place.row in {HUB, PROXY}:
        # A probe that carries the hub's labels must never be taken for the hub: no Service leads to a
        # pod that is not ready.
        container["readinessProbe"] = {"exec": {"command": ["false"]}, "periodSeconds": 60}
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": _LONGEST,
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "affinity": _affinity(place.side),
        "containers": [container],
    }
    if place.node_labels:
        spec["nodeSelector"] = dict(place.node_labels)
    if place.pull_secrets:
        spec["imagePullSecrets"] = [{"name": secret} for secret in place.pull_secrets]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"libretexts-probe-{run}-{name}",
            "namespace": place.namespace,
            "labels": {**place.labels, PROBE_LABEL: run, SIDE_LABEL: place.side},
        },
        "spec": spec,
    }


def _affinity(side: str) -> dict[str, Any]:
    """Near ones keep together, far ones keep away from them, where there are nodes for it."""
    term = {
        "weight": 100,
        "podAffinityTerm": {
            "topologyKey": "kubernetes.io/hostname",
            "namespaceSelector": {},
            "labelSelector": {"matchLabels": {SIDE_LABEL: NEAR}},
        },
    }
    kind = "podAffinity" if side == NEAR else "podAntiAffinity"
    return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [term]}}
