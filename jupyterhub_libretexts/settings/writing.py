"""Writes plain data as YAML that people like to read: keys in blocks, short lists in one line."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["written"]

# What may stand without quotes and still is text in every version of YAML.
_BARE = re.compile(r"[A-Za-z/][A-Za-z0-9/._-]*")
_AMBIGUOUS = re.compile(r"(?i:y|n|yes|no|on|off|true|false|null)|[0-9.]+")
_WIDTH = 90


def _scalar(value: object) -> str:
    if isinstance(value, str):
        bare = _BARE.fullmatch(value) is not None and _AMBIGUOUS.fullmatch(value) is None
        return value if bare else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return _scalar(value)


def written(data: dict[str, Any], indent: int = 0) -> str:
    """The data as YAML; lists stand in one line each."""
    lines = []
    for key, value in data.items():
        start = " " * indent + _scalar(key) + ":"
        flow = _flow(value)
        if isinstance(value, dict) and value and (indent == 0 or len(start) + len(flow) > _WIDTH):
            lines.append(f"{start}\n{written(value, indent + 2)}")
        else:
            lines.append(f"{start} {flow}\n")
    return "".join(lines)
