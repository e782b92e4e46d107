"""Who somebody is. If these fail, strangers get in, or students do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from jupyterhub_libretexts.core.people import declared_groups, groups_from, is_named, memberships, person
from tests.core.support import hub_of, teaching

SETTINGS = teaching().settings


def groups(**claims):
    return groups_from(SETTINGS, claims)


def of_address(address, verified=True):
    return groups(email=address, email_verified=verified)


def test_a_verified_address_in_the_domain_belongs():
    """Without it nobody of the university gets in."""
    assert of_address("ada@ucdavis.edu") == {"davis"}


@pytest.mark.parametrize("verified", [False, None, "true", "false", 1, "yes", [True], {}])
def test_an_address_counts_only_when_sign_in_says_true(verified):
    """Else anybody types a university's address into a form elsewhere and is in."""
    assert of_address("ada@ucdavis.edu", verified) == set()


def test_an_address_without_any_word_on_its_verification_does_not_count():
    """A provider that says nothing has checked nothing."""
    assert groups(email="ada@ucdavis.edu") == set()


@pytest.mark.parametrize(
    "address",
    [
        "ada@notucdavis.edu",
        "ada@ucdavis.edu.evil",
        "ada@ucdavis.edu.evil.example",
        "ada@cs.ucdavis.edu",
        "ada@ucdavis.education",
        "ada@ucdavis.edu ",
        "ada@ucdavis.edu\n",
        "ada@ucdavis.edu@evil.example",
        '"ada@ucdavis.edu"@evil.example',
        "ada@ucdaviſ.edu",
        "ada@ucdavis.edu.",
        "ucdavis.edu",
        "ada%ucdavis.edu",
        "",
        "@",
    ],
)
def test_no_other_domain_belongs_however_much_it_looks_alike(address):
    """A domain that can be bought for ten dollars would open a university's hub."""
    assert of_address(address) == set()


def test_a_domain_that_unicode_folds_onto_another_is_another():
    """straße.example and strasse.example belong to different people."""
    settings = hub_of("organizations: {a: {title: A, members: [{emailDomain: strasse.example}]}}").settings
    assert groups_from(settings, {"email": "x@straße.example", "email_verified": True}) == set()


@pytest.mark.parametrize("address", ["ada@UCDAVIS.EDU", "ADA@UcDavis.edu"])
def test_letter_case_of_an_address_does_not_matter(address):
    """Directories write addresses as they like."""
    assert of_address(address) == {"davis"}


@pytest.mark.parametrize("value", [None, 7, True, ["ada@ucdavis.edu"], {"a": "b"}, b"ada@ucdavis.edu"])
def test_an_address_that_is_no_text_admits_nobody_and_breaks_nothing(value):
    """A provider's odd answer must not end sign-in for that person with a crash."""
    assert of_address(value) == set()


def test_a_rule_for_one_address_admits_exactly_that_person():
    """A guest lecturer, and not everybody with the same provider of mail."""
    assert of_address("Guest@gmail.com") == {"davis"}
    assert of_address("guest2@gmail.com") == set()


def test_a_claim_matches_by_value_and_by_being_in_a_list():
    """eduPerson affiliations come as one text or as a list, depending on the provider."""
    assert groups(affiliation="student@ucdavis.edu") == {"davis", "davis/students"}
    assert groups(affiliation=["staff@ucdavis.edu", "student@ucdavis.edu"]) == {"davis", "davis/students"}


@pytest.mark.parametrize(
    "value", ["student@ucdavis.edu.evil", "xstudent@ucdavis.edu", {"student@ucdavis.edu": 1}, True, None, 3]
)
def test_a_claim_never_matches_by_a_part_of_it(value):
    """``in`` on a text would admit everybody whose claim contains the words."""
    assert groups(affiliation=value) == set()


def test_a_rule_with_several_claims_needs_all_of_them():
    """Faculty without the second factor are not let into what is only for faculty with it."""
    assert groups(affiliation="faculty@ucdavis.edu") == set()
    assert groups(affiliation="faculty@ucdavis.edu", mfa="yes") == {"davis", "davis/faculty"}


def test_reported_groups_count_only_when_the_file_declares_them():
    """A directory's other groups must not become rights here by their name."""
    assert groups(groups=["davis/ml", "davis/unheard-of", "admin", "merced"]) == {
        "davis",
        "davis/ml",
        "merced",
    }


def test_organisations_identifiers_stay_whole():
    """``davis/students`` shortened to ``students`` would be the students of every university."""
    settings = hub_of(
        "organizations: {a: {title: A, groups: [students]}, b: {title: B, groups: [students]}}"
    ).settings
    assert declared_groups(settings) == {"a", "b", "a/students", "b/students"}
    assert groups_from(settings, {"groups": ["students", "/students", "a", "b/"]}) == {"a"}


@pytest.mark.parametrize("value", ["davis/ml", {"davis/ml": True}, 5, None, [["davis/ml"]], [None, 3, {}]])
def test_groups_that_are_no_list_of_texts_count_for_nothing(value):
    """A text would otherwise be read letter by letter, and a number would end the sign-in."""
    assert groups(groups=value) == set()


def test_a_courses_own_group_admits_to_its_organisation():
    """Who takes a course sees its university's environments as well."""
    assert groups(groups=["davis/sts101"]) == {"davis", "davis/sts101"}


def test_without_any_rule_nobody_belongs():
    """An empty list means nobody, never everybody."""
    settings = hub_of("organizations: {a: {title: A}}").settings
    assert groups_from(settings, {"email": "x@y.example", "email_verified": True}) == set()


def test_each_group_comes_with_the_rule_that_gave_it():
    """An operator who asks why somebody is in reads the rule, and finds it in the file."""
    found = memberships(SETTINGS, {"email": "x@ucdavis.edu", "email_verified": True, "groups": ["davis/ml"]})
    assert {one.group: one.reason for one in found} == {
        "davis": "organizations.davis.members.0 (emailDomain: ucdavis.edu)",
        "davis/ml": "reported by sign-in",
    }


def test_administrators_are_addresses_or_user_names_never_mixed():
    """Somebody who names themselves like an administrator's address must not become one."""
    ops = person("anybody", [], "OPS@example.edu")
    assert is_named(ops, "ops@example.edu")
    assert not is_named(ops, "user:ops@example.edu")
    assert is_named(person("ta", []), "user:ta")
    assert not is_named(person("ta", []), "ta@example.edu")
    assert not is_named(person("Ta", []), "user:ta")


def test_a_home_follows_from_the_user_name_alone():
    """Another group, another address or another organisation must not lose anybody's files."""
    assert person("ada", ["a"], "a@b.example").key == person("ada", ["x", "y"]).key
    assert person("ada", []).key != person("Ada", []).key


@given(
    some.dictionaries(
        some.text(max_size=20),
        some.recursive(
            some.none() | some.booleans() | some.integers() | some.text(max_size=40),
            lambda below: (
                some.lists(below, max_size=3) | some.dictionaries(some.text(max_size=5), below, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=6,
    )
)
def test_no_claims_whatever_give_a_group_that_is_not_declared(claims):
    """Sign-in's answer is input from outside; it can give nothing that the file does not name."""
    assert groups_from(SETTINGS, claims) <= declared_groups(SETTINGS)
