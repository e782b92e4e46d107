"""The archives install where operators install them."""

from __future__ import annotations

import pytest

LOAD_SPAWNER = """\
from importlib.metadata import entry_points

(entry,) = [each for each in entry_points(group="jupyterhub.spawners") if each.name == "libretexts"]
spawner = entry.load()
from kubespawner import KubeSpawner
assert issubclass(spawner, KubeSpawner)
print(spawner.__module__)
"""
CONFIGURE = """\
import sys
from traitlets.config import Config
from jupyterhub_libretexts import configure

c = Config()
configure(c, sys.argv[1])
print(c.JupyterHub.spawner_class)
"""


@pytest.mark.parametrize(("hub", "spawner"), [("5.5", "7.0"), ("6.1", "7.1")])
def test_the_wheel_moves_nothing_that_a_hub_image_pins(archives, place, tmp_path, hub, spawner) -> None:
    """An operator who adds a plug-in must not get another hub."""
    place.install(f"jupyterhub=={hub}.*", f"jupyterhub-kubespawner=={spawner}.*")
    pinned = place.frozen()
    constraints = tmp_path / "pins.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in pinned.items()))
    place.install(str(archives.wheel), "--constraint", str(constraints))
    now = place.frozen()
    assert {name: now.get(name) for name in pinned} == pinned
    added = now.keys() - pinned.keys()
    assert len(added) <= 3, f"the wheel adds {sorted(added)}"
    assert place.run("python", "-c", LOAD_SPAWNER).startswith("jupyterhub_libretexts.")


def test_the_sdist_installs_and_its_command_runs(archives, place, tmp_path) -> None:
    """From the archive alone, far from the project's folder."""
    place.install(str(archives.sdist))
    assert place.run("jupyterhub-libretexts", "--version").strip()
    (example,) = place.folder.glob("lib/python*/site-packages/*/share/examples/libretexts.yaml")
    place.run("jupyterhub-libretexts", "check", str(example))
    file = tmp_path / "libretexts.yaml"
    file.write_text("sizes: {small: {cpu: {guarantee: 1, limit: 1}, memory: {guarantee: 1Gi, limit: 1Gi}}}\n")
    assert place.run("python", "-c", CONFIGURE, str(file)).strip()
