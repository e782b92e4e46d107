"""Amounts as operators write them: Kubernetes quantities and spans of time.

A value keeps the text that it was written as, and prints back as that text. What the amounts
are for is decided elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Self

__all__ = ["Quantity", "Span"]

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
# Twenty digits say more than any machine holds, and keep hostile input from costing time.
_QUANTITY = re.compile(
    r"(\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:([eE][+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i))?", re.ASCII
)
_SPAN = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,10})s)?", re.ASCII)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"{value!r} is not a quantity")  # noqa: TRY004 (pydantic reports ValueError)
    return str(value).strip()


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount in Kubernetes' notation: ``500m``, ``2``, ``10Gi``. Equal when the amounts are."""

    value: Decimal
    """The amount in base units: cores, or bytes."""
    text: str
    """The amount as it was written."""

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read an amount.

        Raises:
            ValueError: It is not one; the message says what would be.
        """
        if isinstance(value, cls):
            return value
        text = _text(value)
        match = _QUANTITY.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a quantity; write for example 500m, 2, 512Mi or 10Gi")
        number, exponent, suffix = match.groups()
        return cls(Decimal(number + (exponent or "")) * _SUFFIXES[suffix or ""], text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.value == other.value

    def __lt__(self, other: Quantity) -> bool:
        return self.value < other.value

    def __le__(self, other: Quantity) -> bool:
        return self.value <= other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> Any:
        return _schema(cls.parse)

    @classmethod
    def __get_pydantic_json_schema__(cls, _core: object, _handler: object) -> dict[str, object]:
        return {"type": ["string", "number"], "examples": ["500m", 2, "10Gi"]}


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: ``45m``, ``4h``, ``1d12h``. Equal when the lengths are."""

    seconds: int
    text: str
    """The length as it was written."""

    @classmethod
    def parse(cls, value: object) -> Self:
        """Read a length of time.

        Raises:
            ValueError: It is not one, or it is zero; the message says what would be right.
        """
        if isinstance(value, cls):
            return value
        text = value.strip() if isinstance(value, str) else repr(value)
        match = _SPAN.fullmatch(text)
        if match is None or not text:
            raise ValueError(f"{text!r} is not a length of time; write for example 45m, 4h or 1d12h")
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        if total == 0:
            raise ValueError(f"{text!r} is no time at all; write for example 45m, 4h or 1d12h")
        return cls(total, text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and self.seconds == other.seconds

    def __lt__(self, other: Span) -> bool:
        return self.seconds < other.seconds

    def __hash__(self) -> int:
        return hash(self.seconds)

    def __str__(self) -> str:
        return self.text

    @property
    def timedelta(self) -> timedelta:
        """The same length for arithmetic with dates."""
        return timedelta(seconds=self.seconds)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> Any:
        return _schema(cls.parse)

    @classmethod
    def __get_pydantic_json_schema__(cls, _core: object, _handler: object) -> dict[str, object]:
        return {"type": "string", "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$", "examples": ["45m", "4h"]}


def _schema(parse: Any) -> Any:
    # Imported here so that this module, which the whole core leans on, needs pydantic only under it.
    from pydantic_core import core_schema

    return core_schema.no_info_plain_validator_function(
        parse, serialization=core_schema.to_string_ser_schema()
    )
