"""What one decision about a GPU costs with five thousand servers: the ledger against counting pods anew.

Stock KubeSpawner counts nothing. The counterpart is what a hub does that keeps no ledger: look at every
pod that its informer knows, each time that somebody asks.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from bench.rows import Row, compared, limited
from jupyterhub_libretexts.core.catalogue import catalogue
from jupyterhub_libretexts.core.people import person
from jupyterhub_libretexts.hub.facts import circumstances
from jupyterhub_libretexts.hub.ledger import Ledger, holding_of_pod
from jupyterhub_libretexts.hub.store import WAITING, Store
from jupyterhub_libretexts.hub.waiting import Waiting
from jupyterhub_libretexts.settings.models import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

PODS, ORGANIZATIONS, WAITERS = 5000, 20, 300
LIMIT = 0.1
"""Milliseconds of a decision."""
RESOURCE = "nvidia.com/mig-1g.10gb"


def _settings() -> Settings:
    amounts, memory = {"guarantee": 1, "limit": 2}, {"guarantee": "1Gi", "limit": "2Gi"}
    return Settings.model_validate(
        {
            "organizations": {
                f"org{number}": {"title": "O", "environments": ["python"], "gpus": {"slice": {"total": 200}}}
                for number in range(ORGANIZATIONS)
            },
            "environments": {"python": {"title": "Python", "image": "i:1"}},
            "sizes": {"small": {"cpu": amounts, "memory": memory, "default": True}},
            "gpus": {"slice": {"title": "A slice", "resource": RESOURCE, "total": 5000, "longest": "4h"}},
        }
    )


def _pod(number: int) -> dict[str, Any]:
    organization, has_gpu = f"org{number % ORGANIZATIONS}", number % 2 == 0
    annotations = {"libretexts.org/organization": organization, "libretexts.org/environment": "python"}
    if has_gpu:
        annotations["libretexts.org/gpu"] = "slice"
    limits = {"memory": "2Gi", **({RESOURCE: "1"} if has_gpu else {})}
    return {
        "metadata": {
            "name": f"p{number}",
            "labels": {"hub.jupyter.org/username": f"s{number}"},
            "annotations": annotations,
        },
        "spec": {
            "activeDeadlineSeconds": 14400,
            "containers": [{"resources": {"requests": {"memory": "1Gi", "cpu": "1"}, "limits": limits}}],
        },
        "status": {"phase": "Running", "startTime": f"2026-11-24T{number % 24:02}:{number % 60:02}:00Z"},
    }


def _each(work: Callable[[], object], rounds: int, times: int) -> list[float]:
    """Milliseconds of CPU of one call, one figure a round."""
    work()
    figures = []
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(times):
            work()
        figures.append((time.process_time() - begun) / times * 1000)
    return figures


def rows(rounds: int) -> list[Row]:
    """A decision by the ledger and by counting; a look at a line in which hundreds wait in vain."""
    index, ledger = catalogue(_settings()), Ledger()
    pods = {f"n/p{number}": _pod(number) for number in range(PODS)}
    for ref, pod in pods.items():
        ledger.observe(ref, pod)
    somebody = person("somebody", ["org3"])
    mine = holding_of_pod(_pod(0))

    def decide() -> object:
        facts = circumstances(index, ledger, somebody, left_out=("n/somebody",))
        ledger.promise("n/somebody", mine)
        ledger.release("n/somebody")
        return facts

    def count() -> object:
        found, servers = Counter[str](), Counter[str]()
        for pod in pods.values():
            holding = holding_of_pod(pod)
            servers[holding.running.organization] += 1
            for _, amount in holding.devices:
                found[holding.running.organization] += amount
        return found

    store = Store("sqlite://")
    for number in range(WAITERS):
        who = {"username": f"w{number}", "server": "", "organization": f"org{number % 3}", "gpu": "slice"}
        when = {"options": {"gpu": "slice"}, "groups": [f"org{number % 3}"], "joined": 0.0, "seen": 0.0}
        store.add(WAITING, {**who, **when})
    full = Ledger()
    for number in range(0, PODS * 2, 2):
        full.observe(f"n/p{number}", _pod(number))
    waiting = Waiting(
        store, full, lambda: index, lambda who, refs: circumstances(index, full, who, left_out=refs)
    )
    of_ledger, of_counting = _each(decide, rounds, 500), _each(count, rounds, 2)
    line = _each(waiting.settle, rounds, 200)
    assert not waiting.called()
    median = sorted(of_ledger)[len(of_ledger) // 2]
    return [
        limited(f"a decision about a GPU, {PODS} live pods", median, LIMIT, "ms of CPU", "{:.3f}"),
        compared(
            f"the same by counting {PODS} pods anew (as stock: counting)",
            of_counting,
            of_ledger,
            asked="< 0.05",
            holds=lambda ratio: ratio < 0.05,
            unit="ms",
            form="{:.3f}",
        ),
        limited(
            f"a look at a line in which {WAITERS} wait in vain",
            sorted(line)[len(line) // 2],
            1.0,
            "ms of CPU",
            "{:.3f}",
        ),
    ]
