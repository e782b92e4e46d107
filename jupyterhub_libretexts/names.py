"""Names of objects in the cluster, made from what people and operators call things.

Every name that reaches Kubernetes comes from here. The scheme is KubeSpawner's own "safe" one
(``kubespawner.slugs``, since 7.0), so that a name made by either is the same and an upgrade in
place finds its claims: a value that is a valid name already stays as it is; any other is cut to
its valid characters and told apart by eight hexadecimal digits of its SHA-256.
"""

from __future__ import annotations

import hashlib
import re

__all__ = ["LONGEST", "is_label_value", "is_name", "label_value", "namespace", "slug"]

LONGEST = 63
"""Characters of a DNS label, RFC 1123 section 2.1 and RFC 1035 section 2.3.4."""

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?")
_OTHER = re.compile(r"[^a-z0-9]+")
_HASH = 8
_MADE = 32
"""Characters of a made name where no other bound is asked for; KubeSpawner's choice."""
# Hyphens in a row mark a name that was made; no value containing them is passed through,
# so nobody can choose a user name that equals the made name of somebody else.
_MARK = "--"


def is_name(value: str, longest: int = LONGEST) -> bool:
    """Whether a value can stand as an object's name unchanged."""
    return len(value) <= longest and _NAME.fullmatch(value) is not None and _MARK not in value


def is_label_value(value: str) -> bool:
    """Whether a value can stand as a label's value unchanged."""
    return len(value) <= LONGEST and _LABEL_VALUE.fullmatch(value) is not None and _MARK not in value


def _made(value: str, longest: int) -> str:
    digest = hashlib.sha256(value.encode("utf8", "surrogatepass")).hexdigest()[:_HASH]
    room = longest - _HASH - len("---")
    stem = _OTHER.sub("-", value.lower()).lstrip("-")[:room].rstrip("-")
    if stem and not stem[0].isalpha():
        stem = "x-" + stem[: room - 2]
    return f"{stem or 'x'}---{digest}"


def slug(value: str, longest: int | None = None) -> str:
    """A name for a value: the value itself where it can be one, else a made one.

    Args:
        value: Any text.
        longest: The most characters the name may have, at least 16; by default those of a DNS label.
    """
    return value if is_name(value, longest or LONGEST) else _made(value, longest or _MADE)


def label_value(value: str) -> str:
    """A label's value for any text; the empty text stays empty."""
    return value if is_label_value(value) else _made(value, _MADE)


def namespace(organization: str) -> str:
    """The namespace of an organisation that names none itself."""
    return slug(f"org-{organization}")
