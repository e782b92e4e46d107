"""Amounts as operators write them.

What is lost when these fail: a student gets a thousandth of the memory, or check prints another amount than the file.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_libretexts.quantities import Quantity, Span

SUFFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("2", "2"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        ("1.", "1"),
        ("1Gi", "1073741824"),
        ("1G", "1000000000"),
        ("1e3", "1000"),
        ("1E", "1000000000000000000"),
        ("1E3", "1000"),
        ("12e-1", "1.2"),
    ],
)
def test_kubernetes_notation_means_what_kubernetes_says(text: str, value: str) -> None:
    """https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/."""
    assert Quantity.parse(text).value == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "2GB", "2gi", "1 Gi", "-1", "1e", "1e100", "NaN", "inf", "٣", "1K", "1" * 30, "."]
)
def test_what_is_no_amount_is_refused_with_examples(text: str) -> None:
    """The message shows what would be right."""
    with pytest.raises(ValueError, match="10Gi"):
        Quantity.parse(text)


@pytest.mark.parametrize("value", [True, None, [], {}])
def test_what_is_no_text_and_no_number_is_refused(value: object) -> None:
    """True is not one."""
    with pytest.raises(ValueError, match="not a quantity"):
        Quantity.parse(value)


@settings(deadline=None)
@given(st.integers(0, 10**15), st.sampled_from([*SUFFIXES, *BINARY]))
def test_an_amount_prints_back_as_it_was_written(number: int, suffix: str) -> None:
    """And reads again as the same amount."""
    text = f"{number}{suffix}"
    quantity = Quantity.parse(text)
    assert str(quantity) == text
    assert Quantity.parse(str(quantity)) == quantity
    power = Decimal(2) ** BINARY[suffix] if suffix in BINARY else Decimal(10) ** SUFFIXES[suffix]
    assert quantity.value == number * power


@settings(deadline=None)
@given(st.integers(1, 10**6))
def test_equal_amounts_are_equal_however_they_are_written(number: int) -> None:
    """A key of a dictionary does not depend on taste."""
    one, other = Quantity.parse(f"{number}"), Quantity.parse(f"{number * 1000}m")
    assert one == other
    assert hash(one) == hash(other)
    assert one <= other
    assert not one < other


@settings(deadline=None)
@given(st.integers(0, 999), st.integers(0, 999), st.integers(0, 999), st.integers(1, 999))
def test_a_length_of_time_is_the_sum_of_its_parts(days: int, hours: int, minutes: int, seconds: int) -> None:
    """And prints back as it was written."""
    text = f"{days}d{hours}h{minutes}m{seconds}s"
    span = Span.parse(text)
    assert span.seconds == ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    assert str(span) == text
    assert span.timedelta.total_seconds() == span.seconds


@pytest.mark.parametrize("value", ["", "0m", "4", 4, "1h30", "30m1h", "-1h", "1.5h", None, True, "٣h"])
def test_what_is_no_length_of_time_is_refused_with_examples(value: object) -> None:
    """A number without a unit is asked for its unit."""
    with pytest.raises(ValueError, match="4h"):
        Span.parse(value)
