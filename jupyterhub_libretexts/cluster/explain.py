"""What a pod's state and events mean, in words for a student.

Rules are data: the first that fits speaks. What no rule knows is said in general words, and the
cluster's own text goes to the log. Nothing here asks the cluster anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Situation", "refused", "situation"]


@dataclass(frozen=True, slots=True)
class Situation:
    """How a start stands."""

    message: str
    """One or two plain sentences."""
    progress: int
    """0 to 100."""
    hopeless: bool = False
    """Whether waiting longer cannot help."""
    cause: str = ""
    """The cluster's own text, for the log."""

    @property
    def lacks_claim(self) -> bool:
        """Whether the pod waits for a claim that does not exist (the scheduler's volume binding)."""
        return re.search(_NO_CLAIM, self.cause) is not None


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: str
    message: str
    hopeless: bool = False


_TEXT_BOUND = 2000
"""Characters of a cluster's text that are looked at; events carry at most 1,024."""

_NO_CLAIM = r'persistentvolumeclaim "[^"]*" not found'

# The scheduler's sentence (kubernetes/pkg/scheduler, FitError): counts and reasons, then preemption.
_UNPLACED = (
    _Rule(_NO_CLAIM, "Your home is being made."),
    _Rule(r"unbound immediate PersistentVolumeClaims", "Your home is being made."),
    _Rule(
        r"Insufficient [a-z0-9.-]+\.[a-z]+/\S+(?s:.*)"
        r"preemption: 0/(\d+) nodes are available: \1 Preemption is not helpful",
        "No machine of this cluster has the GPU that was asked for. Choose another, or ask for help.",
        hopeless=True,
    ),
    _Rule(
        r"Insufficient [a-z0-9.-]+\.[a-z]+/",
        "All GPUs of this kind are in use. Yours starts when one is free.",
    ),
    _Rule(
        r"Insufficient (cpu|memory|pods|ephemeral-storage)",
        "All machines are full. Yours starts when there is room.",
    ),
    _Rule(r"Too many pods", "All machines are full. Yours starts when there is room."),
    _Rule(
        r"didn't match Pod's node affinity/selector|had untolerated taint",
        "No machine that fits is free now. Yours starts when there is one.",
    ),
)

_NO_IMAGE = (
    _Rule(
        r"(?i)unauthorized|denied|authentication required|authorization failed|insufficient_scope"
        r"|403 forbidden",
        "The image of this environment may not be fetched by this cluster. Choose another, or ask for help.",
        hopeless=True,
    ),
    _Rule(
        r"(?i)not found|manifest unknown|no such image|NotFound",
        "The image of this environment does not exist. Choose another, or ask for help.",
        hopeless=True,
    ),
    _Rule(r"", "The image cannot be fetched now; it is tried again."),
)

_WAITING = {
    "InvalidImageName": Situation(
        "The name of this environment's image is not valid. Choose another, or ask for help.",
        20,
        hopeless=True,
    ),
    "ErrImageNeverPull": Situation(
        "The image of this environment is not on the machines. Choose another, or ask for help.",
        20,
        hopeless=True,
    ),
    "CreateContainerConfigError": Situation(
        "Something that this environment needs is missing in the cluster. Ask for help.", 50, hopeless=True
    ),
}

_ENDED = {
    "DeadlineExceeded": "Your server reached its longest time and was ended. Your files are safe.",
    "Evicted": "The machine of your server ran out of room, and your server was ended. Start it again.",
    "NodeLost": "The machine of your server was lost. Start it again.",
    "NodeShutdown": "The machine of your server was shut down. Start it again.",
    "Terminated": "The machine of your server was shut down. Start it again.",
    "Preempting": "Your server was ended to make room. Start it again.",
    "UnexpectedAdmissionError": "The machine could not take your server. Start it again.",
}

_EVENTS = {
    "Scheduled": Situation("A machine was found for your server.", 30),
    "Pulling": Situation("The image is being fetched. The first time on a machine this takes minutes.", 40),
    "Pulled": Situation("The image is there.", 60),
    "Created": Situation("Your server starts.", 70),
    "Started": Situation("Your server starts.", 80),
    "FailedMount": Situation("Your home cannot be reached yet; it is tried again.", 35),
    "FailedAttachVolume": Situation("Your home cannot be reached yet; it is tried again.", 35),
    "FailedCreatePodSandBox": Situation(
        "The network of your server is not ready yet; it is tried again.", 35
    ),
}

_MEMORY = "Your server needed more memory than it may have. Choose a larger size, or open less at a time."
_CRASHED = (
    "Your server ended by itself (exit status {code}). Start it again; if that does not help, ask for help."
)
_RESTARTS = 2
"""Restarts after which a program that ends at once is not expected to stay."""


