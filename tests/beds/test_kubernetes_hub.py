"""The pure parts of a hub's installation on the real cluster: its image, its objects, its settings."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import tomllib
from pathlib import Path

import pytest
from kubernetes_bed import archives, images, pins
from kubernetes_hub import image, objects
from kubernetes_hub.settings import example, on_the_bed

from jupyterhub_libretexts.settings.load import load

ROOT = Path(__file__).resolve().parents[2]


def names_of(requirements):
    return {re.split(r"[<>=~!\[ ;]", item, maxsplit=1)[0] for item in requirements}


def test_the_hub_image_has_everything_that_the_package_depends_on():
    """Else a new dependency is missed only when the hub's pod fails to start."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert names_of(wanted) <= names_of(pins.load().hub["python"])


def test_the_code_layer_is_what_a_wheel_installs():
    """Else the hub in the cluster runs other code than the one that is tested, or finds no pages."""
    files = image.code()
    package = f"{image.SITE_PACKAGES}/jupyterhub_libretexts"
    assert f"{package}/hub/spawner.py" in files
    assert f"{package}/share/templates/spawn.html" in files
    assert f"{package}/share/examples/libretexts.yaml" in files
    points = next(content for name, content in files.items() if name.endswith("entry_points.txt"))
    assert b"libretexts = jupyterhub_libretexts.hub.spawner:LibreTextsSpawner" in points
    assert not [name for name in files if "__pycache__" in name]
    assert image.name_of_code() == image.name_of_code()


@pytest.fixture
def base(tmp_path, monkeypatch):
    """A hub's image of two layers, as the bed keeps it."""
    layers = [archives.layer(tmp_path / name, {name: name.encode()}) for name in ("one", "two")]
    found = archives.archive(tmp_path / "base.tar", archives.Image("localhost/hub:1", ["tini"]), layers)
    monkeypatch.setattr(images, "archives_of", lambda _: {"hub": found})
    return layers


def test_the_archive_names_the_layers_below_and_carries_only_its_own(base, tmp_path):
    """Else the import is refused, or every installation copies half a gigabyte."""
    target = image.archive(tmp_path / "hub.tar", pins.load(), "localhost/hub:abc")
    with tarfile.open(target) as whole:
        contents = {name: whole.extractfile(name).read() for name in whole.getnames()}
    index = json.loads(contents["index.json"])["manifests"][0]
    manifest = json.loads(contents[f"blobs/sha256/{index['digest'].removeprefix('sha256:')}"])
    digests = [layer["digest"].removeprefix("sha256:") for layer in manifest["layers"]]
    assert digests[:2] == [archives.digest_of(layer) for layer in base]
    assert [layer["size"] for layer in manifest["layers"][:2]] == [layer.stat().st_size for layer in base]
    carried = {name.rpartition("/")[2] for name in contents if name.startswith("blobs/")}
    assert digests[2] in carried
    assert not carried & set(digests[:2])
    for name, content in contents.items():
        if name.startswith("blobs/"):
            assert hashlib.sha256(content).hexdigest() == name.rpartition("/")[2]
    config = json.loads(contents[f"blobs/sha256/{manifest['config']['digest'].removeprefix('sha256:')}"])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}" for digest in digests]


def test_the_hubs_secrets_stand_in_secrets_only():
    """Else a token is read by everybody who may read configuration."""
    made = objects.everything(
        "hub", "image", {"bed.json": "{}"}, {"TOKEN": "secret-word"}, {"a": "pass-word"}, {}
    )
    for item in made:
        text = json.dumps(item)
        assert item["kind"] == "Secret" or not ("secret-word" in text or "pass-word" in text)


def test_the_example_loads_with_what_the_bed_has(tmp_path):
    """Else the demonstration fails after a minute of preparation."""
    settings = load(on_the_bed(example(), tmp_path, "localhost/lab:1"))
    assert {environment.image for environment in settings.environments.values()} == {"localhost/lab:1"}
    assert settings.homes.kind == "claim"
