"""A small document that is right, and what is told of a text."""

from __future__ import annotations

from jupyterhub_libretexts.settings.document import parsed
from jupyterhub_libretexts.settings.load import _review

GOOD = """\
sizes:
  small: {cpu: {guarantee: 1, limit: 2}, memory: {guarantee: 1Gi, limit: 2Gi}, default: true}
environments:
  python: {title: Python, image: "python:1"}
organizations:
  north: {title: North, groups: [staff], environments: [python]}
"""


def told(text: str, *, warnings: bool = False) -> list[str]:
    """Every problem of a text as an operator reads it, with its place before it."""
    reviewed = _review([("hub.yaml", *parsed("hub.yaml", text))])
    return [str(problem) for problem in reviewed.problems if problem.warning is warnings]


def swapped(old: str, new: str) -> str:
    """The good document with one thing changed."""
    assert old in GOOD
    return GOOD.replace(old, new, 1)
