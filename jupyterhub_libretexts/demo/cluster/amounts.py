"""Quantities in the API server's canonical notation, for sums of requests and limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_SHAPE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_KIBI = 1024
_LARGEST_POWER = 30  # Of ten: beyond every suffix, and a million zeros cost time.
_LONGEST = 40  # Characters: more than any machine holds, and hostile input costs no time.


@dataclass(frozen=True, slots=True)
class Amount:
    """An exact number and the notation that it was written in."""

    value: Fraction
    binary: bool = False

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.value + other.value, self.binary if self.value else other.binary)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.value - other.value, self.binary if self.value else other.binary)

    def __str__(self) -> str:
        if not self.value:
            return "0"
        if self.binary and abs(self.value) >= _KIBI and self.value.denominator == 1:
            for suffix, power in reversed(_BINARY.items()):
                if self.value.numerator % (1 << power) == 0:
                    return f"{self.value.numerator >> power}{suffix}"
            return str(self.value.numerator)
        for suffix, power in reversed(_DECIMAL.items()):
            scaled = self.value / Fraction(10) ** power
            if scaled.denominator == 1:
                return f"{scaled.numerator}{suffix}"
        return f"{-(-self.value * 10**9 // 1)}n"


NOTHING = Amount(Fraction(0))


@lru_cache(maxsize=4096)
def amount(text: str | float) -> Amount:
    """Read a quantity.

    Raises:
        ValueError: It is none.
    """
    written = str(text)
    match = _SHAPE.fullmatch(written) if len(written) <= _LONGEST else None
    if match is None:
        raise ValueError(f"quantities must match the regular expression '{PATTERN}'")
    number, exponent, suffix = match.groups()
    value = Fraction(number)
    if exponent:
        power = int(exponent[1:])
        if abs(power) > _LARGEST_POWER:
            raise ValueError(f"quantities must match the regular expression '{PATTERN}'")
        return Amount(value * Fraction(10) ** power)
    if suffix in _BINARY:
        return Amount(value * (1 << _BINARY[suffix]), binary=True)
    return Amount(value * Fraction(10) ** _DECIMAL[suffix or ""])
