"""Label and field selectors: text in, a test for objects out."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .answers import ApiRefusal, bad_request

Document = dict[str, Any]
Test = Callable[[Document], bool]

_REQUIREMENT = re.compile(
    r"\s*(?:(?P<absent>!)\s*(?P<gone>[^\s=!,()<>]+)"
    r"|(?P<key>[^\s=!,()<>]+)\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)"
    r"|(?P<equal>[^\s=!,()<>]+)\s*(?P<sign>==|=|!=)\s*(?P<value>[^\s=!,()<>]*)"
    r"|(?P<number>[^\s=!,()<>]+)\s*(?P<order>[<>])\s*(?P<bound>-?\d+)"
    r"|(?P<present>[^\s=!,()<>]+))\s*(?:,|$)"
)
_ORDINARY_FIELDS = ("metadata.name", "metadata.namespace")
FIELDS: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "Event": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "Secret": ("type",),
    "Namespace": ("status.phase",),
    "Node": ("spec.unschedulable",),
}


@lru_cache(maxsize=512)
def label_test(text: str) -> Test | None:
    """The test for a label selector; None when it lets everything through.

    Raises:
        ApiRefusal: The selector cannot be read.
    """
    tests: list[Test] = []
    position = 0
    while position < len(text):
        match = _REQUIREMENT.match(text, position)
        if match is None or match.end() == position:
            raise bad_request(f'unable to parse requirement: found "{text[position:]}"')
        tests.append(_label_requirement(match.groupdict()))
        position = match.end()
    return _all_of(tests)


def _labels(document: Document) -> dict[str, str]:
    labels: dict[str, str] = document["metadata"].get("labels") or {}
    return labels


def _label_requirement(parts: dict[str, str | None]) -> Test:
    if gone := parts["gone"]:
        return lambda document: gone not in _labels(document)
    if key := parts["key"]:
        values = frozenset(value.strip() for value in (parts["values"] or "").split(","))
        if parts["set"] == "in":
            return lambda document: _labels(document).get(key) in values
        return lambda document: _labels(document).get(key) not in values
    if equal := parts["equal"]:
        wanted, same = parts["value"] or "", parts["sign"] != "!="
        return lambda document: (_labels(document).get(equal) == wanted) is same
    if number := parts["number"]:
        return _order(number, parts["order"] or "", int(parts["bound"] or 0))
    present = parts["present"] or ""
    return lambda document: present in _labels(document)


def _order(key: str, order: str, bound: int) -> Test:
    def holds(document: Document) -> bool:
        text = _labels(document).get(key, "")
        if not text.lstrip("-").isdigit():
            return False
        return int(text) > bound if order == ">" else int(text) < bound

    return holds


@lru_cache(maxsize=512)
def field_test(text: str, kind: str, api_version: str = "v1") -> Test | None:
    """The test for a field selector; None when it lets everything through.

    Raises:
        ApiRefusal: The selector cannot be read, or names a field that the kind does not offer.
    """
    tests: list[Test] = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"\s*([^=!\s]+)\s*(==|=|!=)\s*(.*?)\s*", part)
        if match is None:
            raise bad_request(f'invalid selector: "{text}"; can\'t understand "{part}"')
        path, sign, wanted = match.groups()
        if path not in (*_ORDINARY_FIELDS, *FIELDS.get(kind, ())):
            raise ApiRefusal(
                400,
                "BadRequest",
                f'Unable to find "{api_version}, Kind={kind}" that match label selector "", '
                f'field selector "{text}": field label not supported: {path}'
                if kind not in ("Pod", "Event", "Node", "Secret", "Namespace")
                else f"field label not supported: {path}",
            )
        tests.append(_field_requirement(tuple(path.split(".")), wanted, equal=sign != "!="))
    return _all_of(tests)


def _field_requirement(path: tuple[str, ...], wanted: str, *, equal: bool) -> Test:
    def holds(document: Document) -> bool:
        value: Any = document
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, dict):  # The field "source" of an event stands for its component.
            value = value.get("component")
        shown = str(value).lower() if isinstance(value, bool) else str(value or "")
        return (shown == wanted) is equal

    return holds


def _all_of(tests: list[Test]) -> Test | None:
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda document: all(test(document) for test in tests)


def selector(labels: str, fields: str, kind: str) -> Test | None:
    """Both selectors of a request as one test."""
    tests = [test for test in (label_test(labels), field_test(fields, kind)) if test is not None]
    return _all_of(tests)


def node_term_matches(expressions: list[Document], labels: dict[str, str]) -> bool:
    """Whether the labels satisfy every expression of a node selector term or label selector."""
    return all(_expression_holds(each, labels) for each in expressions)


def _expression_holds(expression: Document, labels: dict[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    held = labels.get(key)
    number = int(held) if held is not None and held.isdigit() else None
    answers: dict[str, Callable[[], bool]] = {
        "In": lambda: held in values,
        "NotIn": lambda: held not in values,
        "Exists": lambda: held is not None,
        "DoesNotExist": lambda: held is None,
        "Gt": lambda: number is not None and number > int(values[0]),
        "Lt": lambda: number is not None and number < int(values[0]),
    }
    return answers.get(expression["operator"], lambda: False)()
