"""What a release would publish holds what it needs, and nothing of ours."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tree(folder: str) -> set[str]:
    """Files of a folder that git carries, relative to it."""
    found = (
        path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    return {str(path.relative_to(ROOT / folder)) for path in found}


@pytest.mark.parametrize(
    ("folder", "inside"),
    [
        ("jupyterhub_libretexts", ""),
        ("share", "share/"),
        ("examples", "share/examples/"),
    ],
)
def test_the_wheel_holds_every_file_of_the_package(archives, folder, inside) -> None:
    """A template that is missing from the wheel is an error page on every hub but ours."""
    packed = set(zipfile.ZipFile(archives.wheel).namelist())
    missing = {name for name in tree(folder) if f"jupyterhub_libretexts/{inside}{name}" not in packed}
    assert not missing


def test_the_wheel_holds_nothing_else(archives) -> None:
    """Tests or tools at the top of site-packages would shadow those of others."""
    names = zipfile.ZipFile(archives.wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == {"jupyterhub_libretexts"}
    assert not [name for name in names if "__pycache__" in name]


def test_the_sdist_can_be_read_by_a_person(archives) -> None:
    """Distributions build from it, and look for licence and changes."""
    with tarfile.open(archives.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "pyproject.toml",
        "jupyterhub_libretexts/__init__.py",
    } <= names
    assert not [name for name in names if name.startswith((".venv", "docs/_build"))]
