"""Profiles of a stock hub, carried into a document of ours.

What is lost when these fail: a site that comes over loses a setting without being told.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_libretexts.errors import SettingsError
from jupyterhub_libretexts.settings.load import load_text
from jupyterhub_libretexts.settings.overrides import KNOWN
from jupyterhub_libretexts.settings.profiles import imported

VALUES = """\
singleuser:
  image: {name: quay.io/site/base, tag: "1.2"}
  memory: {guarantee: 1G, limit: 4G}
  profileList:
    - display_name: "Python <b>small</b>"
      description: "a & b: c"
      default: true
    - display_name: GPU
      slug: gpu
      kubespawner_override:
        image: "site/gpu:1"
        extra_resource_limits: {nvidia.com/gpu: "1"}
        mem_limit: 8G
        mem_limt: 9
        cpu_guarantee: 0.5
        cpu_limit: 2
        default_url: /tree
        environment: {A: 1, API_TOKEN: hunter2hunter2}
        extra_pod_config: {hostNetwork: true, hostname: x}
        volumes: []
      profile_options: {image: {choices: {}}}
"""


def test_profiles_become_environments_with_their_sizes() -> None:
    """Image, size, landing and variables go where they mean the same."""
    loaded = load_text(imported(VALUES).document)
    python, gpu = loaded.environments["python-small"], loaded.environments["gpu"]
    assert python.title == "Python small"
    assert python.image == "quay.io/site/base:1.2"
    assert gpu.opens == "notebook"
    assert dict(gpu.variables) == {"A": "1"}
    assert dict(gpu.pod) == {"hostname": "x"}
    assert gpu.sizes is not None
    # KubeSpawner's 8G is 8 GiB.
    assert loaded.sizes[gpu.sizes[0]].memory.limit.value == 8 * 2**30
    assert loaded.organizations["everyone"].environments == ("python-small", "gpu")


def test_nobody_may_enter_before_the_operator_says_who() -> None:
    """An import opens nothing."""
    assert load_text(imported(VALUES).document).organizations["everyone"].members == ()


@pytest.mark.parametrize("word", ["mem_limt", "hostNetwork", "volumes", "'image'", "API_TOKEN", "members"])
def test_what_cannot_be_carried_is_said(word: str) -> None:
    """Nothing is dropped in silence."""
    assert any(word in said for said in imported(VALUES).left_out)


def test_a_secret_of_a_profile_is_carried_nowhere() -> None:
    """A token does not travel into a file that goes to a repository."""
    result = imported(VALUES)
    assert "hunter2" not in result.document
    assert "hunter2" not in "".join(result.left_out)


@pytest.mark.parametrize(
    "text", ["- display_name: A\n", "jupyterhub: {singleuser: {profileList: [{display_name: A}]}}\n"]
)
def test_a_plain_list_and_a_chart_around_the_chart_are_understood(text: str) -> None:
    """The list is found wherever sites keep it."""
    assert "a" in load_text(imported(text).document).environments


@pytest.mark.parametrize("text", ["", "a: b\n", "[1]\n", "a: [\n"])
def test_a_file_without_profiles_is_told(text: str) -> None:
    """The wrong file is a message."""
    with pytest.raises(SettingsError):
        imported(text)


_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("key", sorted(KNOWN))
@pytest.mark.parametrize("value", [None, True, 7, 1.5, "text", [], ["text"], [None], {}, {"a": None}, [{}]])
def test_every_key_may_hold_anything(key: str, value: object) -> None:
    """A key of another version, or a slip, costs a line of what is left out and not the import."""
    profile = {"display_name": "Statistics", "kubespawner_override": {"image": "a.example/b:1", key: value}}
    load_text(imported(json.dumps([profile])).document)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "display_name": st.text(max_size=20),
                "kubespawner_override": st.dictionaries(st.sampled_from(sorted(KNOWN)), _ANY, max_size=3),
            }
        ),
        min_size=1,
        max_size=2,
    )
)
def test_whatever_profiles_say_the_result_loads_or_is_refused_in_words(profiles: object) -> None:
    """A strange profile never ends in a traceback, and never in a document that does not load."""
    try:
        result = imported(json.dumps(profiles))
    except SettingsError as error:
        assert error.problems
        return
    load_text(result.document)
