"""Which nodes a pod keeps off: node affinity as Kubernetes reads it, made and checked.

A pod must match one of the terms of a required node affinity, and every expression of that term
(https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity). Keeping off
nodes with two labels means to lack one or the other, so each such set of labels multiplies the terms.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["keeps_off", "narrowed_terms"]

Term = dict[str, Any]


def narrowed_terms(
    terms: Iterable[Mapping[str, Any]], avoided: Iterable[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The terms of a node affinity, narrowed so that no node with all labels of an avoided set matches.

    Args:
        terms: What there is of them already; they stay as they are otherwise.
        avoided: Sets of labels.
    """
    sets = _smallest(frozenset(labels.items()) for labels in avoided)
    added: list[list[dict[str, Any]]] = []
    for choice in product(*(sorted(labels) for labels in sets)):
        lacking: dict[str, list[str]] = {}
        for key, value in sorted(set(choice)):
            lacking.setdefault(key, []).append(value)
        added.append([{"key": key, "operator": "NotIn", "values": values} for key, values in lacking.items()])
    present = [dict(term) for term in terms] or [{}]
    if not sets:
        return [term for term in present if term]
    return [
        {**term, "matchExpressions": [*(term.get("matchExpressions") or []), *expressions]}
        for term in present
        for expressions in added
    ]


def keeps_off(spec: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a pod can run on no node that carries all of these labels."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = required.get("nodeSelectorTerms") or []
    return bool(terms) and all(_lacks_one(term, labels) for term in terms)


def _lacks_one(term: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return any(
        expression.get("operator") == "NotIn"
        and labels.get(expression.get("key", "")) in expression["values"]
        for expression in term.get("matchExpressions") or []
    )


def _smallest(sets: Iterable[frozenset[tuple[str, str]]]) -> list[frozenset[tuple[str, str]]]:
    """The sets that contain no other: who keeps off nodes with one label keeps off those with it and more."""
    found: list[frozenset[tuple[str, str]]] = []
    for labels in sorted(dict.fromkeys(sets), key=len):
        if not any(smaller <= labels for smaller in found):
            found.append(labels)
    return found
