"""Plans for each kind of person and each kind of choice. If these fail, a pod changed unseen."""

import copy
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as some

from jupyterhub_libretexts.cli.data import plan_data
from jupyterhub_libretexts.core.choice import Choice
from jupyterhub_libretexts.core.circumstances import Circumstances, GpuUse, ImageFacts, Running, Usage
from jupyterhub_libretexts.core.offers import offered_to
from jupyterhub_libretexts.core.people import declared_groups, person
from jupyterhub_libretexts.core.plan import plan
from jupyterhub_libretexts.errors import ClosedChoice, MalformedChoice, NoRoom, Refusal
from tests.core.support import (
    ADA,
    BO,
    CALIFORNIA,
    DURING_TERM,
    MAX,
    MEL,
    PEOPLE,
    PROF,
    TA,
    choice_of,
    offers,
    teaching,
)

CHOICES = (
    Choice(),
    Choice(environment="python"),
    Choice(environment="python", size="large"),
    Choice(environment="python", size="large", gpu="slice"),
    Choice(environment="python", gpu="whole"),
    Choice(environment="r"),
    Choice(environment="lab-instruments"),
    Choice(environment="shiny"),
    Choice(course="davis/sts101"),
    Choice(course="davis/ml200", gpu="slice"),
    Choice(course="merced/intro"),
    Choice(organization="davis", environment="python"),
    Choice(organization="merced", environment="r"),
)


def decided(who, chosen, circumstances=DURING_TERM):
    try:
        return plan_data(plan(teaching(), who, chosen, circumstances))
    except Refusal as refusal:
        return {"refused": type(refusal).__name__, "message": refusal.message, "nextStep": refusal.next_step}


@pytest.mark.parametrize("name", PEOPLE)
def test_plans_are_the_stored_ones(name, golden):
    """Whatever changes a pod is seen in a diff before a student meets it."""
    found = {" ".join(c.options().values()) or "nothing": decided(PEOPLE[name], c) for c in CHOICES}
    golden(f"plans/{name}", found)


def test_nobody_gets_more_by_naming_another_organisation():
    """Another university's share is not opened by a word in a request."""
    for who, organization in product(PEOPLE.values(), teaching().settings.organizations):
        if organization in teaching().organizations_of(who):
            continue
        for chosen in CHOICES:
            asked = Choice(organization, chosen.environment, chosen.size, chosen.gpu, chosen.course)
            with pytest.raises(ClosedChoice):
                plan(teaching(), who, asked, DURING_TERM)


def test_a_person_of_two_organisations_says_for_which():
    """Their home and their share would be taken from one of them by chance."""
    with pytest.raises(MalformedChoice, match="davis, merced"):
        plan(teaching(), BO, Choice(environment="python"), DURING_TERM)
    made = plan(teaching(), BO, Choice("merced", "python"), DURING_TERM)
    assert made.namespace == "merced-servers"


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-09-20T23:59:59", False),
        ("2026-09-21T00:00:00", True),
        ("2026-12-18T23:59:59", True),
        ("2026-12-19T00:00:00", False),
    ],
)
def test_a_course_is_open_from_midnight_to_midnight_of_the_hubs_own_days(moment, open_):
    """A student in California hands in on the last evening, when Greenwich has the next day."""
    at = datetime.fromisoformat(moment).replace(tzinfo=CALIFORNIA)
    for zone in (CALIFORNIA, UTC):
        found = offers(ADA, Circumstances(now=at.astimezone(zone)))["davis/sts101"]
        assert (found.closed is None) is open_


def test_who_teaches_a_course_starts_it_before_and_after_its_days():
    """Material is prepared in summer."""
    early = Circumstances(now=datetime(2026, 7, 1, tzinfo=UTC))
    for who in (PROF, TA):
        assert offers(who, early)["davis/sts101"].closed is None


