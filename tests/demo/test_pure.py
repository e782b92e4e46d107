"""The rules without a server: amounts, patches, selectors, names."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_libretexts.demo.cluster.amounts import amount
from jupyterhub_libretexts.demo.cluster.answers import ApiRefusal
from jupyterhub_libretexts.demo.cluster.environment import Rewriting, expanded
from jupyterhub_libretexts.demo.cluster.images import argv, image_for, jupyter_image, qualified
from jupyterhub_libretexts.demo.cluster.patches import json_patched, merged, strategically_merged
from jupyterhub_libretexts.demo.cluster.selectors import field_test, label_test

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1000m", "1"),
        ("1.5Gi", "1536Mi"),
        ("100", "100"),
        (2, "2"),
        ("1e3", "1k"),
        ("0", "0"),
        ("1234567", "1234567"),
        ("1000Ki", "1000Ki"),
    ],
)
def test_amounts_are_shown_as_the_server_shows_them(written: str | int, shown: str) -> None:
    """Else a sum of quotas reads differently here and there."""
    assert str(amount(written)) == shown


@given(st.integers(0, 10**9), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi"]))
def test_an_amount_reads_back_as_itself(number: int, suffix: str) -> None:
    """Writing an amount never changes it."""
    value = amount(f"{number}{suffix}")
    assert amount(str(value)).value == value.value


@given(st.text(max_size=60))
def test_no_text_makes_the_reading_of_amounts_fail_otherwise(text: str) -> None:
    """Hostile amounts are refused quickly and in one way."""
    try:
        amount(text)
    except ValueError as error:
        assert "quantities must match" in str(error)


@given(JSON, JSON)
def test_a_merge_patch_leaves_its_arguments_alone(document: object, patch: object) -> None:
    """Stored objects are shared by lists and watches: a patch must never write into them."""
    before = copy.deepcopy((document, patch))
    merged(document, patch)
    assert (document, patch) == before


def test_strategic_patches_know_every_directive() -> None:
    """kubectl apply removes what was taken out of a file by these."""
    pod = {
        "spec": {
            "containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}],
            "volumes": [{"name": "v", "emptyDir": {}}],
            "tolerations": [{"key": "old"}],
        },
        "metadata": {"finalizers": ["one", "two"], "ownerReferences": [{"uid": "1", "name": "n"}]},
    }
    before = copy.deepcopy(pod)
    patch = {
        "spec": {
            "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
            "containers": [
                {"name": "a", "env": [{"name": "X", "$patch": "delete"}, {"name": "Z", "value": "3"}]},
                {"name": "b", "image": "i"},
            ],
            "volumes": [{"name": "v", "$retainKeys": ["name", "secret"], "secret": {"secretName": "s"}}],
            "tolerations": [{"key": "new"}],
        },
        "metadata": {
            "$deleteFromPrimitiveList/finalizers": ["one"],
            "ownerReferences": [{"uid": "1", "controller": True}],
        },
    }
    result = strategically_merged(pod, patch, "Pod")
    assert result["spec"]["containers"] == [
        {"name": "b", "image": "i"},
        {"name": "a", "env": [{"name": "Y", "value": "2"}, {"name": "Z", "value": "3"}]},
    ]
    assert result["spec"]["volumes"] == [{"name": "v", "secret": {"secretName": "s"}}]
    assert result["spec"]["tolerations"] == [{"key": "new"}]
    assert result["metadata"]["finalizers"] == ["two"]
    assert result["metadata"]["ownerReferences"] == [{"uid": "1", "name": "n", "controller": True}]
    assert pod == before


def test_a_json_patch_does_every_operation() -> None:
    """Clients in other languages write these."""
    document = {"a": {"b": [1, 2]}, "m/n": 1}
    operations = [
        {"op": "add", "path": "/a/b/-", "value": 3},
        {"op": "add", "path": "/a/b/0", "value": 0},
        {"op": "remove", "path": "/a/b/1"},
        {"op": "move", "from": "/m~1n", "path": "/moved"},
        {"op": "copy", "from": "/a/b", "path": "/again"},
        {"op": "replace", "path": "/a/b", "value": []},
    ]
    assert json_patched(document, operations) == {"a": {"b": []}, "moved": 1, "again": [0, 2, 3]}
    assert document == {"a": {"b": [1, 2]}, "m/n": 1}
    with pytest.raises(ApiRefusal):
        json_patched(document, [{"op": "remove", "path": "/nothing/here"}])


@given(st.text(max_size=30))
def test_no_selector_crashes_the_server(text: str) -> None:
    """Whatever a client sends as selector is a test or a refusal."""
    for make in (lambda: label_test(text), lambda: field_test(text, "Pod")):
        try:
            test = make()
        except ApiRefusal as refusal:
            assert refusal.code == 400
        else:
            assert test is None or test({"metadata": {"name": "x"}}) in (True, False)


def test_addresses_and_paths_become_this_machines() -> None:
    """A server that believes to own a machine binds its pod's address and writes in its pod's folder."""
    rewriting = Rewriting("127.70.1.2", {"/home/jovyan": "/tmp/p/home", "/home/jovyan/shared": "/tmp/s"})
    assert rewriting.text("--ip=0.0.0.0") == "--ip=127.70.1.2"
    assert rewriting.text("::") == "127.70.1.2"
    assert rewriting.text("http://0.0.0.0:8888/user/a/") == "http://127.70.1.2:8888/user/a/"
    assert rewriting.text("/home/jovyan/shared/x:/home/jovyan") == "/tmp/s/x:/tmp/p/home"
    assert rewriting.text("/home/jovyan2") == "/home/jovyan2"
    assert rewriting.text("version 10.0.0.0") == "version 10.0.0.0"


def test_variables_are_expanded_as_the_kubelet_does() -> None:
    """Unknown names stay, two dollar signs are one."""
    assert expanded("$(A)-$(B)-$$(A)-$A", {"A": "1"}) == "1-$(B)-$(A)-$A"


def test_an_image_runs_what_the_pod_says_or_what_is_its_own() -> None:
    """The rules of command and args hold as in a container."""
    image = jupyter_image("quay.io/jupyter/*", entrypoint=("tini", "-g", "--"), programs={"tini": ()})
    assert argv(image, (), ()) == ["jupyterhub-singleuser"]
    assert argv(image, (), ("start", "x")) == ["start", "x"]
    assert argv(image, ("sh",), ("-c", "y")) == ["sh", "-c", "y"]
    assert image_for("quay.io/jupyter/scipy:1", (image,)) is image
    assert image_for("docker.io/other:1", (image,)) is None
    assert qualified("python") == "docker.io/library/python:latest"
    assert qualified("localhost:5000/a/b") == "localhost:5000/a/b:latest"
