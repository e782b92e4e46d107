"""``explain``. If these fail, an operator learns from a student what the file means."""

import json

import pytest
import yaml

from tests.cli.support import SCENARIO, called, explain

ADA = ("--user", "ada", "--email", "ada@ucdavis.edu", "--claim", "affiliation=student@ucdavis.edu")
TERM = ("--at", "2026-10-01")


def explained(*arguments):
    answer = explain(SCENARIO, *arguments, "--format", "json")
    return answer, json.loads(answer.out)


def test_who_somebody_is_comes_with_the_rule_that_says_so():
    """`why is she in?` is answered by a line of the file."""
    answer = called("explain", SCENARIO, *ADA, *TERM)
    assert answer.status == 0
    assert "organizations.davis.members.0 (emailDomain: ucdavis.edu)" in answer.out
    assert "organizations.davis.members.2 (claim: affiliation: student@ucdavis.edu)" in answer.out


def test_what_is_closed_comes_with_its_reason():
    """`why can he not start it?` as well."""
    _, found = explained(*ADA, *TERM)
    by_name = {one.get("course", one["environment"]): one for one in found["offers"]}
    assert by_name["davis/sts101"]["open"] is True
    assert by_name["lab-instruments"]["closed"] == {
        "why": "group",
        "text": "Only for davis/faculty and davis/ml.",
    }


def test_a_group_that_the_file_does_not_declare_is_named():
    """A mistyped group in a directory is the first thing to look for."""
    _, found = explained(*ADA, "--group", "davis/mll")
    assert found["unknownGroups"] == ["davis/mll"]


def test_a_choice_shows_what_would_start():
    """Exactly what the pod gets, before anybody gets it."""
    answer, found = explained(*ADA, *TERM, "--course", "davis/sts101")
    assert answer.status == 0
    assert found["plan"]["choice"] == {
        "organization": "davis",
        "environment": "r",
        "size": "small",
        "course": "davis/sts101",
    }
    assert found["plan"]["variables"] == {"CAMPUS": "davis", "R_LIBS": "/opt/r", "COURSE": "sts101"}
    assert found["plan"]["secretVariables"] == {
        "LICENCE": {"secretKeyRef": {"name": "licence", "key": "key"}}
    }


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["--course", "davis/sts101", "--at", "2026-12-19"], "ClosedChoice", "Ended on 18 December 2026."),
        (["--environment", "lab-instruments"], "ClosedChoice", "Only for davis/faculty and davis/ml."),
        (["--environment", "pyton"], "MalformedChoice", "Did you mean python?"),
        (["--environment", "python", "--size", "large"], "ClosedChoice", "Open sizes are: small."),
        (["--environment", "python", "--gpu", "slice"], "ClosedChoice", "Only for davis/ml."),
        (["--organization", "merced"], "ClosedChoice", "You belong to: davis."),
    ],
)
def test_a_refusal_is_in_the_students_own_words_and_exit_status_1(arguments, kind, words):
    """An operator answers a mail by reading what the student read."""
    answer, found = explained(*ADA, *arguments)
    assert answer.status == 1
    assert found["refusal"]["kind"] == kind
    assert words in answer.error
    assert "plan" not in found


def test_the_last_day_of_a_course_ends_at_midnight_of_the_hub():
    """Not at midnight of Greenwich, which is in the afternoon of the last day."""
    late, _ = explained(*ADA, "--course", "davis/sts101", "--at", "2026-12-18T23:59")
    over, _ = explained(*ADA, "--course", "davis/sts101", "--at", "2026-12-19T08:00+00:00")
    assert (late.status, over.status) == (0, 1)


def test_yaml_and_json_say_the_same_and_the_same_each_time():
    """Stored explanations show a difference only where something changed."""
    as_json, found = explained(*ADA, *TERM)
    as_yaml = called("explain", SCENARIO, *ADA, *TERM, "--format", "yaml")
    assert yaml.safe_load(as_yaml.out) == found | {"at": yaml.safe_load(as_yaml.out)["at"]}
    assert explained(*ADA, *TERM)[0].out == as_json.out


def test_a_file_with_mistakes_is_told_and_explains_nothing(tmp_path):
    """An explanation of half a file would be wrong with confidence."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("hub: {titel: X}\n")
    answer = called("explain", wrong, "--user", "ada")
    assert (answer.status, answer.out) == (1, "")
    assert f"{wrong}:1:7: hub.titel: " in answer.error
