"""A repository with material for the demonstration's course, so that its link leads somewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COURSE", "made_material"]

COURSE = "ucdavis/first-steps"
"""The course of ``examples/demo.yaml`` that gets it."""

_TEXT = "# First steps\n\nThis notebook came with your course. Run the next cell with Shift and Enter."
_NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "welcome", "metadata": {}, "source": _TEXT},
        {
            "cell_type": "code",
            "id": "answer",
            "metadata": {},
            "source": "print(6 * 7)",
            "outputs": [],
            "execution_count": None,
        },
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def made_material(folder: Path) -> str | None:
    """A Git repository in a folder, by its address; None where this machine has no Git."""
    if shutil.which("git") is None:
        return None
    place = folder / "first-steps"
    place.mkdir(parents=True)
    (place / "First steps.ipynb").write_text(json.dumps(_NOTEBOOK, indent=1), encoding="utf8")
    who = ("-c", "user.name=Demonstration", "-c", "user.email=demo@demo.invalid")
    for words in (
        ("init", "--quiet", "-b", "main"),
        ("add", "."),
        (*who, "commit", "--quiet", "-m", "First steps"),
    ):
        subprocess.run(("git", *words), cwd=place, check=True, capture_output=True)  # noqa: S603, S607
    return place.as_uri()