@pytest.mark.parametrize(
    ("circumstances", "who", "chosen", "words"),
    [
        ({"running": (Running("davis", "python"),)}, ADA, Choice(environment="python"), "1 of at most 1"),
        (
            {"running": (Running("davis", "r", "davis/sts101"),)},
            ADA,
            Choice(course="davis/sts101"),
            "servers of this course",
        ),
        ({"running": (Running("merced", "r"),) * 2}, MEL, Choice(environment="r"), "2 of at most 2"),
        ({"usage": {"davis": Usage(servers=3)}}, ADA, Choice(environment="r"), "runs 3 servers"),
        ({"usage": {"davis": Usage(memory=10 * 2**30)}}, ADA, Choice(environment="r"), "memory of UC Davis"),
        ({"usage": {"davis": Usage(cpu=7.75)}}, ADA, Choice(environment="r"), "processors of UC Davis"),
        (
            {"gpus": {"slice": GpuUse(by_organization={"davis": 1}, by_person={"davis": 1})}},
            MAX,
            Choice(environment="python", gpu="slice"),
            "1 of at most 1",
        ),
        (
            {"gpus": {"slice": GpuUse(by_organization={"davis": 2})}},
            MAX,
            Choice(environment="python", gpu="slice"),
            "All 2 of UC Davis",
        ),
    ],
)
def test_a_limit_that_is_reached_is_a_matter_of_now(circumstances, who, chosen, words):
    """NoRoom tells the form and the student that waiting or stopping something helps."""
    with pytest.raises(NoRoom, match=words):
        plan(teaching(), who, chosen, Circumstances(now=DURING_TERM.now, **circumstances))
    plan(teaching(), who, chosen, DURING_TERM)


def test_an_image_without_the_kernel_is_closed_with_that_reason():
    """A notebook that opens without its kernel is the worst of answers."""
    facts = {"images.example.edu/python:1": ImageFacts(frozenset({"ir"}))}
    with pytest.raises(ClosedChoice, match="no kernel python3"):
        plan(teaching(), ADA, Choice(environment="python"), Circumstances(now=DURING_TERM.now, images=facts))


def test_a_course_lands_in_its_material():
    """The link is the whole of handing out: the repository, its branch, and the folder that opens."""
    made = plan(teaching(), ADA, Choice(course="davis/sts101"), DURING_TERM)
    assert made.default_url == (
        "/git-pull?repo=https%3A%2F%2Fgithub.com%2Fexample%2Fsts101.git&urlpath=tree%2Fsts101%2F"
        "&targetpath=sts101&branch=fall"
    )


_MOMENTS = some.integers(0, 365).map(lambda day: datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(days=day))
_RUNNING = some.lists(
    some.sampled_from(
        [Running("davis", "python"), Running("davis", "r", "davis/sts101"), Running("merced", "r")]
    ),
    max_size=3,
).map(tuple)
_USAGE = some.dictionaries(
    some.sampled_from(["davis", "merced"]),
    some.builds(Usage, some.integers(0, 4), some.integers(0, 12).map(lambda n: n * 2**30), some.floats(0, 9)),
)
_CIRCUMSTANCES = some.builds(Circumstances, now=_MOMENTS, running=_RUNNING, usage=_USAGE)
_GROUPS = some.frozensets(some.sampled_from(sorted(declared_groups(teaching().settings))), max_size=4)


@given(_GROUPS, _CIRCUMSTANCES)
def test_what_is_shown_open_starts_and_what_is_shown_closed_does_not(groups, circumstances):
    """The form and the start must never disagree."""
    who = person("somebody", groups)
    for found in offered_to(teaching(), who, circumstances):
        if found.closed is None:
            for size in found.sizes:
                asked = choice_of(found)
                asked = Choice(asked.organization, asked.environment, size.name, None, asked.course)
                assert ("refused" in decided(who, asked, circumstances)) is (size.closed is not None)
        else:
            assert "refused" in decided(who, choice_of(found), circumstances)


@given(some.sampled_from(sorted(PEOPLE)), some.sampled_from(CHOICES), _CIRCUMSTANCES)
def test_the_same_question_has_the_same_answer_and_changes_nothing(name, chosen, circumstances):
    """A plan that depends on what was planned before cannot be reviewed."""
    before = copy.deepcopy((chosen, circumstances.running, dict(circumstances.usage)))
    first = decided(PEOPLE[name], chosen, circumstances)
    assert decided(PEOPLE[name], chosen, circumstances) == first
    assert (chosen, circumstances.running, dict(circumstances.usage)) == before
