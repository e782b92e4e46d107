"""Files in, settings out, or every mistake where it stands.

What an operator loses when these fail: an hour of looking for a comma.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyterhub_libretexts.errors import SettingsError
from jupyterhub_libretexts.settings.load import load, load_text, review
from jupyterhub_libretexts.settings.watch import Watched

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = """\
organizations:
  north: {title: North, groups: [staff], environments: [python]}
environments:
  python: {title: Python, image: "python:1"}
sizes:
  small: {cpu: {guarantee: 1, limit: 2}, memory: {guarantee: 1Gi, limit: 2Gi}, default: true}
"""


def problems(text: str) -> list[str]:
    try:
        load_text(text, "hub.yaml")
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_the_examples_of_this_project_load() -> None:
    """The first file that an operator copies must be right."""
    assert load(EXAMPLES / "libretexts.yaml").organizations["ucdavis"].title == "UC Davis"
    assert load([EXAMPLES / "libretexts.yaml", EXAMPLES / "demo.yaml"]).authentication is not None


def test_quantities_print_back_as_they_were_written() -> None:
    """A diff of what is printed and what was written shows nothing but changes."""
    assert str(load_text(GOOD).sizes["small"].memory.guarantee) == "1Gi"


MISTAKES = {
    "an unknown key": (
        GOOD.replace("environments: [python]", "enviroments: [python]"),
        ("hub.yaml:2:42: organizations.north.enviroments", "'environments'"),
    ),
    "a wrong reference": (
        GOOD.replace("environments: [python]", "environments: [pyton]"),
        ("hub.yaml:2:57: organizations.north.environments", "pyton", "'python'"),
    ),
    "a wrong quantity": (
        GOOD.replace("limit: 2Gi", "limit: 2GB"),
        ("hub.yaml:6:74: sizes.small.memory.limit", "'2GB' is not a quantity"),
    ),
    "a missing key": (GOOD.replace("title: North, ", ""), ("organizations.north", "title")),
    "a duplicate key": (GOOD + "sizes: {}\n", ("hub.yaml:7:1: sizes", "a second time", "line 5")),
    "a guarantee over its limit": (
        GOOD.replace("guarantee: 1,", "guarantee: 3,"),
        ("sizes.small.cpu", "more than the limit"),
    ),
    "an unknown group": (
        GOOD.replace('image: "python:1"', 'image: "python:1", groups: [north/staf]'),
        ("environments.python.groups", "north/staff"),
    ),
    "a tab": (GOOD.replace("  north", "\tnorth"), ("hub.yaml:2:1",)),
    "two documents": (
        GOOD + "---\n",
        ("document",),
    ),
    "nothing": ("", ("says nothing",)),
    "only a comment": ("# nothing\n", ("says nothing",)),
    "a list": ("- a\n", ("hub.yaml:1:1",)),
    "a Python object": ("hub: !!python/object:os.system {}\n", ("hub.yaml:1:6",)),
    "a secret": (
        GOOD + "authentication: {provider: oidc, clientSecret: hunter2hunter2}\n",
        ("authentication.clientSecret", "clientSecretEnv"),
    ),
    "a secret in a variable": (
        GOOD.replace('image: "python:1"', 'image: "python:1", variables: {API_TOKEN: hunter2hunter2}'),
        ("environments.python.variables", "secrets"),
    ),
    "what only policy sets": (
        GOOD.replace('image: "python:1"', 'image: "python:1", pod: {hostNetwork: true}'),
        ("environments.python.pod.hostNetwork",),
    ),
    "a reach that opens the storage": (
        GOOD + "networks: {campus: {reach: [10.0.0.0/8]}}\ncluster: {storage: [10.1.2.3/32]}\n",
        ("networks.campus.reach", "10.1.2.3/32"),
    ),
    "shares beyond the total": (
        GOOD.replace("environments: [python]", "environments: [python], gpus: {a: {total: 9}}")
        + "gpus: {a: {title: A, resource: nvidia.com/gpu, total: 8}}\n",
        ("gpus", "overcommit"),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_where_it_stands_with_what_would_be_right(mistake: str) -> None:
    """File, line, column, key, what is wrong, what is allowed."""
    text, words = MISTAKES[mistake]
    told = "\n".join(problems(text))
    assert told, "nothing was found"
    assert "hub.yaml:" in told
    for word in words:
        assert word in told, told
    assert "hunter2" not in told


def test_all_mistakes_are_told_at_once() -> None:
    """One run of check, not one for each mistake."""
    text = GOOD.replace("limit: 2Gi", "limit: 2GB").replace("[python]", "[pyton]")
    text += "hub: {timezone: Mars/Olympus, titel: x}\n"
    told = "\n".join(problems(text))
    for word in ("2GB", "Mars/Olympus", "titel"):
        assert word in told, told


def test_aliases_that_explode_are_refused() -> None:
    """A short file must not take the hub's memory."""
    text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for one, two in zip("abcdefg", "bcdefgh", strict=True):
        text += f"{two}: &{two} [{','.join([f'*{one}'] * 9)}]\n"
    assert problems(text)


