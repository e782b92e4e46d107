"""The ledger, without a hub: what is held is what pods and starts hold, in whatever order it is told.

What a user loses when these fail: a slice that is given twice, or one that nobody gets any more.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_libretexts.core.people import person
from jupyterhub_libretexts.hub.ledger import Ledger, holding_of_pod
from jupyterhub_libretexts.settings.models import Gpu

GPUS = {
    "slice": Gpu(title="A slice", resource="nvidia.com/mig-1g.10gb"),
    "other": Gpu(title="The same elsewhere", resource="nvidia.com/mig-1g.10gb"),
    "whole": Gpu(title="A whole one", resource="nvidia.com/gpu"),
}
RESOURCES = {name: gpu.resource for name, gpu in GPUS.items()} | {"gone": "nvidia.com/gpu"}


def pod(owner="ada", organization="north", gpu=None, course=None, groups="", phase="Running", start=None):
    annotations = {
        "libretexts.org/organization": organization,
        "libretexts.org/environment": "python",
        "libretexts.org/gpu": gpu,
        "libretexts.org/course": course,
        "libretexts.org/groups": groups or None,
    }
    limits = {"memory": "2Gi"} | ({RESOURCES[gpu]: "1"} if gpu else {})
    return {
        "metadata": {
            "labels": {"hub.jupyter.org/username": owner},
            "annotations": {key: value for key, value in annotations.items() if value},
        },
        "spec": {
            "activeDeadlineSeconds": 3600,
            "containers": [{"resources": {"requests": {"memory": "1Gi", "cpu": "500m"}, "limits": limits}}],
        },
        "status": {"phase": phase} | ({"startTime": start} if start else {}),
    }


def held(ledger: Ledger, flavour="slice", who="ada", but=()):
    return ledger.gpus(flavour, GPUS, person(who, ["north", "south"]), but)


def test_flavours_of_one_resource_are_counted_apart_and_one_that_is_gone_with_its_resource() -> None:
    """Else nodes of one kind seem full because others are, or a renamed flavour is given twice."""
    ledger = Ledger()
    for number, gpu in enumerate(["slice", "slice", "other", "whole", "gone"]):
        ledger.observe(f"n/p{number}", pod(gpu=gpu))
    assert held(ledger).used == 2
    assert held(ledger, "other").used == 1
    assert held(ledger, "whole").used == 2


def test_groups_and_courses_and_people_are_counted_each_in_their_organisation() -> None:
    """Else a limit of one course or person closes another."""
    ledger = Ledger()
    ledger.observe("n/a", pod(gpu="slice", groups="north/ml,north/x", course="north/c"))
    ledger.observe("n/b", pod("bo", gpu="slice", groups="north/ml"))
    ledger.observe("s/a", pod("ada", "south", "slice"))
    use = held(ledger)
    assert dict(use.by_group) == {"north/ml": 2, "north/x": 1, "north/c": 1}
    assert dict(use.by_person) == {"north": 1, "south": 1}
    without = held(ledger, but=("n/a",))
    assert (without.by_organization["north"], without.by_group["north/ml"]) == (1, 1)
    assert without.by_person["north"] == 0


def test_the_next_expected_back_is_the_first_deadline_of_those_who_hold_it() -> None:
    """Else the time that students read is that of another organisation, or of nobody."""
    ledger = Ledger()
    ledger.observe("n/late", pod(gpu="slice", start="2026-11-24T12:30:00Z"))
    ledger.observe("n/soon", pod("bo", gpu="slice", start="2026-11-24T12:00:00Z"))
    ledger.observe("s/first", pod("cy", "south", "slice", start="2026-11-24T11:00:00Z"))
    use = held(ledger)
    assert use.back["north"] == datetime(2026, 11, 24, 13, tzinfo=UTC)
    assert use.next_back == datetime(2026, 11, 24, 12, tzinfo=UTC)
    ledger.observe("n/soon", None)
    ledger.observe("s/first", pod("cy", "south", "slice", phase="Failed", start="2026-11-24T11:00:00Z"))
    assert held(ledger).back["north"] == held(ledger).next_back == datetime(2026, 11, 24, 13, 30, tzinfo=UTC)


REFS = st.sampled_from(["n/a", "n/b", "s/a", "s/c"])
PODS = st.builds(
    pod,
    owner=st.sampled_from(["ada", "bo"]),
    organization=st.sampled_from(["north", "south"]),
    gpu=st.sampled_from([None, "slice", "other", "whole", "gone"]),
    course=st.sampled_from([None, "north/c"]),
    groups=st.sampled_from(["", "north/ml", "north/ml,north/x"]),
    phase=st.sampled_from(["Pending", "Running", "Failed"]),
    start=st.sampled_from([None, "2026-11-24T12:00:00Z", "2026-11-24T12:30:00Z"]),
)


@given(st.lists(st.tuples(st.sampled_from(["pod", "gone", "promise", "release"]), REFS, PODS), max_size=30))
def test_the_sums_are_those_of_what_is_there_whatever_was_told_before(told) -> None:
    """Else the sums drift from the cluster, and a hub that runs for weeks refuses or gives too much."""
    ledger, live, promised = Ledger(), {}, {}
    for what, ref, document in told:
        holding = holding_of_pod(document)
        if what == "pod":
            ledger.observe(ref, document)
            live[ref] = holding
        elif what == "gone":
            ledger.observe(ref, None)
            live.pop(ref, None)
        elif what == "promise" and holding is not None:
            ledger.promise(ref, holding)
            promised[ref] = holding
        elif what == "release":
            ledger.release(ref)
            promised.pop(ref, None)
    now = {ref: one for ref, one in {**live, **promised}.items() if one is not None}
    for flavour in GPUS:
        mine = [
            one
            for one in now.values()
            if RESOURCES[flavour] in dict(one.devices) and one.running.gpu in (flavour, "gone")
        ]
        use = held(ledger, flavour)
        assert +Counter(use.by_organization) == Counter(one.running.organization for one in mine)
        assert +Counter(use.by_group) == Counter(group for one in mine for group in one.counted_groups)
        assert +Counter(use.by_person) == Counter(
            one.running.organization for one in mine if one.username == "ada"
        )
        ends = [one.ends for one in mine if one.ends is not None]
        assert (use.next_back.timestamp() if use.next_back else None) == min(ends, default=None)
    for name in ("north", "south"):
        mine = [one for one in now.values() if one.running.organization == name]
        usage = ledger.usage(name, ())
        assert (usage.servers, usage.memory) == (len(mine), sum(one.memory for one in mine))
