"""Choices, offers and plans over the scenario of the hub tests: what is shown and what holds.

What a user loses when these fail: a rule that is shown and not kept, or kept and not shown.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.catalogue import catalogue
from jupyterhub_libretexts.core.choice import Choice, choice
from jupyterhub_libretexts.core.circumstances import Circumstances, GpuUse, ImageFacts, Running, Usage
from jupyterhub_libretexts.core.merge import merged
from jupyterhub_libretexts.core.offers import offered_to
from jupyterhub_libretexts.core.parts import Part, assembled
from jupyterhub_libretexts.core.people import person
from jupyterhub_libretexts.core.plan import plan
from jupyterhub_libretexts.core.pod import patch, violations
from jupyterhub_libretexts.errors import ClosedChoice, LibreTextsError, MalformedChoice, NoRoom, PlanConflict
from jupyterhub_libretexts.settings.load import load

ROOT = Path(__file__).parents[2]
INDEX = catalogue(load(ROOT / "tests" / "data" / "hub.yaml"))
NOW = Circumstances(datetime(2026, 11, 23, 12, tzinfo=UTC))
STUDENT = person("ada", ["north", "north/now"])
STAFF = person("fay", ["north", "north/staff"])
BOTH = person("bo", ["north", "south"])
GPU = person("gia", ["north", "north/gpu"])


def at(**facts: object) -> Circumstances:
    return Circumstances(**{"now": NOW.now, **facts})  # type: ignore[arg-type]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.binary(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.text(max_size=12) | st.sampled_from(["environment", "size", "gpu"]), inner, max_size=6
            )
        ),
        max_leaves=25,
    )
)
def test_whatever_is_sent_is_a_choice_or_is_refused_in_words(raw: object) -> None:
    """Hostile input ends here, and not in a traceback."""
    before = copy.deepcopy(raw)
    try:
        made = choice(raw)
    except MalformedChoice as refusal:
        assert len(str(refusal)) < 400
    else:
        assert isinstance(made, Choice)
        assert choice(made.options()) == made
    assert raw == before


def test_a_megabyte_is_refused_quickly_and_shortly() -> None:
    """A huge value is named by its length."""
    with pytest.raises(MalformedChoice, match="1000000 characters"):
        choice({"environment": "x" * 1_000_000})


@pytest.mark.parametrize("who", [STUDENT, STAFF, BOTH, GPU, person("nobody", [])])
@pytest.mark.parametrize(
    "facts",
    [
        at(),
        at(images=MappingProxyType({"local/nothing:1": ImageFacts(frozenset({"python3"}))})),
        at(usage=MappingProxyType({"south": Usage(servers=2)})),
        at(running=(Running("north", "python"),) * 3),
        at(gpus=MappingProxyType({"slice": GpuUse(3, by_organization=MappingProxyType({"north": 2}))})),
    ],
)
def test_what_is_shown_open_starts_and_what_is_shown_closed_does_not(
    who: object, facts: Circumstances
) -> None:
    """The form and the start agree for every entry, size and GPU."""
    for offer in offered_to(INDEX, who, facts):
        entry = offer.entry
        where = {"course": entry.course} if entry.course else {"environment": entry.environment}
        for size in offer.sizes:
            for gpu in (None, *offer.gpus):
                wanted = Choice(
                    organization=entry.organization, size=size.name, gpu=gpu.name if gpu else None, **where
                )
                is_open = not (offer.closed or size.closed or (gpu and gpu.closed))
                try:
                    planned = plan(INDEX, who, wanted, facts)
                except (ClosedChoice, NoRoom):
                    assert not is_open, (offer, wanted)
                else:
                    assert is_open, (offer, wanted)
                    assert planned == plan(INDEX, who, wanted, facts)


REFUSED = [
    (STUDENT, {"environment": "closed"}, ClosedChoice, "Only for north/staff"),
    (STUDENT, {"organization": "south"}, ClosedChoice, "do not belong"),
    (STUDENT, {"environment": "pyton"}, MalformedChoice, "Did you mean python"),
    (STUDENT, {"environment": "python", "size": "lage"}, MalformedChoice, "Did you mean large"),
    (STUDENT, {"course": "north/old"}, ClosedChoice, "not in the course"),
    (STAFF, {"course": "north/old"}, ClosedChoice, "Ended on 30 June 2020"),
    (STUDENT, {"environment": "python", "gpu": "slice"}, ClosedChoice, "north/gpu"),
    (BOTH, {"environment": "python"}, MalformedChoice, "north, south"),
    (BOTH, {}, MalformedChoice, "several organisations"),
    (person("nobody", ["unheard-of"]), {}, ClosedChoice, "No organisation"),
]


@pytest.mark.parametrize(("who", "raw", "kind", "words"), REFUSED)
def test_a_refusal_says_why_and_what_is_allowed(who, raw, kind, words) -> None:
    """The student reads a reason and a next step."""
    with pytest.raises(kind, match=words):
        plan(INDEX, who, choice(raw), NOW)


def test_the_last_gpu_is_given_once_and_a_person_has_their_own_limit() -> None:
    """Totals of cluster, organisation and person each close by themselves."""
    wanted = choice({"environment": "python", "gpu": "slice"})
    assert plan(INDEX, GPU, wanted, NOW).part.devices == {"nvidia.com/mig-1g.10gb": "1"}
    full = at(gpus=MappingProxyType({"slice": GpuUse(3, by_organization=MappingProxyType({"north": 2}))}))
    with pytest.raises(NoRoom, match="in use"):
        plan(INDEX, GPU, wanted, full)
    mine = at(
        gpus=MappingProxyType(
            {"slice": GpuUse(3, by_organization=MappingProxyType({"north": 1}), by_person={"north": 1})}
        )
    )
    with pytest.raises(NoRoom, match="You hold 1 of at most 1"):
        plan(INDEX, GPU, wanted, mine)


def test_two_parts_that_set_one_key_differently_name_both() -> None:
    """A contradiction in the settings is an error, never a silent winner."""
    with pytest.raises(PlanConflict, match=r"variables\.A .*first.*second"):
        assembled([Part("first", variables={"A": "1"}), Part("second", variables={"A": "2"})])
    same = assembled([Part("first", variables={"A": "1"}), Part("second", variables={"A": "1"})])
    assert dict(same.variables) == {"A": "1"}


MANIFEST = {
    "metadata": {"labels": {"component": "singleuser-server"}},
    "spec": {"containers": [{"name": "notebook", "resources": {"limits": {"memory": "1G"}}}]},
}


def allowed():
    planned = plan(INDEX, GPU, choice({"environment": "python", "gpu": "slice"}), NOW)
    return planned, merged(MANIFEST, patch(planned))


def test_a_manifest_of_the_plan_is_within_it() -> None:
    """What the plan makes, its own last check lets pass."""
    planned, manifest = allowed()
    assert violations(manifest, planned) == ()


WIDENED = {
    "another GPU": {
        "spec": {"containers": [{"name": "notebook", "resources": {"limits": {"nvidia.com/gpu": "8"}}}]}
    },
    "more of it": {
        "spec": {
            "containers": [{"name": "notebook", "resources": {"limits": {"nvidia.com/mig-1g.10gb": "2"}}}]
        }
    },
    "a GPU in a second container": {
        "spec": {"containers": [{"name": "x", "resources": {"limits": {"nvidia.com/mig-1g.10gb": "1"}}}]}
    },
    "another organisation": {"metadata": {"labels": {"libretexts.org/organization": "south"}}},
    "another namespace": {"metadata": {"namespace": "org-south"}},
    "no end": {"spec": {"activeDeadlineSeconds": None}},
    "a later end": {"spec": {"activeDeadlineSeconds": 999_999}},
}


@pytest.mark.parametrize("how", WIDENED)
def test_a_hook_cannot_widen_what_the_plan_allows(how: str) -> None:
    """An operator's old hook must not give away what the file closes."""
    planned, manifest = allowed()
    assert violations(merged(manifest, WIDENED[how]), planned)


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "env", "name", "volumes", "value"]), inner, max_size=4)
    ),
    max_leaves=12,
)
_OBJECTS = st.dictionaries(st.sampled_from(["a", "env", "name", "volumes"]), _JSON, max_size=4)


