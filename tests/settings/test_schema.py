"""The schema for editors and the tables that follow the models.

What is lost when these fail: an editor that complains about a right file, or a message that shows a pattern.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyterhub_libretexts.settings.document import parsed
from jupyterhub_libretexts.settings.overlays import plain
from jupyterhub_libretexts.settings.schema import schema, schema_text
from jupyterhub_libretexts.settings.unsupported import ANY, NOT_YET
from jupyterhub_libretexts.settings.words import PATTERNS, _keys_at

ROOT = Path(__file__).parents[2]


def patterns(part: object) -> set[str]:
    """Every pattern of a schema, of values and of keys."""
    if isinstance(part, list):
        return {found for item in part for found in patterns(item)}
    if not isinstance(part, dict):
        return set()
    own = {part["pattern"]} if isinstance(part.get("pattern"), str) else set()
    keys = set(part.get("patternProperties", {}))
    return own | keys | {found for inner in part.values() for found in patterns(inner)}


def test_the_schema_in_the_tree_is_the_one_of_the_models() -> None:
    """Editors know what the hub knows. `jupyterhub-libretexts schema` writes it again."""
    assert (ROOT / "share" / "libretexts.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_example_satisfies_the_schema_and_a_mistyped_key_does_not() -> None:
    """Editors accept what the hub accepts, and underline what it refuses."""
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    root, _ = parsed("example", (ROOT / "examples" / "libretexts.yaml").read_text(encoding="utf-8"))
    assert root is not None
    data = json.loads(json.dumps(plain(root)))
    assert [error.message for error in validator.iter_errors(data)] == []
    for wrong in ({"hubs": {}}, {"hub": {"titel": "x"}}, {"courses": {"no-slash": {}}}):
        assert list(validator.iter_errors({**data, **wrong}))


def test_every_pattern_has_words() -> None:
    """Nobody who types a wrong name reads a regular expression."""
    assert patterns(schema()) - PATTERNS.keys() == set()


def test_no_words_are_kept_for_patterns_that_are_gone() -> None:
    """The table says what the models ask for, and no more."""
    assert PATTERNS.keys() - patterns(schema()) == set()


@pytest.mark.parametrize("pattern", NOT_YET, ids=".".join)
def test_everything_that_is_not_in_this_version_is_a_key_of_the_document(pattern: tuple[str, ...]) -> None:
    """The list names what the models have; a renamed key takes its entry along."""
    path = tuple("any" if part == ANY else part for part in pattern)
    assert path[-1] in _keys_at(path[:-1])
