"""Whether a pod fits a node, and why not, in the real scheduler's words. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .amounts import NOTHING, amount
from .selectors import node_term_matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .usage import Amounts

Document = dict[str, Any]

AFFINITY = "node(s) didn't match Pod's node affinity/selector"
TAINTS = "node(s) had untolerated taint(s)"
UNSCHEDULABLE = "node(s) were unschedulable"
_NO_VICTIMS = "No preemption victims found for incoming pod"
_NO_HELP = "Preemption is not helpful for scheduling"


@dataclass(slots=True)
class NodeState:
    """A node and what its pods have asked for."""

    document: Document
    used: Amounts = field(default_factory=dict)
    pods: int = 0

    @property
    def allocatable(self) -> Amounts:
        """What the node has to give."""
        written = (self.document.get("status") or {}).get("allocatable") or {}
        return {name: amount(text) for name, text in written.items()}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why one node does not take a pod."""

    reasons: tuple[str, ...]
    curable: bool
    """Whether removing other pods could help."""


def misfit(spec: Document, wanted: Amounts, node: NodeState) -> Misfit | None:
    """Why a pod does not fit a node; None when it does."""
    document = node.document
    if (document.get("spec") or {}).get("unschedulable") and not _tolerated(
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}, spec
    ):
        return Misfit((UNSCHEDULABLE,), curable=False)
    if not selected(spec, document):
        return Misfit((AFFINITY,), curable=False)
    taints = (document.get("spec") or {}).get("taints") or ()
    if any(each["effect"] != "PreferNoSchedule" and not _tolerated(each, spec) for each in taints):
        return Misfit((TAINTS,), curable=False)
    return _short(wanted, node)


def _short(wanted: Amounts, node: NodeState) -> Misfit | None:
    reasons: list[str] = []
    curable = True
    allocatable = node.allocatable
    if node.pods + 1 > allocatable.get("pods", amount("110")).value:
        reasons.append("Too many pods")
    for name in sorted(wanted, key=lambda each: (each not in ("cpu", "memory"), each)):
        need = wanted[name].value
        has = allocatable.get(name, NOTHING).value
        if need and need > has - node.used.get(name, NOTHING).value:
            reasons.append(f"Insufficient {name}")
            curable = curable and need <= has
    return Misfit(tuple(reasons), curable) if reasons else None


def selected(spec: Document, node: Document) -> bool:
    """Whether a pod's node selector and required affinity choose a node."""
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        (term.get("matchExpressions") or term.get("matchFields"))
        and node_term_matches(term.get("matchExpressions") or [], labels)
        and node_term_matches(term.get("matchFields") or [], fields)
        for term in required.get("nodeSelectorTerms") or ()
    )


def preference(spec: Document, node: NodeState) -> tuple[int, int]:
    """How much a pod likes a node: preferred affinity first, then the emptier node."""
    labels = node.document["metadata"].get("labels") or {}
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    weight = sum(
        term["weight"]
        for term in terms
        if node_term_matches((term.get("preference") or {}).get("matchExpressions") or [], labels)
    )
    return weight, -node.pods


def _tolerated(taint: Document, spec: Document) -> bool:
    return any(
        (not each.get("effect") or each["effect"] == taint["effect"])
        and (not each.get("key") or each["key"] == taint["key"])
        and (each.get("operator") == "Exists" or each.get("value", "") == taint.get("value", ""))
        for each in spec.get("tolerations") or ()
    )


def refusal(misfits: Sequence[Misfit]) -> str:
    """The scheduler's sentence when no node takes a pod."""
    if not misfits:
        return "no nodes available to schedule pods"
    total = len(misfits)
    reasons = Counter(reason for each in misfits for reason in each.reasons)
    hope = Counter(_NO_VICTIMS if each.curable else _NO_HELP for each in misfits)
    return (
        f"0/{total} nodes are available: {_counted(reasons)}. no new claims to deallocate, "
        f"preemption: 0/{total} nodes are available: {_counted(hope)}."
    )


def refusal_before_filter(total: int, why: str) -> str:
    """The sentence when a pod cannot be placed on any node for a reason of its own."""
    return (
        f"0/{total} nodes are available: {why}. no new claims to deallocate, preemption: 0/{total} nodes are "
        f"available: {total} {_NO_HELP}."
    )


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