@given(_OBJECTS, _OBJECTS)
def test_merging_changes_neither_side_and_twice_is_once(base: dict, over: dict) -> None:
    """Nothing is written into somebody else's data."""
    before = copy.deepcopy((base, over))
    once = merged(base, over)
    assert (base, over) == before
    assert merged(base, {}) == base
    assert None not in once.values() or None in base.values()


def test_lists_merge_by_their_key_as_kubernetes_does() -> None:
    """A variable of the operator replaces the one of the same name and leaves the others."""
    base = {
        "containers": [
            {"name": "notebook", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
        ]
    }
    over = {"containers": [{"name": "notebook", "env": [{"name": "B", "value": "3"}]}, {"name": "side"}]}
    assert merged(base, over) == {
        "containers": [
            {"name": "notebook", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]},
            {"name": "side"},
        ]
    }


@settings(max_examples=300)
@given(st.text(max_size=200), st.text(max_size=200))
def test_names_are_valid_short_and_never_the_same_for_two(one: str, two: str) -> None:
    """No user name can take the claim of another."""
    first, second = names.slug(one), names.slug(two)
    assert names.is_name(first) or "---" in first
    assert len(first) <= 63
    assert (first == second) == (one == two)


def test_a_made_name_cannot_be_chosen_by_somebody() -> None:
    """The made name of ada@x is not the name of a user who calls themselves so."""
    made = names.slug("ada@x")
    assert names.slug(made) != made


def test_refusals_are_of_one_tree() -> None:
    """A boundary that catches the root catches all."""
    for kind in (MalformedChoice, ClosedChoice, NoRoom, PlanConflict):
        assert issubclass(kind, LibreTextsError)
