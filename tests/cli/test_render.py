"""`render manifests`: what reaches a cluster or a folder, and what an operator reads before.

If these fail, an operator applies what they did not see, or a folder holds an organisation that has left.
"""

from __future__ import annotations

import subprocess

import pytest
import yaml

from tests.cli.support import COMMAND, EXAMPLE, ROOT, called, surroundings

NETWORKS = ROOT / "tests" / "data" / "settings" / "networks.yaml"


def objects(text):
    """The objects of a stream, by kind, namespace and name."""
    return {
        (item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]): item
        for item in yaml.load_all(text, Loader=yaml.CSafeLoader)
    }


def test_the_stream_is_every_object_once_and_nothing_else():
    """Else `render manifests … | kubectl apply -f -` gives kubectl words that are no object."""
    answer = called("render", "manifests", NETWORKS)
    assert answer.status == 0
    found = objects(answer.out)
    assert answer.out.count("\n---\n") + 1 == len(found)
    assert ("NetworkPolicy", "org-davis", "libretexts-closed") in found
    # Nobody renders a secret; who must make one is told, beside the stream.
    assert answer.error == "to bring yourself: Secret registry in org-davis\n"


def test_what_was_not_run_is_said_beside_the_stream():
    """Else an object that no test has seen at work looks like a proved one."""
    answer = called("render", "manifests", EXAMPLE)
    assert answer.status == 0
    assert "not run: " in answer.error
    assert "not run: " not in answer.out


def test_the_folder_holds_one_file_for_each_organisation_and_the_same_text_each_time(tmp_path):
    """Else a repository of manifests shows a diff where nothing changed."""
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        assert called("render", "manifests", NETWORKS, "-o", folder).status == 0
    names = sorted(path.name for path in first.iterdir())
    assert names == [
        "00-cluster.yaml",
        "10-davis.yaml",
        "10-merced.yaml",
        "10-physics.yaml",
        "10-school.yaml",
        "10-staff.yaml",
    ]
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
    assert called("render", "manifests", NETWORKS, "--against", first).out == "nothing changes\n"
    whole = called("render", "manifests", NETWORKS).out
    assert objects("".join((first / name).read_text() for name in names)) == objects(whole)


def without(tmp_path, organization):
    """A file that removes an organisation when laid over."""
    file = tmp_path / "less.yaml"
    file.write_text(f"organizations: {{{organization}: null}}\n")
    return file


def test_an_organisation_that_leaves_is_told_before_its_file_goes(tmp_path):
    """Else the folder brings it back at the next apply, or nobody hears what to remove."""
    folder, less = tmp_path / "out", without(tmp_path, "school")
    called("render", "manifests", NETWORKS, "-o", folder)
    own = folder / "20-mine.yaml"
    own.write_text("{kind: ConfigMap, apiVersion: v1, metadata: {name: mine}}\n")
    told = called("render", "manifests", NETWORKS, less, "--against", folder)
    assert told.status == 1
    assert "school (org-school): leaves; its people and their homes are kept" in told.out
    assert "kept    Namespace org-school" in told.out
    assert (folder / "10-school.yaml").exists()
    written = called("render", "manifests", NETWORKS, less, "-o", folder)
    assert "school (org-school): leaves" in written.error
    assert not (folder / "10-school.yaml").exists()
    assert own.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--against", "/nowhere/at/all"), "no such folder"),
        (("--hub-labels", "hub"), "write KEY=VALUE"),
        (("--proxy-labels", "a=b,,"), "write KEY=VALUE"),
        (("-o", "x", "--against", "live"), "not allowed with"),
    ],
)
def test_wrong_use_is_told_in_one_line(arguments, words):
    """Else an operator reads a traceback."""
    answer = called("render", "manifests", NETWORKS, *arguments)
    assert answer.status == 2
    assert words in answer.error
    assert answer.error.count("\n") == 1


def test_a_folder_with_something_else_in_it_is_told(tmp_path):
    """Else a file that is no manifest ends the program."""
    (tmp_path / "10-x.yaml").write_text("- a\n- b\n")
    answer = called("render", "manifests", NETWORKS, "--against", tmp_path)
    assert answer.status == 2
    assert "holds something that is no object" in answer.error
    (tmp_path / "10-x.yaml").write_text("{a: [}\n")
    assert "cannot be read" in called("render", "manifests", NETWORKS, "--against", tmp_path).error


def test_without_a_cluster_live_says_so():
    """Else a missing cluster looks like an empty one, and all is to be made anew."""
    answer = called(
        "render",
        "manifests",
        NETWORKS,
        "--against",
        "live",
        environment=surroundings(KUBECONFIG="/nowhere/kubeconfig"),
    )
    assert answer.status == 1
    assert "No way into a cluster was found" in answer.error
    assert answer.out == ""


def test_the_hubs_place_reaches_what_is_rendered():
    """Else a hub in another namespace or under another account has no rights."""
    found = objects(
        called(
            "render",
            "manifests",
            NETWORKS,
            "--hub-namespace",
            "classroom",
            "--hub-service-account",
            "teacher",
            "--hub-labels",
            "app=ours",
            "--namespaced-rights",
        ).out
    )
    binding = found["RoleBinding", "org-davis", "libretexts-hub"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "teacher", "namespace": "classroom"}]
    policy = found["NetworkPolicy", "classroom", "libretexts-hub"]
    assert policy["spec"]["podSelector"] == {"matchLabels": {"app": "ours"}}
    assert not any(kind.startswith("ClusterRole") for kind, *_ in found)


def test_two_hundred_organisations_take_less_than_two_seconds_of_processor(tmp_path):
    """Else an operator with many schools waits at every edit; counted with loading, checking and writing."""
    from tests.core.test_manifests import many

    file = tmp_path / "many.yaml"
    file.write_text(many(200))
    before = children()
    done = subprocess.run(
        [*COMMAND, "render", "manifests", file, "-o", tmp_path / "out"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    took = children() - before
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").iterdir())) == 201
    assert took < 2


def children():
    """Seconds of processor that finished children of this process took."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
