"""The pure parts of the real cluster's bed: no root, no network, no Go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from kubernetes_bed import archives, cache, compiler, pins, simulated, supervisor
from kubernetes_bed.arguments import parser, split
from kubernetes_bed.cluster import Cluster
from kubernetes_bed.errors import BedError
from kubernetes_bed.layout import shape

BED = Path(__file__).resolve().parents[2] / "beds/kubernetes"


def test_words_after_kubectl_are_passed_on_untouched():
    """Otherwise ``kubectl -n x`` would be read as an option of ours."""
    assert split(["kubectl", "-n", "x", "get", "pods"]) == (["kubectl"], ["-n", "x", "get", "pods"])
    assert split(["kubectl", "--name", "b", "get"]) == (["kubectl", "--name", "b"], ["get"])
    assert split(["run", "--name=b", "--", "env"]) == (["run", "--name=b"], ["env"])
    assert split(["up", "--name", "run"]) == (["up", "--name", "run"], [])


def test_the_name_may_stand_before_or_after_the_command():
    """Otherwise a second cluster is easily mistaken for the first."""
    assert parser().parse_args(["--name", "b", "down"]).name == "b"
    assert parser().parse_args(["down", "--name", "b"]).name == "b"
    assert parser().parse_args(["down"]).name == "dev"


@pytest.mark.parametrize(("name", "count"), [("B", 1), ("", 1), ("a/b", 1), ("a", 0), ("a", 9)])
def test_a_shape_that_cannot_be_is_refused_in_one_line(name, count):
    """Otherwise a path or a cgroup would be made of it."""
    with pytest.raises(BedError) as refused:
        shape(name, count)
    assert "\n" not in str(refused.value)


def test_nodes_of_a_shape_have_their_own_addresses_folders_and_groups():
    """Otherwise two nodes, or two clusters, would share state."""
    nodes = [node for name in ("a", "b") for node in shape(name, 3).nodes]
    assert len({node.folder for node in nodes}) == len({node.cgroup for node in nodes}) == 6
    assert [node.address for node in nodes[:3]] == ["10.77.0.1", "10.77.0.2", "10.77.0.3"]
    assert len({node.tunnel_address for node in nodes[:3]}) == 3


def test_only_a_node_for_gpus_alone_refuses_other_pods():
    """Otherwise students without a GPU could not start, or would fill the GPU node."""
    assert [bool(node.taints) for node in shape("a", 3).nodes] == [False, False, True]
    assert not any(node.taints for node in shape("a", 2).nodes)


def test_a_simulated_node_takes_only_pods_that_ask_for_one():
    """Otherwise a real student's server would seem to run, and nobody could reach it."""
    node = simulated.node_object(3)
    (taint,) = node["spec"]["taints"]
    assert taint["effect"] == "NoSchedule"
    assert node["metadata"]["labels"][taint["key"]] == "true"
    assert parser().parse_args(["simulate", "--name", "b"]).nodes == 20


@pytest.mark.parametrize("count", [0, -1, 101])
def test_a_number_of_simulated_nodes_that_cannot_be_is_refused_before_anything_is_done(count):
    """Otherwise the cluster is left with half of them."""
    with pytest.raises(BedError, match="allowed are 1 to 100"):
        simulated.simulate(Cluster("none"), count)


def test_a_key_follows_names_and_contents_and_not_their_order():
    """Otherwise a changed pin would run the old program, or nothing would ever be reused."""
    one, two = ("a", b"1"), ("b", b"2")
    assert cache.key_of([one, two]) == cache.key_of([two, one])
    assert cache.key_of([one, two]) != cache.key_of([("a", b"2"), ("b", b"1")])
    assert cache.key_of([("ab", b"c")]) != cache.key_of([("a", b"bc")])


def test_every_part_has_its_module_files():
    """Otherwise the build fails after minutes."""
    for part in pins.load().parts:
        assert (part.folder / "go.mod").is_file()
        assert cache.key_of_part(part) == cache.key_of_part(part)


def test_a_half_built_or_damaged_folder_is_seen(tmp_path):
    """Otherwise a cluster would start from a broken program."""
    place = tmp_path / "part-1"
    (tmp_path / "part-1.partial").mkdir()
    (tmp_path / "part-1.partial/rest").touch()
    assert not cache.is_whole(place)
    cache.keep(place, lambda folder: (folder / "program").write_text("good") and None)
    assert cache.is_whole(place)
    assert not (tmp_path / "part-1.partial").exists()
    (place / "program").write_text("evil")
    assert cache.damaged(place) == ["program"]
    (place / "program").write_text("short")
    assert not cache.is_whole(place)


def test_a_failed_build_leaves_nothing(tmp_path):
    """Otherwise the next run would trust it."""

    def fail(folder):
        (folder / "half").touch()
        raise BedError("no")

    with pytest.raises(BedError):
        cache.keep(tmp_path / "part-2", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_second_command_on_one_lock_is_told_so(tmp_path):
    """Otherwise two commands would build one cluster."""
    path = tmp_path / "dev.lock"
    with cache.locked(path), pytest.raises(BedError, match="dev is busy"), cache.locked(path):
        pass


def test_the_version_of_go_is_read_from_what_it_says():
    """Otherwise a compiler too old fails in the middle with a riddle."""
    assert compiler.version_in("go version go1.26.8 linux/amd64") == (1, 26)
    assert compiler.version_in("") == (0, 0)
    assert compiler.reason(["# pkg", "x: no space left on device"]).startswith("disk full")


def test_the_same_files_give_the_same_layer(tmp_path):
    """Otherwise an image would change with every build."""
    files = {"bin": 0o755, "bin/a": b"text", "bin/b": "a"}
    one = archives.layer(tmp_path / "1", files).read_bytes()
    assert one == archives.layer(tmp_path / "2", files).read_bytes()


def test_a_program_that_keeps_ending_waits_longer_and_a_steady_one_does_not():
    """Otherwise a broken program would take a core, or felix would stay away for seconds."""
    waits = [0.0]
    for _ in range(8):
        waits.append(supervisor.next_delay(waits[-1], 0.1))
    assert waits[1] == supervisor.FIRST_DELAY_SECONDS
    assert waits[-1] == supervisor.LONGEST_DELAY_SECONDS
    assert supervisor.next_delay(5.0, 60.0) == supervisor.FIRST_DELAY_SECONDS


def test_a_reader_who_has_enough_sees_no_traceback():
    """`./dev/cluster status | head` is how people look."""
    words = [sys.executable, "-m", "kubernetes_bed", "status"]
    with subprocess.Popen(
        words, cwd=Path(pins.__file__).parents[1], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        command.stdout.close()
        assert command.wait(30) == 141
        assert command.stderr.read() == ""