def situation(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Situation:
    """How a start stands.

    Args:
        pod: As the API sends it.
        events: What the cluster told about this pod, oldest first.
    """
    status = pod.get("status") or {}
    phase = status.get("phase")
    if phase == "Failed" or status.get("reason") in _ENDED:
        return _ended(status)
    for container in _containers(status):
        found = _of_container(container)
        if found is not None:
            return found
    if phase == "Running":
        ready = all(container.get("ready") for container in status.get("containerStatuses") or [{}])
        return Situation("Your server answers." if ready else "Your server starts.", 90 if ready else 80)
    return _of_events(events)


def _ended(status: Mapping[str, Any]) -> Situation:
    reason = str(status.get("reason") or "")
    if reason in _ENDED:
        return Situation(_ENDED[reason], 100, hopeless=True, cause=f"{reason}: {status.get('message') or ''}")
    for container in _containers(status):
        ended = (container.get("state") or {}).get("terminated")
        if ended:
            return _of_exit(ended)
    return Situation("Your server ended. Start it again.", 100, hopeless=True, cause=reason)


def _containers(status: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _of_container(container: Mapping[str, Any]) -> Situation | None:
    state = container.get("state") or {}
    waiting = state.get("waiting")
    if waiting:
        reason, text = str(waiting.get("reason") or ""), _text(waiting)
        if reason in _WAITING:
            known = _WAITING[reason]
            return Situation(known.message, known.progress, known.hopeless, f"{reason}: {text}")
        if reason == "ErrImagePull":
            return _first(_NO_IMAGE, text, 40, f"{reason}: {text}")
        if reason == "ImagePullBackOff":
            # Its own text only says that it waits; what was wrong stood in the attempt before.
            return None
        if reason == "CrashLoopBackOff":
            return _of_exit((container.get("lastState") or {}).get("terminated") or {})
    ended = state.get("terminated")
    if ended and ended.get("exitCode") and int(container.get("restartCount") or 0) >= _RESTARTS:
        return _of_exit(ended)
    if ended and ended.get("reason") == "OOMKilled":
        return _of_exit(ended)
    return None


def _of_exit(ended: Mapping[str, Any]) -> Situation:
    code = ended.get("exitCode")
    if ended.get("reason") == "OOMKilled":
        return Situation(_MEMORY, 100, hopeless=True, cause="OOMKilled")
    return Situation(
        _CRASHED.format(code=code), 100, hopeless=True, cause=f"exit status {code}: {_text(ended)}"
    )


def _of_events(events: Sequence[Mapping[str, Any]]) -> Situation:
    for event in reversed(events):
        reason, text = str(event.get("reason") or ""), _text(event)
        if reason == "FailedScheduling":
            return _first(_UNPLACED, text, 15, text) or Situation(
                "No machine for your server was found yet; it is tried again.", 15, cause=text
            )
        if reason in ("Failed", "BackOff") and "image" in text.lower():
            if reason == "BackOff" or "ImagePullBackOff" in text:
                continue
            return _first(_NO_IMAGE, text, 40, text) or Situation("The image is being fetched.", 40)
        if reason in _EVENTS:
            return _EVENTS[reason]
    return Situation("A machine for your server is looked for.", 10)


def _first(rules: Iterable[_Rule], text: str, progress: int, cause: str) -> Situation | None:
    for rule in rules:
        if re.search(rule.pattern, text):
            return Situation(rule.message, progress, rule.hopeless, cause)
    return None


def _text(thing: Mapping[str, Any]) -> str:
    return str(thing.get("message") or "")[:_TEXT_BOUND]


_REFUSED = (
    _Rule(
        r"exceeded quota: .*requested: [^,]*/",
        "All GPUs of your organisation are in use. Try again when one is free.",
    ),
    _Rule(
        r"exceeded quota",
        "Your organisation uses all that it may use now. Stop another server, or try again later.",
    ),
    _Rule(
        r'namespaces "[^"]*" not found',
        "The place for your organisation's servers does not exist yet. Ask for help.",
    ),
    _Rule(
        r"is being terminated", "The place for your organisation's servers is being removed. Ask for help."
    ),
    _Rule(r"violates PodSecurity", "The cluster does not allow a server like this one. Ask for help."),
    _Rule(r"serviceaccount \S+ not found", "Your organisation's place is being made. Try again in a minute."),
    _Rule(r"is forbidden", "The hub may not start servers for your organisation. Ask for help."),
    _Rule(r"is invalid", "The cluster does not accept a server like this one. Ask for help."),
)


def refused(status: int, reason: str, message: str) -> Situation:
    """What the refusal of a request means.

    Args:
        status: HTTP status.
        reason: Kubernetes' one word.
        message: Kubernetes' sentence.
    """
    text = message[:_TEXT_BOUND]
    cause = f"{status} {reason}: {text}"
    return _first(_REFUSED, text, 100, cause) or Situation(
        "The cluster refused your server. Ask for help.", 100, hopeless=True, cause=cause
    )
