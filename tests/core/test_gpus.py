"""GPUs: who may have which, how many at a time, and what one adds to a pod.

What a user loses when these fail: a slice that others were promised, or a server that no node takes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_libretexts.core.choice import choice
from jupyterhub_libretexts.core.circumstances import Circumstances, GpuUse
from jupyterhub_libretexts.core.nodes import keeps_off, narrowed_terms
from jupyterhub_libretexts.core.objects import HubPlace, organization_objects
from jupyterhub_libretexts.core.offers import offered_to
from jupyterhub_libretexts.core.people import person
from jupyterhub_libretexts.core.plan import plan
from jupyterhub_libretexts.core.pod import violations
from jupyterhub_libretexts.errors import ClosedChoice, MalformedChoice, NoRoom
from tests.core.support import hub_of

FILE = """
hub: {timezone: Europe/Berlin}
organizations:
  davis:
    title: UC Davis
    groups: [ml, vision]
    environments: [python, vision, text]
    gpus:
      slice: {total: 4, perPerson: 1, groups: [davis/ml, davis/vision], limits: {davis/vision: 1, davis/cs1: 2}}
      whole: {total: 1}
  merced:
    title: UC Merced
    environments: [python]
    gpus: {slice: {total: 3}}
environments:
  python: {title: Python, image: "i:1"}
  vision: {title: Vision, image: "i:1", gpus: [slice, whole]}
  text: {title: Text, image: "i:1", gpus: [whole]}
gpus:
  slice:
    title: A slice
    resource: nvidia.com/mig-1g.18gb
    total: 6
    overcommit: true
    nodeLabels: {nvidia.com/gpu.product: H200, site: hall}
    tolerations: [{key: nvidia.com/gpu}, {key: dedicated, value: teaching, effect: NoExecute}]
    sharedMemory: 2Gi
    longest: 4h
    idle: 20m
  whole: {title: A whole one, resource: example.org/shared.gpu_2, nodeLabels: {pool: whole}}
courses:
  davis/cs1: {title: CS 1, environment: vision, gpus: [slice], members: [davis/ml]}
"""
INDEX = hub_of(FILE)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MAX = person("max", ["davis", "davis/ml", "davis/cs1"])
VIV = person("viv", ["davis", "davis/vision"])
ADA = person("ada", ["davis"])
BO = person("bo", ["davis", "davis/ml", "merced"])


def when(**slices: object) -> Circumstances:
    return Circumstances(NOW, gpus={"slice": GpuUse(**slices)})  # type: ignore[arg-type]


def asked(who, circumstances=None, **options):
    return plan(INDEX, who, choice({"organization": "davis", **options}), circumstances or when())


def test_a_flavour_is_any_resource_with_its_nodes_its_taints_its_memory_and_its_end() -> None:
    """Else a slice of another card, or a node with a taint of the site's own, cannot be used."""
    made = asked(MAX, environment="vision", gpu="slice")
    assert dict(made.part.devices) == {"nvidia.com/mig-1g.18gb": "1"}
    assert dict(made.part.node_labels) == {"nvidia.com/gpu.product": "H200", "site": "hall"}
    assert list(made.part.tolerations.values()) == [
        {"key": "nvidia.com/gpu", "operator": "Exists"},
        {"key": "dedicated", "operator": "Equal", "value": "teaching", "effect": "NoExecute"},
    ]
    assert made.part.volumes["shm"]["emptyDir"]["sizeLimit"] == "2Gi"
    assert (made.longest, made.idle) == (4 * 3600, 20 * 60)
    assert dict(asked(MAX, environment="vision", gpu="whole").part.devices) == {
        "example.org/shared.gpu_2": "1"
    }


def test_an_environment_comes_with_several_flavours_and_with_no_other() -> None:
    """Else a course on text takes the slices of the course on images."""
    offers = {one.entry.environment: one for one in offered_to(INDEX, MAX, when()) if not one.entry.course}
    assert [gpu.name for gpu in offers["vision"].gpus] == ["slice", "whole"]
    with pytest.raises(MalformedChoice, match=r"does not come with the GPU 'slice'.*Open GPUs are: whole"):
        asked(MAX, environment="text", gpu="slice")


@pytest.mark.parametrize(
    ("who", "use", "options", "kind", "words"),
    [
        (ADA, {}, {}, ClosedChoice, "Only for davis/ml and davis/vision.* Open GPUs are: whole"),
        (MAX, {"by_organization": {"davis": 4}}, {}, NoRoom, "All 4 of UC Davis are in use"),
        (MAX, {"by_organization": {"merced": 3, "davis": 3}}, {}, NoRoom, "All that the cluster has"),
        (MAX, {"by_person": {"davis": 1}}, {}, NoRoom, "You hold 1 of at most 1"),
        (VIV, {"by_group": {"davis/vision": 1}}, {}, NoRoom, "people of davis/vision hold 1 of at most 1"),
        (MAX, {"by_group": {"davis/cs1": 2}}, {"course": "davis/cs1"}, NoRoom, "servers of CS 1 hold 2 of"),
    ],
)
def test_each_limit_refuses_in_words(who, use, options, kind, words) -> None:
    """Else somebody is told no and not why, or what they could do instead."""
    with pytest.raises(kind, match=words):
        asked(who, when(**use), gpu="slice", **(options or {"environment": "vision"}))


