"""``image``, and ``check`` and ``explain`` by its lock; no engine is asked here (tests/images/live does)."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.support import Answer, called, explain, surroundings

SETTINGS = """\
organizations: {north: {title: North, groups: [staff], environments: [r]}}
environments: {r: {title: R, image: "images.example.edu/r:1", kernel: KERNEL}}
sizes: {small: {cpu: {guarantee: 1, limit: 2}, memory: {guarantee: 1Gi, limit: 2Gi}}}
"""
LOCK = {
    "schemaVersion": 1,
    "images": {
        "images.example.edu/r:1": {
            "digest": "",
            "size": 5,
            "manifest": {
                "schemaVersion": 1,
                "target": "core",
                "architecture": "amd64",
                "system": {"name": "debian", "version": "13.7"},
                "jupyterhub": "5.5.4",
                "kernels": {"ir": {"title": "R", "language": "R", "version": "4.5.0"}},
                "applications": {"lab": {"title": "JupyterLab", "version": "4.6.6", "path": "/lab"}},
                "packages": {"r": {"tidyverse": "2.0.0"}},
            },
        }
    },
}
WITHOUT_ENGINES = {"PATH": "/nonexistent"}


def written(folder: Path, kernel: str, lock: str = json.dumps(LOCK)) -> Path:
    file = folder / "hub.yaml"
    file.write_text(SETTINGS.replace("KERNEL", kernel))
    (folder / "images.lock.json").write_text(lock)
    return file


def explained(file: Path) -> Answer:
    return explain(file, "--user", "ada", "--group", "north/staff", "--environment", "r")


def test_check_takes_the_lock_beside_the_file(tmp_path):
    """A kernel that an image lacks is found by the people who wrote the file, not by students."""
    assert called("check", written(tmp_path, "ir")).status == 0
    answer = called("check", written(tmp_path, "julia-1.12"))
    assert answer.status == 1
    assert answer.out.startswith(f"{tmp_path}/hub.yaml:2:71: environments.r.kernel: ")
    assert "has no kernel 'julia-1.12'" in answer.out
    assert "allowed: ir" in answer.out


def test_a_lock_elsewhere_can_be_named(tmp_path):
    """One repository may keep the files of several hubs and one lock."""
    file = written(tmp_path, "julia-1.12")
    elsewhere = tmp_path / "elsewhere.json"
    (tmp_path / "images.lock.json").rename(elsewhere)
    assert called("check", file).status == 0
    assert called("check", file, "--images", elsewhere).status == 1
    answer = called("check", file, "--images", tmp_path / "gone.json")
    assert (answer.status, answer.out) == (2, "")
    assert "there is no such file" in answer.error


def test_a_lock_that_cannot_be_read_is_told_in_one_line(tmp_path):
    """A merge conflict in the lock must not read like a defect of the program."""
    for broken in ("{", '{"schemaVersion": 7}', '{"schemaVersion": 1, "images": {"x": 5}}'):
        answer = called("check", written(tmp_path, "ir", broken))
        assert answer.status == 1
        assert len(answer.error.splitlines()) == 1
        assert "images.lock.json" in answer.error


def test_explain_closes_what_the_image_lacks(tmp_path):
    """What is printed for one person is what the hub would say to them."""
    assert explained(written(tmp_path, "ir")).status == 0
    answer = explained(written(tmp_path, "julia-1.12"))
    assert answer.status == 1
    assert "has no kernel julia-1.12" in answer.error


def test_an_image_that_nobody_has_is_told_with_what_to_do():
    """Without an engine and without skopeo there is still a next step."""
    answer = called("image", "inspect", "images.example.edu/r:1", environment=surroundings(**WITHOUT_ENGINES))
    assert answer.status == 2
    assert "pull it with podman or docker, or install skopeo" in answer.error


def test_building_says_what_is_missing(tmp_path):
    """A wrong folder, a wrong argument and a missing program are three different mistakes."""
    assert (
        "podman, docker or buildah is needed"
        in called("image", "build", tmp_path, "--tag", "x", environment=surroundings(**WITHOUT_ENGINES)).error
    )
    (tmp_path / "bin").mkdir()
    engine = tmp_path / "bin" / "podman"
    engine.write_text("#!/bin/sh\nexit 1\n")
    engine.chmod(0o755)
    only_podman = surroundings(PATH=str(tmp_path / "bin"))
    answer = called("image", "build", tmp_path, "--tag", "x", environment=only_podman)
    assert answer.status == 2
    assert "has no Dockerfile; copy images/course-template" in answer.error
    answer = called("image", "build", tmp_path, "--tag", "x", "--build-arg", "A", environment=only_podman)
    assert (answer.status, "write NAME=VALUE" in answer.error) == (2, True)
