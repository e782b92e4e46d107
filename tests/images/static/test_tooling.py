"""What `./dev/images` decides without an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from images.tooling import building, checking, keeping, machine, measuring, timing
from jupyterhub_libretexts.images.engines import Engine, Recipe

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_changed_lock_is_told_package_by_package() -> None:
    """Otherwise an update is merged and nobody knows what it changed."""
    before = {"numpy": "2.5.4", "old": "1", "same": "3"}
    after = {"numpy": "2.5.5", "new": "2", "same": "3"}
    assert keeping.changes(before, after) == ["new new → 2", "numpy 2.5.4 → 2.5.5", "old 1 → gone"]


def test_every_lock_but_that_of_python_2_is_kept_up() -> None:
    """Otherwise a lock grows old because a list in a program forgot it."""
    kept = {*keeping.ALONE, *keeping.ON_TOP_OF_JUPYTER, *keeping.WITHOUT_DEPENDENCIES}
    assert {path.stem for path in building.lock_files()} == kept | {"python2"}
    assert all((keeping.LOCKS / f"{name}.in").exists() for name in kept)


def test_layers_are_named_by_what_made_them() -> None:
    """Otherwise the table says what weighs and not what it is."""
    steps = {
        "/bin/sh -c /usr/local/lib/libretexts/apt-install r": "R, tidyverse, Shiny (Debian)",
        "/bin/sh -c #(nop) COPY dir:1 in /opt/sage": "SageMath",
        "/bin/sh -c #(nop) COPY dir:1 in /opt/python2": "Python 2.7",
        "/bin/sh -c #(nop) COPY dir:1 in /opt/python": "Python 3: scientific stack",
        "/bin/sh -c #(nop) ADD file:1 in /": "Debian",
        "/bin/sh -c #(nop) COPY dir:1 in /usr/local/bin": "Settings, kernels' descriptions, material",
    }
    assert {step: measuring.part_of(step) for step in steps} == steps


def test_what_cannot_be_had_here_is_left_out_unless_a_registry_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a build without the open internet fails at its last step."""
    monkeypatch.setattr(machine, "base_image", lambda _engine, suite="trixie": f"base:{suite}")
    monkeypatch.setattr(machine, "certificates", lambda: tmp_path / "ca.crt")
    engine = Engine("podman", "/usr/bin/podman")
    here = building.recipe(engine, "python2", "tag", registry=False, fresh=True, switches=("NBGRADER",))
    assert here.arguments == {
        "WITH_NBGRADER": "1",
        "WITH_JULIA": "0",
        "WITH_RSTUDIO": "0",
        "BASE_IMAGE": "base:trixie",
        "LEGACY_BASE_IMAGE": "base:bullseye",
    }
    assert "--no-cache" in here.options
    there = building.recipe(engine, "default", "tag", registry=True, fresh=False, switches=())
    assert there.arguments == {}
    assert "--no-cache" not in there.options


def test_an_image_is_built_again_when_anything_that_it_is_made_from_has_changed(tmp_path: Path) -> None:
    """Otherwise a test runs against last week's image, or a suite builds for ten minutes what is there."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    script = tmp_path / "script"
    script.write_text("true\n")
    keys = [building.content_key(Recipe(tmp_path, "tag"))]
    assert building.content_key(Recipe(tmp_path, "another name")) == keys[0]
    keys.append(building.content_key(Recipe(tmp_path, "tag", target="core")))
    keys.append(building.content_key(Recipe(tmp_path, "tag", arguments={"A": "1"})))
    script.chmod(0o755)
    keys.append(building.content_key(Recipe(tmp_path, "tag")))
    script.write_text("false\n")
    keys.append(building.content_key(Recipe(tmp_path, "tag")))
    script.rename(tmp_path / "renamed")
    keys.append(building.content_key(Recipe(tmp_path, "tag")))
    assert len(set(keys)) == len(keys)


def test_engines_are_called_with_lists_of_arguments(tmp_path: Path) -> None:
    """Otherwise a tag with a space or a semicolon in it runs a command."""
    recipe = Recipe(tmp_path, "a; rm -rf /", target="core", arguments={"A": "b c"}, labels={"l": '{"x": 1}'})
    command = Engine("docker", "docker").build_command(recipe)
    assert command[:4] == ["docker", "build", "--tag", "a; rm -rf /"]
    assert "A=b c" in command
    assert 'l={"x": 1}' in command
    assert "--format" not in command
    assert "--format" in Engine("podman", "podman").build_command(recipe)
    run = Engine("podman", "podman").run_command("image", ("cat", "/x"), {})
    assert run[run.index("--network") + 1] == "none"
    assert "--read-only" in run
    assert run[run.index("--entrypoint") + 1] == "cat"


def test_shell_scripts_are_found_by_their_first_line() -> None:
    """Otherwise a new script is never looked at by shellcheck."""
    found = {path.name for path in checking.shell_scripts()}
    assert {"images", "apt-install", "make-prefix", "make-python2", "install", "register-kernel"} <= found
    assert "write-manifest" not in found


def test_the_table_of_times_says_both_ratios() -> None:
    """Otherwise the page compares what was measured minutes apart."""
    inside = [timing.Start(1.1, 2.2), timing.Start(1.2, 2.4), timing.Start(1.5, 9.0)]
    outside = [timing.Start(1.0, 2.0), timing.Start(1.0, 2.0), timing.Start(1.0, 2.2)]
    page = timing.written(inside, outside, {"ir": timing.Start(1.0, 2.5)}, None)
    assert "1.20 by medians, 1.10 by the fastest" in page
    assert "| R | 1.5 s |" in page
    assert "Not measured: no Chromium here." in page
