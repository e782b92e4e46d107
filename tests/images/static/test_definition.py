"""What the image is made from is pinned and complete; no container is needed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from images.tooling import building
from jupyterhub_libretexts.images.lock import (
    ImagesLock,
    LockedImage,
    load_lock,
    shortcomings,
    with_image,
    written_lock,
)
from jupyterhub_libretexts.images.manifest import (
    ManifestError,
    parse_manifest,
    read_manifest,
    written_manifest,
)
from jupyterhub_libretexts.images.sbom import bill_of_materials

IMAGE = Path(__file__).parents[3] / "images" / "default-env"
REFERENCE = "images.example.edu/default-env:1"
DOCUMENT = {
    "schemaVersion": 1,
    "target": "core",
    "architecture": "amd64",
    "system": {"name": "debian", "version": "13.7"},
    "jupyterhub": "5.5.4",
    "kernels": {"ir": {"title": "R", "language": "R", "version": "4.5.0"}},
    "applications": {"lab": {"title": "JupyterLab", "version": "4.6.6", "path": "/lab"}},
    "packages": {"r": {"tidyverse": "2.0.0"}, "debian": {"git": "1:2.47"}},
    "sizes": {"/usr": 5},
}


@pytest.mark.parametrize("lock", sorted((IMAGE / "locks").glob("*.txt")), ids=lambda path: path.stem)
def test_every_locked_package_has_its_hash(lock: Path) -> None:
    """Otherwise a package that was replaced on its index gets into every student's server."""
    blocks = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert blocks
    for block in blocks:
        assert re.match(r"[A-Za-z0-9._-]+==\S+", block)
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_base_is_named_by_its_digest() -> None:
    """Otherwise two builds of one commit differ."""
    assert re.search(
        r"^ARG BASE_IMAGE=\S+@sha256:[0-9a-f]{64}$", (IMAGE / "Dockerfile").read_text(), re.MULTILINE
    )


@pytest.mark.parametrize("spec", sorted(IMAGE.rglob("kernel.json")), ids=lambda path: path.parent.name)
def test_a_kernel_names_its_program_by_an_absolute_path(spec: Path) -> None:
    """Otherwise a kernel starts the wrong Python."""
    assert json.loads(spec.read_text())["argv"][0].startswith(("/opt/", "/usr/"))


def test_every_extension_of_ours_lies_where_lab_looks() -> None:
    """Otherwise an extension is in the image and no page loads it: Lab looks one folder deep."""
    place = IMAGE / "server/share/labextensions"
    assert sorted(place.glob("*/package.json")) == sorted(place.rglob("package.json"))
    for description in place.glob("*/package.json"):
        document = json.loads(description.read_text())
        assert document["name"] == description.parent.name
        assert (description.parent / document["jupyterlab"]["_build"]["load"]).is_file()


def test_a_stage_sees_its_own_locks_alone() -> None:
    """Otherwise one language's update rebuilds all the others."""
    text = (IMAGE / "Dockerfile").read_text()
    stages = re.split(r"^FROM \S+ AS (\S+)$", text, flags=re.MULTILINE)[1:]
    seen = {
        name: set(re.findall(r"locks/([a-z0-9]+)\.txt", body))
        for name, body in zip(stages[::2], stages[1::2], strict=True)
    }
    assert {name: locks for name, locks in seen.items() if locks} == {
        "builder": {"uv"},
        "jupyter": {"jupyter", "nbgrader", "collaboration", "rstudio"},
        "python": {"python"},
        "octave-kernel": {"octave"},
        "sage-prefix": {"sage"},
        "python2-prefix": {"python2"},
    }


def test_a_list_of_packages_names_each_once() -> None:
    """Otherwise a package that is taken out of one list stays in the image by another."""
    names = [
        line.split("#")[0].strip()
        for path in sorted((IMAGE / "apt").glob("*.txt"))
        if path.stem != "python2"
        for line in path.read_text().splitlines()
    ]
    named = [name for name in names if name]
    assert len(named) == len(set(named))


