"""Files and YAML: what can be read, and what is refused with its place.

What is lost when these fail: a hub that ends with a traceback because of a file.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_libretexts.errors import SettingsError
from jupyterhub_libretexts.settings import document
from jupyterhub_libretexts.settings.document import LARGEST, parsed
from jupyterhub_libretexts.settings.load import load, load_text, review
from jupyterhub_libretexts.settings.overlays import plain
from tests.settings.support import GOOD, told

EXAMPLE = Path(__file__).parents[2] / "examples" / "libretexts.yaml"


def value(text: str) -> object:
    root, problems = parsed("x.yaml", f"a: {text}\n")
    assert root is not None, problems
    assert not problems
    data = plain(root)
    assert isinstance(data, dict)
    return data["a"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("06:00", "06:00"),
        ("2026-11-24", "2026-11-24"),
        ("true", True),
        ("0o17", 15),
        ("0x1f", 31),
        ("017", 17),
        ("-3", -3),
        ("1e3", "1e3"),
        ("0.50", "0.50"),
        ("0.5", 0.5),
        (".inf", ".inf"),
        ("~", None),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("9" * 100, "9" * 100),
    ],
)
def test_plain_words_mean_what_yaml_1_2_says(text: str, meant: object) -> None:
    """A course code `no` and a time `06:00` stay what they were."""
    assert value(text) == meant
    assert type(value(text)) is type(meant)


REFUSED = {
    "a merge key": ("a: &a {b: c}\nd: {<<: *a}\n", "2:5", "merge keys"),
    "a key that is a number": ("1: a\n", "1:1", 'put it in quotes: "1"'),
    "a key that is empty": ("~: a\n", "1:1", "empty"),
    "a key that is a list": ("? [a]\n: b\n", "1:3", "where a key is expected"),
    "a key that stands twice": ("a: 1\nb: 2\na: 3\n", "3:1", "first in line 1"),
    "an alias inside itself": ("a: &a [*a]\n", "1:8", "names nothing that ended before it"),
    "an alias of nothing": ("a: *b\n", "1:4", "names nothing that ended before it"),
    "a tag of Python": ("a: !!python/name:os.system x\n", "1:4", "is not understood"),
    "two documents": ("a: 1\n---\nb: 2\n", "2:1", "a second document"),
    "a tab": ("a:\n\tb: c\n", "2:1", "a tab stands here"),
    "a bracket without its end": ("a: [1, 2\n", "2:1", "this is not YAML"),
    "a document that is a list": ("- a\n", "1:1", "not made of keys with values"),
    "a document that is one word": ("word\n", "1:1", "not made of keys with values"),
    "nothing": ("", "1:1", "says nothing"),
    "comments alone": ("# a\n", "1:1", "says nothing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_document_of_ours_is_refused_at_its_place(case: str) -> None:
    """Line, column and what to write in its place."""
    text, place, words = REFUSED[case]
    problems = told(text)
    assert any(f"hub.yaml:{place}: " in problem and words in problem for problem in problems), problems


def test_aliases_serve_until_they_explode() -> None:
    """One description for two sizes is fine; a billion of them is not, and is refused at once."""
    text = GOOD.replace("small: {", "small: &s {").replace(
        "environments:", "  other: {<: x}\nenvironments:", 1
    )
    assert told(text.replace("  other: {<: x}\n", "")) == []
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    for one, two in zip("abcdefghij", "bcdefghijk", strict=True):
        bomb += f"{two}: &{two} [{','.join([f'*{one}'] * 10)}]\n"
    started = time.perf_counter()
    problems = told(bomb)
    assert any("once its aliases are followed" in problem for problem in problems), problems
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{b: " * 100_000, "- " * 50_000])
def test_deep_nesting_ends_in_words_however_deep_it_is(text: str) -> None:
    """No recursion limit is ever met."""
    problems = told(text)
    assert len(problems) == 1
    assert "deeper than" in problems[0] or "not YAML" in problems[0]


def read_as(content: bytes, folder: Path) -> list[str]:
    path = folder / "hub.yaml"
    path.write_bytes(content)
    return [
        str(problem).replace(str(folder) + "/", "")
        for problem in review(path).problems
        if not problem.warning
    ]


def test_encodings_are_understood_or_named_with_the_byte(tmp_path: Path) -> None:
    """A file saved by an old editor is told from a broken one."""
    assert read_as(GOOD.encode("utf-8-sig"), tmp_path) == []
    assert read_as(GOOD.encode("utf-16"), tmp_path) == []
    latin = GOOD.replace("Python,", "Zürich,").encode("latin-1")
    assert read_as(latin, tmp_path)[0].startswith("hub.yaml:4:20: the byte 0xfc is not UTF-8")
    assert read_as(b"a: b\nc: \x00\n", tmp_path)[0].startswith("hub.yaml:2:4: this is not text")
    assert read_as(b"a: b\nc: \x07\n", tmp_path)[0].startswith("hub.yaml:2:4: the character U+0007")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """A log given by mistake costs no memory."""
    assert "too large" in read_as(b"#" * (LARGEST + 1), tmp_path)[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """Permission is named, not a traceback."""
    path = tmp_path / "hub.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    assert "may not be read" in str(review(path).problems[0])


def test_a_name_that_no_file_can_have_is_told() -> None:
    """A stray NUL in an argument is a message."""
    assert "cannot be read" in str(review("a\0b").problems[0])


def test_the_parser_written_in_python_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without its C parser, nothing changes but the speed."""
    fast = load(EXAMPLE)
    monkeypatch.setattr(document, "_Loader", yaml.SafeLoader)
    assert load(EXAMPLE) == fast


