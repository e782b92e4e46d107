"""Names of objects in the cluster.

What is lost when these fail: two people share a home, or a server cannot be made because of its owner's name.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_libretexts import names

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?")
# Close neighbours: cases, separators, what looks alike, what a made name looks like.
HOSTILE = (
    st.text(max_size=80)
    | st.text("aA-._/@ äßİ0---", max_size=70)
    | st.from_regex(r"[a-z]{1,30}---[0-9a-f]{8}", fullmatch=True)
)


@settings(deadline=None)
@given(HOSTILE, st.none() | st.integers(16, 63))
def test_every_value_has_a_valid_name_within_its_bound(value: str, longest: int | None) -> None:
    """RFC 1123: Kubernetes takes it."""
    name = names.slug(value, longest)
    assert len(name) <= (longest or names.LONGEST)
    assert _LABEL.fullmatch(name)


@settings(deadline=None)
@given(HOSTILE)
def test_every_value_has_a_valid_label(value: str) -> None:
    """At most 63 characters of those that labels may have."""
    label = names.label_value(value)
    assert len(label) <= names.LONGEST
    assert _VALUE.fullmatch(label)


@settings(max_examples=100, deadline=None)
@given(st.lists(HOSTILE, unique=True, min_size=2, max_size=20))
def test_different_values_have_different_names(values: list[str]) -> None:
    """Nobody reaches another's home by choosing a name."""
    assert len({names.slug(value) for value in values}) == len(values)
    assert len({names.label_value(value) for value in values}) == len(values)


@settings(deadline=None)
@given(
    st.lists(
        st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,40}[a-z0-9])?", fullmatch=True),
        unique=True,
        min_size=2,
        max_size=20,
    )
)
def test_organisations_have_namespaces_of_their_own(organizations: list[str]) -> None:
    """a.b and a-b are two."""
    assert len({names.namespace(name) for name in organizations}) == len(organizations)


@settings(deadline=None)
@given(HOSTILE)
def test_nobody_can_be_called_like_a_made_name(value: str) -> None:
    """A made name, taken as a user name, leads somewhere else."""
    made = names.slug(value)
    if made != value:
        assert names.slug(made) != made


@pytest.mark.parametrize("value", ["ada", "a", "a-b", "x" * 63])
def test_a_valid_name_stays_as_it_is(value: str) -> None:
    """Operators find their objects under the names that they gave."""
    assert names.slug(value) == value


@pytest.fixture(scope="module")
def slugs():
    """KubeSpawner's own scheme, without the rest of it, whose import takes seconds."""
    found = importlib.util.find_spec("kubespawner")
    if found is None or not found.submodule_search_locations:
        pytest.skip("kubespawner is not installed")
    path = Path(found.submodule_search_locations[0]) / "slugs.py"
    spec = importlib.util.spec_from_file_location("kubespawner_slugs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@settings(max_examples=300, deadline=None)
@given(HOSTILE)
def test_a_name_is_the_one_that_kubespawner_makes(slugs, value: str) -> None:
    """A hub that comes over finds the claims that KubeSpawner made."""
    assert names.slug(value) == slugs.safe_slug(value, is_valid=slugs.is_valid_object_name)
    # KubeSpawner takes a few letters beyond ASCII for valid in labels, and the cluster does not.
    if value and value.isascii():
        assert names.label_value(value) == slugs.safe_slug(value, is_valid=slugs.is_valid_label)