def test_deep_nesting_is_refused() -> None:
    """Brackets without end are a message and not a crash."""
    assert problems("a: " + "[" * 5000 + "]" * 5000)


@pytest.mark.parametrize("content", [b"\x00\x01\x02\xff" * 100, "hub: {title: Zürich}".encode("latin-1")])
def test_what_is_not_text_is_refused_with_its_place(tmp_path: Path, content: bytes) -> None:
    """A wrong encoding is named."""
    path = tmp_path / "hub.yaml"
    path.write_bytes(content)
    reviewed = review(path)
    assert reviewed.settings is None
    assert str(path) in str(reviewed.problems[0])


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    """No traceback for a mistyped path."""
    for path in (tmp_path / "missing.yaml", tmp_path):
        reviewed = review(path)
        assert reviewed.settings is None
        assert str(path) in str(reviewed.problems[0])


def test_an_overlay_merges_replaces_and_deletes(tmp_path: Path) -> None:
    """Staging beside production, with nothing said twice."""
    base, over = tmp_path / "base.yaml", tmp_path / "over.yaml"
    base.write_text(GOOD)
    over.write_text("organizations: {north: {title: Staging, groups: null}}\n")
    loaded = load([base, over])
    assert loaded.organizations["north"].title == "Staging"
    assert loaded.organizations["north"].groups == ()
    assert loaded.organizations["north"].environments == ("python",)
    over.write_text("organizations: {north: {environments: [nothing]}}\n")
    told = str(review([base, over]).problems[0])
    assert told.startswith(f"{over}:1:")


def test_a_running_hub_takes_up_a_good_edit_and_keeps_its_settings_on_a_bad_one(tmp_path: Path) -> None:
    """A mistyped edit at noon ends nobody's hub."""
    path = tmp_path / "hub.yaml"
    path.write_text(GOOD)
    now, told = [0.0], []
    watched = Watched(path, told=told.append, clock=lambda: now[0])
    first = watched.current()

    def edit(text: str) -> None:
        other = tmp_path / "other"
        other.write_text(text)
        shutil.move(other, path)
        now[0] += 2

    edit("organizations: [\n")
    assert watched.current() is first
    assert watched.stale
    now[0] += 2
    assert watched.current() is first
    assert len(told) == 1
    edit(GOOD.replace("North", "South"))
    assert watched.current().organizations["north"].title == "South"
    assert not watched.stale


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300))
def test_any_text_is_settings_or_located_mistakes(text: str) -> None:
    """Whatever a file holds, the answer is settings or words."""
    try:
        load_text(text, "any.yaml")
    except SettingsError as error:
        assert error.problems
        assert all(problem.place.line >= 1 for problem in error.problems)


_WORDS = st.sampled_from(
    [
        "hub",
        "title",
        "organizations",
        "sizes",
        "small",
        "cpu",
        "limit",
        "1Gi",
        "python",
        "north",
        "null",
        "-1",
        "[]",
    ]
)
_TREES = st.recursive(
    _WORDS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_TREES)
def test_any_structure_is_settings_or_located_mistakes(tree: object) -> None:
    """A document of any shape is answered in words."""
    import json

    try:
        load_text(json.dumps(tree), "any.yaml")
    except SettingsError as error:
        assert error.problems