def test_an_empty_overlay_changes_nothing(tmp_path: Path) -> None:
    """Overlaying nothing is nothing."""
    empty = tmp_path / "empty.yaml"
    empty.write_text("{}\n")
    assert load([EXAMPLE, empty]) == load(EXAMPLE) == load([EXAMPLE, EXAMPLE])


def test_secrets_are_never_repeated_wherever_they_stand() -> None:
    """What check prints can be pasted into a ticket."""
    hidden = "hunter2hunter2"
    key = "AKIAABCDEFGHIJKLMNOP"
    for text in (
        f"authentication: {{provider: oidc, clientSecret: {hidden}}}\n",
        f"authentication: {{provider: oidc, token: [{hidden}], password: {hidden}}}\n",
        f"hub: {{title: x, apiKey: {hidden}, url: 'https://a:{hidden}@b.c'}}\n",
        f"hub: {{timezone: {key}, url: {key}}}\n",
    ):
        problems = told(GOOD + text)
        assert any("secrets are never written here" in problem for problem in problems), problems
        assert not any(hidden in problem or key in problem for problem in problems), problems


def test_two_hundred_organisations_with_five_hundred_courses_are_checked_in_a_second() -> None:
    """A large site's check stays part of typing."""
    lines = ["sizes:", GOOD.splitlines()[1], "environments:"]
    lines += [f"  e{n}: {{title: E, image: 'x:{n}', sizes: [small]}}" for n in range(12)]
    lines.append("organizations:")
    listed = ", ".join(f"e{n}" for n in range(12))
    for n in range(200):
        lines.append(f"  o{n}: {{title: O, groups: [a, b], members: [{{emailDomain: o{n}.edu}}],")
        lines.append(f"    environments: [{listed}], variables: {{ORG: o{n}}}, homes: {{quota: 10Gi}}}}")
    lines.append("courses:")
    lines += [
        f"  o{n % 200}/c{n}: {{title: C, environment: e{n % 12}, members: [o{n % 200}/a]}}"
        for n in range(500)
    ]
    text = "\n".join(lines)
    best = 10.0
    for _ in range(3):
        started = time.process_time()
        assert len(load_text(text).courses) == 500
        best = min(best, time.process_time() - started)
    assert best < 1


_EXAMPLE_TEXT = EXAMPLE.read_text(encoding="utf-8")


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(_EXAMPLE_TEXT)),
    st.integers(0, 60),
    st.sampled_from(
        ["", ":", "{", "]", "&a ", "*a", "!!x ", "\t", "null", "'", "\n", "-1", "é", "<<: ", "\u2028", "%"]
    ),
)
def test_the_example_with_any_piece_exchanged_is_settings_or_places(
    start: int, length: int, piece: str
) -> None:
    """A slip of the hand anywhere in the file is answered in words, at a place that exists."""
    text = _EXAMPLE_TEXT[:start] + piece + _EXAMPLE_TEXT[start + length :]
    try:
        load_text(text, "x.yaml")
    except SettingsError as error:
        assert error.problems
        lines = text.split("\n")
        for problem in error.problems:
            assert problem.place.file == "x.yaml"
            assert 1 <= problem.place.line <= len(lines) + 1
            assert problem.place.column >= 1
            assert problem.message
