"""The one base of all models, and the kinds of text that many of them use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel

__all__ = [
    "Address",
    "CourseName",
    "Frozen",
    "GroupName",
    "Identifier",
    "KubernetesName",
    "LabelKey",
    "LabelValue",
    "Line",
    "Model",
    "Person",
    "VariableName",
    "aliases",
]


class Model(BaseModel):
    """Frozen, closed to unknown keys, camelCase in the file; a field's docstring documents its key."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        use_attribute_docstrings=True,
        str_strip_whitespace=True,
    )


def aliases(model: type[Model]) -> Mapping[str, str]:
    """The keys of a model as they stand in the file, each with its field's name."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


Key = TypeVar("Key")
Value = TypeVar("Value")


def _frozen(value: dict[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(value)


# A frozen model with a plain dictionary inside is not frozen; what leaves validation cannot be changed.
Frozen = Annotated[Mapping[Key, Value], AfterValidator(_frozen), PlainSerializer(dict, when_used="always")]

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line of text for people."""

Identifier = Annotated[
    str, StringConstraints(min_length=1, max_length=63, pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$")
]
"""How operators name a thing; never cut or folded."""

CourseName = Annotated[
    str,
    StringConstraints(
        max_length=127,
        pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?/[a-z0-9]([a-z0-9._-]*[a-z0-9])?$",
    ),
]
"""``ORGANIZATION/COURSE``."""

GroupName = Annotated[
    str,
    StringConstraints(
        max_length=127,
        pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)?$",
    ),
]
"""``ORGANIZATION/GROUP``, or ``ORGANIZATION`` for everybody in it."""

Address = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
"""An address of electronic mail."""

Person = Annotated[str, StringConstraints(max_length=254, pattern=r"^(user:\S+|[^@\s]+@[^@\s]+\.[^@\s]+)$")]
"""An address, or ``user:NAME`` for a user name."""

KubernetesName = Annotated[str, StringConstraints(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""A name of an object in the cluster (RFC 1123 label)."""

LabelKey = Annotated[
    str,
    StringConstraints(
        max_length=317,
        pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
    ),
]
LabelValue = Annotated[
    str, StringConstraints(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")
]
VariableName = Annotated[str, StringConstraints(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
