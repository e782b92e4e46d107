"""A pod's status, from what its containers do. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .images import qualified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Document = dict[str, Any]

DEADLINE = "Pod was active on the node longer than the specified deadline"


@dataclass(slots=True)
class ContainerState:
    """What the kubelet knows of one container."""

    name: str
    image: str
    state: Document = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last: Document = field(default_factory=dict)
    restarts: int = 0
    id: str = ""

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return "running" in self.state

    @property
    def exit_code(self) -> int | None:
        """How it ended, if it did."""
        ended = self.state.get("terminated")
        return None if ended is None else int(ended["exitCode"])

    def document(self, *, ready: bool) -> Document:
        """Its entry in ``containerStatuses``."""
        digest = hashlib.sha256(self.image.encode()).hexdigest()
        made = {
            "name": self.name,
            "state": self.state,
            "lastState": self.last,
            "ready": ready,
            "restartCount": self.restarts,
            "image": qualified(self.image),
            "imageID": f"{qualified(self.image).partition(':')[0]}@sha256:{digest}" if self.id else "",
            "started": self.running,
        }
        return {**made, "containerID": f"embedded://{self.id}"} if self.id else made


def phase(policy: str, containers: Sequence[ContainerState], *, initialized: bool) -> str:
    """Pending, Running, Succeeded or Failed, by the kubelet's rules."""
    if not initialized:
        return "Pending"
    codes = [each.exit_code for each in containers]
    if all(code is not None for code in codes):
        failed = any(code != 0 for code in codes)
        if policy == "Never" or (policy == "OnFailure" and not failed):
            return "Failed" if failed else "Succeeded"
        return "Running"
    started = any(each.running or each.exit_code is not None or each.last for each in containers)
    return "Running" if started else "Pending"


def conditions(
    held: Iterable[Document],
    moment: str,
    *,
    initialized: bool,
    ready: bool,
    phase_now: str,
    names: Sequence[str],
) -> list[Document]:
    """The conditions of a pod; the time of each moves only when it changes."""
    before = {each["type"]: each for each in held}
    unready: Document = {} if ready else {"reason": "ContainersNotReady"}
    if not ready:
        unready["message"] = f"containers with unready status: [{' '.join(names)}]"
    if phase_now == "Succeeded":
        unready = {"reason": "PodCompleted"}
    elif phase_now == "Failed":
        unready = {"reason": "PodFailed"}
    wanted: dict[str, tuple[bool, Document]] = {
        "PodReadyToStartContainers": (phase_now in ("Pending", "Running"), {}),
        "Initialized": (initialized, {} if initialized else {"reason": "ContainersNotInitialized"}),
        "Ready": (ready, unready),
        "ContainersReady": (ready, unready),
    }
    result = []
    for name, (holds, words) in wanted.items():
        status = "True" if holds else "False"
        old = before.get(name, {})
        since = old.get("lastTransitionTime", moment) if old.get("status") == status else moment
        result.append(
            {"type": name, "status": status, "lastProbeTime": None, "lastTransitionTime": since, **words}
        )
    return [*result, *([before["PodScheduled"]] if "PodScheduled" in before else [])]


def status_document(
    pod: Document,
    moment: str,
    containers: Sequence[ContainerState],
    inits: Sequence[ContainerState],
    facts: Mapping[str, Any],
) -> Document:
    """The whole status, as the kubelet writes it.

    Args:
        pod: The pod as stored.
        moment: Now.
        containers: Its containers.
        inits: Its init containers.
        facts: What the node knows besides: address, host, start time, reason, message, phase.
    """
    held = pod.get("status") or {}
    policy = pod["spec"].get("restartPolicy", "Always")
    initialized = all(each.exit_code == 0 for each in inits)
    now = facts.get("phase") or phase(policy, containers, initialized=initialized)
    ready = bool(containers) and all(each.running for each in containers) and now == "Running"
    unready = [each.name for each in containers if not each.running]
    made: Document = {
        "phase": now,
        "conditions": conditions(
            held.get("conditions") or (),
            moment,
            initialized=initialized,
            ready=ready,
            phase_now=now,
            names=unready,
        ),
        "hostIP": facts["host"],
        "hostIPs": [{"ip": facts["host"]}],
        "startTime": facts["start"],
        "qosClass": held.get("qosClass", "BestEffort"),
        "containerStatuses": [each.document(ready=each.running) for each in containers],
    }
    if facts.get("address"):
        made |= {"podIP": facts["address"], "podIPs": [{"ip": facts["address"]}]}
    if inits:
        made["initContainerStatuses"] = [each.document(ready=each.exit_code == 0) for each in inits]
    for word in ("reason", "message"):
        if facts.get(word):
            made[word] = facts[word]
    return made
