"""What names, labels and annotations may look like, in the server's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .answers import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .resources import Resource

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_WORD = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_ENDS = "and must start and end with an alphanumeric character"
_USED = "regex used for validation is"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    f"{_ENDS} (e.g. 'my-name',  or '123-abc', {_USED} '{_LABEL}')"
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character "
    f"(e.g. 'my-name',  or 'abc-123', {_USED} '{_LABEL_1035}')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    f"{_ENDS} (e.g. 'example.com', {_USED} '{_SUBDOMAIN}')"
)
_WORD_TEXT = (
    f"must consist of alphanumeric characters, '-', '_' or '.', {_ENDS} "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', {_USED} '{_WORD}')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    f"{_ENDS} (e.g. 'MyValue',  or 'my_value',  or '12345', {_USED} '({_WORD})?')"
)
LABEL_LENGTH = 63
SUBDOMAIN_LENGTH = 253
ANNOTATIONS_SIZE = 256 * 1024

_label = re.compile(_LABEL)
_label_1035 = re.compile(_LABEL_1035)
_subdomain = re.compile(_SUBDOMAIN)
_word = re.compile(_WORD)


def label_mistakes(name: str) -> Iterator[str]:
    """Why a name is no RFC 1123 label."""
    if len(name) > LABEL_LENGTH:
        yield f"must be no more than {LABEL_LENGTH} characters"
    if not _label.fullmatch(name):
        yield _LABEL_TEXT


def name_mistakes(name: str, kind: str) -> Iterator[str]:
    """Why a name cannot be that of an object (``Resource.names`` says by which rule)."""
    if kind == "label":
        yield from label_mistakes(name)
    elif kind == "label1035":
        if len(name) > LABEL_LENGTH:
            yield f"must be no more than {LABEL_LENGTH} characters"
        if not _label_1035.fullmatch(name):
            yield _LABEL_1035_TEXT
    elif kind == "path":
        if name in (".", ".."):
            yield f"may not be '{name}'"
        yield from (f"may not contain '{mark}'" for mark in "/%" if mark in name)
    else:
        if len(name) > SUBDOMAIN_LENGTH:
            yield f"must be no more than {SUBDOMAIN_LENGTH} characters"
        if not _subdomain.fullmatch(name):
            yield _SUBDOMAIN_TEXT


def key_mistakes(key: str) -> Iterator[str]:
    """Why a label's or annotation's key is none."""
    prefix, slash, name = key.rpartition("/")
    if slash and not prefix:
        yield "prefix part must be non-empty"
    elif slash and not _subdomain.fullmatch(prefix):
        yield f"prefix part {_SUBDOMAIN_TEXT}"
    if not name:
        yield "name part must be non-empty"
    elif len(name) > LABEL_LENGTH:
        yield f"name part must be no more than {LABEL_LENGTH} characters"
    if not _word.fullmatch(name):
        yield f"name part {_WORD_TEXT}"


def label_causes(labels: dict[str, str], field: str) -> Iterator[Cause]:
    """What is wrong with labels, or with a node selector."""
    for key, value in labels.items():
        for text in key_mistakes(key):
            yield Cause(field, "FieldValueInvalid", key, text)
        if len(value) > LABEL_LENGTH:
            yield Cause(field, "FieldValueInvalid", value, f"must be no more than {LABEL_LENGTH} bytes")
        if value and not _word.fullmatch(value):
            yield Cause(field, "FieldValueInvalid", value, _VALUE_TEXT)


def metadata_causes(resource: Resource, metadata: dict[str, Any]) -> Iterator[Cause]:
    """What is wrong with an object's metadata."""
    name = metadata.get("name", "")
    if not name:
        yield Cause("metadata.name", "FieldValueRequired", detail="name or generateName is required")
    for text in name_mistakes(name, resource.names) if name else ():
        yield Cause("metadata.name", "FieldValueInvalid", name, text)
    yield from label_causes(metadata.get("labels") or {}, "metadata.labels")
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        for text in key_mistakes(key.lower()):
            yield Cause("metadata.annotations", "FieldValueInvalid", key, text)
    if sum(len(key) + len(value) for key, value in annotations.items()) > ANNOTATIONS_SIZE:
        text = f"may not be more than {ANNOTATIONS_SIZE} bytes"
        yield Cause("metadata.annotations", "FieldValueTooLong", detail=text)
    for index, owner in enumerate(metadata.get("ownerReferences") or ()):
        for part in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(part):
                field = f"metadata.ownerReferences[{index}].{part}"
                yield Cause(
                    field,
                    "FieldValueInvalid",
                    "",
                    f"{part} must not be empty" if part != "apiVersion" else "version must not be empty",
                )
