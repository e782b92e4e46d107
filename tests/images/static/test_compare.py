"""Settings and the images that they name. If these fail, students are offered what does not start."""

from __future__ import annotations

import os
from pathlib import Path

from jupyterhub_libretexts.errors import Problem
from jupyterhub_libretexts.images.compare import problems
from jupyterhub_libretexts.images.lock import ImagesLock, LockedImage, with_image, written_lock
from jupyterhub_libretexts.images.manifest import read_manifest
from jupyterhub_libretexts.images.watch import EVERY, WatchedLock
from jupyterhub_libretexts.settings.load import review
from tests.images.static.test_definition import DOCUMENT, REFERENCE

SETTINGS = f"""\
organizations:
  north: {{title: North, environments: [r]}}
environments:
  r:
    title: R
    image: {REFERENCE}
    kernel: KERNEL
    opens: OPENS
    needs: ["r:tidyverse", "NEED"]
courses:
  north/sts101: {{title: Statistics, environment: r, needs: ["COURSE_NEED"]}}
sizes:
  small: {{cpu: {{guarantee: 1, limit: 2}}, memory: {{guarantee: 1Gi, limit: 2Gi}}}}
"""
RIGHT = {"KERNEL": "ir", "OPENS": "lab", "COURSE_NEED": "r:tidyverse", "NEED": "r:tidyverse"}
KNOWN = with_image(ImagesLock({}), LockedImage(REFERENCE, "", 7, read_manifest(DOCUMENT, "test")))


def told(folder: Path, lock: ImagesLock | None, **changed: str) -> list[Problem]:
    text = SETTINGS
    for key, value in {**RIGHT, **changed}.items():
        text = text.replace(key, value)
    file = folder / "hub.yaml"
    file.write_text(text)
    place = folder / "images.lock.json"
    return list(review(file, lambda root, settings: problems(root, settings, lock, place)).problems)


def test_an_image_that_has_everything_is_fine(tmp_path: Path) -> None:
    """Otherwise operators learn to look away."""
    assert told(tmp_path, KNOWN) == []


def test_what_an_image_lacks_is_told_at_the_line_that_asks_for_it(tmp_path: Path) -> None:
    """Otherwise an operator compares a file of 200 environments with an image by hand."""
    found = told(tmp_path, KNOWN, KERNEL="irr", OPENS="rstudio", NEED="r:tidyvers", COURSE_NEED="r:shinny")
    assert [(one.place.line, one.place.column, one.key, one.suggestion) for one in found] == [
        (7, 13, "environments.r.kernel", "ir"),
        (8, 12, "environments.r.opens", ""),
        (9, 28, "environments.r.needs.1", "r:tidyverse"),
        (11, 61, "courses.north/sts101.needs.0", ""),
    ]
    assert not any(one.warning for one in found)
    assert "has no kernel 'irr'" in found[0].message
    assert found[1].allowed == "lab"


def test_a_need_that_names_no_package_is_told_with_the_form(tmp_path: Path) -> None:
    """Otherwise a need is taken for met because nobody understood it."""
    (found,) = told(tmp_path, KNOWN, NEED="tidyverse")
    assert "names no package" in found.message
    assert "SET:PACKAGE" in found.allowed


def test_an_image_of_which_nothing_is_known_is_one_warning_with_the_command(tmp_path: Path) -> None:
    """Otherwise nobody can use an image of their own, or nobody learns how to have it checked."""
    (found,) = told(tmp_path, ImagesLock({}))
    assert found.warning
    assert found.key == "environments.r.image"
    assert f"image inspect {REFERENCE} --lock {tmp_path}/images.lock.json" in found.message


def test_needs_without_a_lock_are_a_warning(tmp_path: Path) -> None:
    """Otherwise a wish looks like a promise."""
    (found,) = told(tmp_path, None)
    assert found.warning
    assert found.key == "courses.north/sts101.needs"


def test_other_mistakes_hide_none_of_an_image(tmp_path: Path) -> None:
    """Otherwise one evening of correcting is followed by a second."""
    found = told(tmp_path, KNOWN, KERNEL="irr\n    titel: X")
    assert [one.key for one in found] == ["environments.r.kernel", "environments.r.titel"]


def test_a_hub_follows_the_lock_and_survives_a_broken_one(tmp_path: Path) -> None:
    """Otherwise a bad merge takes every image's kernels away, or a new image needs a restart."""
    path, said, now = tmp_path / "images.lock.json", [], [0.0]
    watched = WatchedLock(path, told=said.append, clock=lambda: now[0])
    assert watched.current() == {}
    path.write_text(written_lock(KNOWN))
    assert watched.current() == {}, "it looks at most once a second"
    now[0] += EVERY
    assert watched.current()[REFERENCE].kernels == {"ir"}
    good = watched.current()
    path.write_text("{")
    os.utime(path, (1, 1))
    for _ in range(3):
        now[0] += EVERY
        assert watched.current() is good
    assert len(said) == 1
    assert str(path) in said[0]
