"""One look of a progress page at its events, while the cluster tells a lot about others."""

from __future__ import annotations

import statistics
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kubespawner import KubeSpawner
from kubespawner.spawner import EventReflector

from bench.rows import Row, compared
from jupyterhub_libretexts.cluster.explain import situation
from jupyterhub_libretexts.cluster.indexes import EventIndex, PodIndex

if TYPE_CHECKING:
    from collections.abc import Callable

NAMESPACE = "org-north"
REASONS = ("Scheduled", "Pulled", "Created", "Started", "Killing")


def _pod(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "resourceVersion": "1"},
        "spec": {"containers": [{"name": "notebook", "image": "i:1"}]},
        "status": {"phase": "Pending"},
    }


def _events(count: int) -> list[dict[str, Any]]:
    """So many of others, five a pod, and five of the one that is looked at in their middle."""
    names = [f"jupyter-person{number}" for number in range(count // len(REASONS))]
    names.insert(len(names) // 2, "jupyter-me")
    return [
        {
            "metadata": {
                "name": f"{name}.{number:x}",
                "namespace": NAMESPACE,
                "uid": f"{name}.{number}",
                "resourceVersion": str(2 + place * len(REASONS) + number),
            },
            "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": name, "uid": f"uid-{name}"},
            "reason": reason,
            "message": f"{reason} {name}",
            "type": "Normal",
            "lastTimestamp": f"2026-11-24T{place // 3600 % 24:02}:{place // 60 % 60:02}:{place % 60:02}Z",
            "eventTime": None,
            "count": 1,
        }
        for place, name in enumerate(names)
        for number, reason in enumerate(REASONS)
    ]


def _stock(events: list[dict[str, Any]]) -> Callable[[], object]:
    reflector: Any = SimpleNamespace(resources={event["metadata"]["uid"]: event for event in events})
    spawner: Any = SimpleNamespace(event_reflector=SimpleNamespace(), pod_name="jupyter-me", _last_event=None)

    def look() -> object:
        spawner.event_reflector.events = EventReflector.events.fget(reflector)
        return KubeSpawner.events.fget(spawner)

    return look


def _ours(events: list[dict[str, Any]]) -> Callable[[], object]:
    pods = PodIndex(lambda ref: index.adopt(ref))  # noqa: PLW0108 - the index is made after it
    index = EventIndex(lambda _: None, pods.__contains__, time.monotonic)
    for name in {event["involvedObject"]["name"] for event in events}:
        pods.put(_pod(name))
    for event in events:
        index.put(event)
    ref = f"{NAMESPACE}/jupyter-me"

    def look() -> object:
        # As a page does: the pod, its events, and what they mean in words.
        found = index.of(ref, "uid-jupyter-me")
        assert len(found) == len(REASONS)
        return situation(pods.view[ref], found)

    return look


def _milliseconds(look: Callable[[], object], times: int) -> float:
    look()
    spent = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            look()
        spent.append((time.process_time() - began) / times * 1e3)
    return statistics.median(spent)


def rows(rounds: int) -> list[Row]:
    """10,000 and 35,000 events of others."""
    made = []
    for count in (10_000, 35_000):
        events = _events(count)
        stock, ours = _stock(events), _ours(events)
        assert len(stock()) == len(REASONS)
        theirs = [_milliseconds(stock, 5) for _ in range(rounds)]
        mine = [_milliseconds(ours, 500) for _ in range(rounds)]
        made.append(
            compared(
                f"progress page, one look with {count:,} events of others",
                theirs,
                mine,
                asked="≤ 0.05",
                holds=lambda ratio: ratio <= 0.05,
                unit="ms",
                form="{:.3f}",
            )
        )
    return made