def test_a_limit_concerns_its_own_group_course_and_organisation_only() -> None:
    """Else a full course closes the slices of everybody else."""
    full = when(by_group={"davis/vision": 1, "davis/cs1": 2}, by_person={"merced": 1})
    for who, options in ((MAX, {"environment": "vision"}), (BO, {"environment": "vision"})):
        assert asked(who, full, gpu="slice", **options).choice.gpu == "slice"


def test_groups_of_the_person_are_on_the_pod_so_that_limits_are_counted_from_pods_alone() -> None:
    """Else a restart of the hub forgets who of a group holds what."""
    both = person("eve", ["davis", "davis/vision", "davis/ml", "davis/cs1", "merced"])
    annotations = asked(both, environment="vision", gpu="slice").part.annotations
    assert annotations["libretexts.org/groups"] == "davis/ml,davis/vision"
    assert "libretexts.org/groups" not in asked(both, environment="vision").part.annotations


def test_what_is_shown_says_free_held_and_when_the_next_is_back() -> None:
    """Else students find out only by trying, again and again."""
    back = NOW + timedelta(minutes=90, seconds=1)
    use = when(by_organization={"davis": 4}, back={"davis": back}, next_back=NOW, waiting={"davis": 2})
    shown = next(one for one in offered_to(INDEX, MAX, use) if one.entry.environment == "vision").gpus[0]
    assert (shown.free, shown.held, shown.total, shown.waiting) == (0, 4, 4, 2)
    assert f"{shown.back:%H:%M}" == "14:31"
    assert "2 wait for one" in str(shown.closed)


def test_nobody_knows_how_many_are_free_where_nobody_counted_them() -> None:
    """Else a guess stands on the page as a fact; the share still holds."""
    index = hub_of(FILE.replace("total: 6", "").replace("overcommit: true", ""))
    use = Circumstances(NOW, gpus={"slice": GpuUse(by_organization={"davis": 3})})
    shown = next(one for one in offered_to(index, MAX, use) if one.entry.environment == "vision").gpus[0]
    assert shown.free is None
    assert shown.closed is None
    counted = Circumstances(NOW, gpus={"slice": GpuUse(total=5, by_organization={"davis": 3, "merced": 1})})
    assert next(one for one in offered_to(index, MAX, counted) if one.entry.course).gpus[0].free == 1


def test_a_server_without_a_gpu_keeps_off_the_nodes_of_each_flavour() -> None:
    """Else small servers fill the nodes on which the GPUs are, and those stand idle."""
    made = asked(MAX, environment="vision")
    assert not made.part.tolerations
    spec = {
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": narrowed_terms([], made.part.avoided_nodes.values())
                }
            }
        }
    }
    manifest = {"metadata": {"labels": dict(made.part.labels), "annotations": dict(made.part.annotations)}}
    assert violations({**manifest, "spec": spec}, made) == ()
    assert len(violations({**manifest, "spec": {}}, made)) == 2
    assert not asked(MAX, environment="vision", gpu="whole").part.avoided_nodes
    shared = hub_of(FILE.replace("nodeLabels: {pool: whole}", "nodeLabels: {pool: whole}, cpuServers: true"))
    assert list(plan(shared, MAX, choice({"environment": "vision"}), when()).part.avoided_nodes) == ["slice"]


def test_with_kueue_the_pod_names_its_queue_and_only_limits_of_people_are_ours() -> None:
    """Else a pod stands in no line, or is refused where Kueue would let it wait."""
    index = hub_of(FILE.replace("sharedMemory: 2Gi", "sharedMemory: 2Gi\n    queue: teaching"))
    full = when(by_organization={"davis": 4})
    wanted = choice({"organization": "davis", "environment": "vision", "gpu": "slice"})
    labels = plan(index, MAX, wanted, full).part.labels
    assert labels["kueue.x-k8s.io/queue-name"] == "teaching"
    assert labels["kueue.x-k8s.io/max-exec-time-seconds"] == str(4 * 3600)
    with pytest.raises(NoRoom, match="You hold 1 of at most 1"):
        plan(index, MAX, wanted, when(by_person={"davis": 1}))
    objects = {one["kind"]: one for one in organization_objects(index.settings, "davis", HubPlace())}
    assert "requests.nvidia.com/mig-1g.18gb" not in objects["ResourceQuota"]["spec"]["hard"]
    assert any("visibility.kueue.x-k8s.io" in rule["apiGroups"] for rule in objects["Role"]["rules"])


_LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)


@given(
    st.lists(_LABELS.filter(bool), max_size=4),
    st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12")), max_size=2), max_size=2),
    _LABELS,
)
def test_a_node_is_avoided_if_and_only_if_it_has_all_labels_of_a_set(avoided, wanted, node) -> None:
    """Else a server is kept off nodes that it may use, or lands on one that it must not."""
    terms = [
        {"matchExpressions": [{"key": k, "operator": "In", "values": [v]} for k, v in one]}
        for one in wanted
        if one
    ]

    def matches(term) -> bool:
        return all(
            (node.get(one["key"]) in one["values"]) is (one["operator"] == "In")
            for one in term["matchExpressions"]
        )

    before = not terms or any(map(matches, terms))
    narrowed = narrowed_terms(terms, avoided)
    after = not narrowed or any(map(matches, narrowed))
    hit = any(labels.items() <= node.items() for labels in avoided)
    assert after == (before and not hit)
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": narrowed}}
    assert all(keeps_off({"affinity": {"nodeAffinity": required}}, labels) for labels in avoided)
