"""What the hub tells Prometheus besides its own: seconds of GPUs, cores and bytes, and who waits.

No person is in a label. Counters begin with the hub, as Prometheus expects of a process that starts
again; the stored intervals are what a bill is made of.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

    from jupyterhub_libretexts.hub.shared import Shared
    from jupyterhub_libretexts.hub.usage import Interval

__all__ = ["SharedCollector", "Totals"]

_LABELS = ("organization", "course", "environment", "gpu")
Key = tuple[str, ...]


@dataclass(slots=True)
class _Sum:
    """Seconds of one amount: those that are over, and what runs as amount and amount times its start."""

    over: float = 0.0
    runs: float = 0.0
    weighted: float = 0.0

    def at(self, now: float) -> float:
        """The seconds until now."""
        return self.over + self.runs * now - self.weighted


class Totals:
    """Sums over all servers since the hub started, however many run."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._began = clock()
        self._sums: defaultdict[Key, tuple[_Sum, _Sum, _Sum]] = defaultdict(lambda: (_Sum(), _Sum(), _Sum()))

    def begin(self, interval: Interval) -> None:
        """A server holds something from now on."""
        self._count(interval, 1, 0.0)

    def end(self, interval: Interval, ended: float) -> None:
        """A server holds nothing any more."""
        self._count(interval, -1, max(ended, self._began))

    def _count(self, interval: Interval, sign: int, ended: float) -> None:
        key = (interval.organization, interval.course or "", interval.environment, interval.gpu or "")
        # What was held before this process began is in the counters of the process before.
        started = max(interval.started, self._began)
        for total, amount in zip(
            self._sums[key], (interval.gpus, interval.cpu, interval.memory), strict=True
        ):
            total.runs += sign * amount
            total.weighted += sign * amount * started
            if sign < 0:
                total.over += amount * max(0.0, ended - started)

    def families(self) -> Iterable[Metric]:
        """The sums as Prometheus reads them."""
        now = self._clock()
        for place, (name, what) in enumerate(
            (
                ("libretexts_gpu_seconds", "GPUs held, times seconds."),
                ("libretexts_cpu_core_seconds", "Cores guaranteed, times seconds."),
                ("libretexts_memory_byte_seconds", "Bytes of memory guaranteed, times seconds."),
            )
        ):
            family = CounterMetricFamily(name, what, labels=_LABELS)
            for key, sums in self._sums.items():
                family.add_metric(key, max(0.0, sums[place].at(now)))
            yield family


class SharedCollector(Collector):
    """What one hub tells; JupyterHub serves it with its own metrics."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    def describe(self) -> Iterable[Metric]:
        """Nothing is said before the first question."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Everything, as it is now."""
        shared = self._shared
        yield from shared.totals_of_usage.families()
        gpus = shared.catalogue.settings.gpus
        labels = ("organization", "gpu")
        held = GaugeMetricFamily("libretexts_gpus_held", "GPUs that servers and starts hold.", labels=labels)
        waiting = GaugeMetricFamily("libretexts_gpus_waiting", "People who wait for a GPU.", labels=labels)
        counts = shared.waiting.counts()
        for flavour in gpus:
            for organization, number in shared.ledger.held(flavour, gpus).items():
                held.add_metric((organization, flavour), number)
            for organization, number in counts.get(flavour, {}).items():
                waiting.add_metric((organization, flavour), number)
        yield held
        yield waiting
