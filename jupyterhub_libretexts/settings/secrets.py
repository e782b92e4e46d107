"""Finds secrets written into the document; says how to reference them, and never repeats them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import Place, Problem
from jupyterhub_libretexts.settings.overlays import Path, dotted, key_place, walk

if TYPE_CHECKING:
    from jupyterhub_libretexts.settings.document import Node

__all__ = ["found"]

_KEY = re.compile(
    r"(^|.*[^a-z])?(client_?secret|passw(or)?d|passphrase|token|api_?key|secret_?key|access_?key(_?id)?"
    r"|private_?key|credentials?|secret)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_VALUES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "an access key of AWS": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
    "a token of GitLab": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "a token of Slack": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a key of Google": re.compile(r"\bAIza[0-9A-Za-z_-]{35}"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    "an address with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s:@]+@", re.IGNORECASE),
}
_ANY_VALUE = re.compile("|".join(pattern.pattern for pattern in _VALUES.values()), re.IGNORECASE)
# One character that each of them has; a scan for it spares most texts the longer one.
_BY_VARIABLE = "the Secret's name: secrets: [{secret: NAME, key: KEY, variable: VARIABLE}]"
_BY_CLIENT = "clientSecretEnv: VARIABLE, or clientSecretFile: /path"


def found(root: Node) -> tuple[list[Problem], frozenset[Place]]:
    """Every secret in a tree, and the places about which nothing else may be said, lest it be repeated."""
    problems: list[Problem] = []
    hidden: set[Place] = set()
    for path, node in walk(root):
        if isinstance(node.value, (dict, list)) or node.value is None or isinstance(node.value, bool):
            continue
        told = _by_name(path, node) or _by_look(path, node)
        if told is not None:
            problems.append(told)
            hidden |= {node.place, key_place(node)}
    return problems, frozenset(hidden)


def _by_name(path: Path, node: Node) -> Problem | None:
    """A value whose key, or whose variable, has the name of a secret."""
    key = str(path[-1]) if path else ""
    if not _names_secret(key) or _names_reference(path):
        return None
    if len(path) > 1 and path[-2] == "variables":
        message, allowed = (
            f"the variable {key} looks like a secret, and secrets are never written here",
            _BY_VARIABLE,
        )
    else:
        message = f"{key} is a secret, and secrets are never written here"
        allowed = _BY_CLIENT if path[0] == "authentication" else f"{_BY_VARIABLE}; for sign-in {_BY_CLIENT}"
    return Problem(key_place(node), dotted(path), message, allowed)


def _names_secret(key: str) -> bool:
    return _KEY.match(_CAMEL.sub("_", key).replace("-", "_")) is not None


def _names_reference(path: Path) -> bool:
    """Whether a key with such a name holds the name of a Secret and no secret."""
    inside = path[:-1]
    if path[-1] == "secret":
        return "secrets" in inside or "pod" in inside
    # Claims of sign-in and labels of nodes carry what their names say, in the open.
    return any(part in {"claim", "nodeLabels"} for part in inside)


def _by_look(path: Path, node: Node) -> Problem | None:
    """A value that has the look of a well-known kind of secret."""
    text = node.value
    if not isinstance(text, str) or _ANY_VALUE.search(text) is None:
        return None
    kind = next((name for name, pattern in _VALUES.items() if pattern.search(text)), None)
    if kind is None:
        return None
    message = f"this looks like {kind}, and secrets are never written here"
    return Problem(node.place, dotted(path), message, f"{_BY_VARIABLE}; for sign-in {_BY_CLIENT}")