def test_what_is_published_is_what_can_be_built() -> None:
    """Otherwise a target is tested here and never reaches a hub."""
    workflow = yaml.safe_load((IMAGE.parents[1] / ".github/workflows/images.yml").read_text())
    for job in workflow["jobs"].values():
        assert tuple(job["strategy"]["matrix"]["target"]) == building.TARGETS
    stages = re.findall(r"^FROM \S+ AS (\S+)$", (IMAGE / "Dockerfile").read_text(), re.MULTILINE)
    assert set(building.TARGETS) <= set(stages)


def test_the_example_names_what_is_published() -> None:
    """Otherwise whoever follows the example waits for an image that nobody made."""
    published = {"" if target == "default" else f"-{target}" for target in building.TARGETS}
    named = re.findall(
        r"default-env:[0-9.]+(-\w+)?", (IMAGE.parents[1] / "examples/libretexts.yaml").read_text()
    )
    assert named
    assert set(named) <= published


def test_the_actions_of_others_are_pinned_by_their_commits() -> None:
    """Otherwise whoever moves a tag of theirs signs images in our name."""
    workflow = yaml.safe_load((IMAGE.parents[1] / ".github/workflows/images.yml").read_text())
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action) for action in used)


def test_a_switch_is_known_to_the_dockerfile() -> None:
    """Otherwise `--with` is accepted and does nothing."""
    text = (IMAGE / "Dockerfile").read_text()
    for switch in building.SWITCHES:
        assert f"ARG WITH_{switch}=0" in text


def lock() -> ImagesLock:
    manifest = read_manifest(DOCUMENT, "test")
    return with_image(ImagesLock({}), LockedImage(REFERENCE, "sha256:0", 7, manifest))


def test_a_lock_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """Otherwise `check` judges by something that `inspect` never saw."""
    path = tmp_path / "images.lock.json"
    path.write_text(written_lock(lock()))
    known = load_lock(path)
    assert known == lock()
    assert "debian" not in known.images[REFERENCE].manifest.packages
    assert known.facts[REFERENCE].kernels == {"ir"}


def test_what_an_image_lacks_is_named_with_the_nearest_spelling() -> None:
    """Otherwise students are offered a kernel that does not start."""
    found = shortcomings(lock(), REFERENCE, kernel="irr", opens="rstudio", needs=["r:tidyvers", "tidyverse"])
    assert [(each.key, each.suggestion) for each in found] == [
        ("kernel", "ir"),
        ("opens", ""),
        ("needs", "r:tidyverse"),
        ("needs", ""),
    ]
    assert not shortcomings(lock(), REFERENCE, kernel="ir", opens="lab", needs=["r:tidyverse"])


def test_an_unknown_image_is_a_warning() -> None:
    """Otherwise nobody can use an image of their own."""
    (only,) = shortcomings(lock(), "other:1", kernel="ir", opens="lab", needs=[])
    assert only.warning


def test_a_broken_manifest_names_its_field() -> None:
    """Otherwise an operator reads a traceback."""
    with pytest.raises(ManifestError, match=r"kernels\.ir: version must be a text"):
        read_manifest({**DOCUMENT, "kernels": {"ir": {"title": "R", "language": "R"}}}, "x")
    with pytest.raises(ManifestError, match="is not JSON"):
        parse_manifest("{", "x")
    assert written_manifest(read_manifest(DOCUMENT, "x")) == DOCUMENT


def test_the_bill_of_materials_lists_every_package_once() -> None:
    """Otherwise a security notice cannot be matched with what runs."""
    bill = bill_of_materials(read_manifest(DOCUMENT, "x"), REFERENCE)
    assert {part["purl"] for part in bill["components"]} == {
        "pkg:cran/tidyverse@2.0.0",
        "pkg:deb/debian/git@1%3A2.47",
    }
