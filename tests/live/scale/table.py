"""The tables of ``docs/scale.md``: what was measured, and what it comes to for many more students.

``pytest tests/live/scale --update-golden`` writes them, all from one run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.scale.storms import Restart, Storm

PAGE = Path(__file__).resolve().parents[3] / "docs/scale.md"
STUDENTS = 20_000
KIB, MIB = 1 << 10, 1 << 20


@dataclass
class Measured:
    """One run, all of it."""

    machine: str = ""
    base: Restart | None = None
    """Our hub started without a server."""
    fill: Storm | None = None
    events: int = 0
    restarts: dict[str, Restart] = field(default_factory=dict)
    storms: dict[str, dict[int, Storm]] = field(default_factory=lambda: {"stock": {}, "ours": {}})
    store_before: int = 0
    """Bytes of the control plane's store, before the first server."""
    store_after: int = 0
    """The same with everybody's servers, before the events were made."""
    store_events: int = 0
    """The same after them."""
    proxy_before: float = 0.0
    """MiB of the proxy without a route."""
    proxy_after: float = 0.0
    database: int = 0
    """Bytes of the hub's database with everybody in it."""
    plane_cpu: float = 0.0
    """Processor seconds of API server, etcd, controllers and scheduler while everybody started."""


def cells(stock: float | None, ours: float | None, form: str) -> str:
    """Two figures and their ratio."""
    shown = ["–" if value is None else form.format(value) for value in (stock, ours)]
    ratio = f"{ours / stock:.2f}" if stock and ours is not None else "–"
    return f"{shown[0]} | {shown[1]} | {ratio}"


def table_of_storms(measured: Measured) -> str:
    """Starts in the same second, stock and ours."""
    rows: list[tuple[str, Callable[[Storm], float], str]] = [
        ("lost", lambda each: each.lost, "**{:.0f}**"),
        ("refused with 429", lambda each: each.refused, "{:.0f}"),
        ("pods leaked", lambda each: each.leaked, "{:.0f}"),
        ("servers without a pod", lambda each: each.missing, "{:.0f}"),
        ("until the last request was answered", lambda each: each.answered, "{:.1f} s"),
        ("until the last start was over", lambda each: each.starts.wall, "{:.0f} s"),
        ("hub CPU a start that arrived", lambda each: per_start(each, each.starts.cpu) * 1e3, "{:.0f} ms"),
        ("event loop, longest stall", lambda each: each.starts.longest, "{:.2f} s"),
        ("event loop, 99th percentile of stalls", lambda each: each.starts.p99 * 1e3, "{:.0f} ms"),
        ("API requests a start that arrived", lambda each: per_start(each, asked(each)), "{:.1f}"),
        ("bytes from the API server a start that arrived",
         lambda each: per_start(each, each.starts.received) / KIB, "{:.0f} KiB"),
        ("memory of the hub afterwards", lambda each: each.starts.memory, "{:.0f} MiB"),
        ("stopping them all: until the last was over", lambda each: each.stops.wall, "{:.0f} s"),
        ("stopping: hub CPU a server", lambda each: each.stops.cpu / each.asked * 1e3, "{:.0f} ms"),
        ("stopping: not stopped, or pods left",
         lambda each: each.not_stopped + each.leaked_by_stops, "{:.0f}"),
    ]  # fmt: skip
    lines = ["| starts in the same second | what | stock | ours | ours ÷ stock |", "|---|---|---|---|---|"]
    for count, mine in sorted(measured.storms["ours"].items()):
        theirs = measured.storms["stock"].get(count)
        for what, value, form in rows:
            both = cells(None if theirs is None else value(theirs), value(mine), form)
            lines.append(f"| {count} | {what} | {both} |")
    return "\n".join(lines)


def asked(each: Storm) -> int:
    """Requests of the API server, watches apart."""
    return sum(count for method, count in each.starts.requests.items() if method != "WATCH")


def per_start(each: Storm, amount: float) -> float:
    """An amount for each start that arrived; of a storm in which none did, the amount itself."""
    return amount / max(1, each.asked - each.lost)


def table_of_restarts(measured: Measured) -> str:
    """A hub started again with everybody's servers running."""
    rows: list[tuple[str, Callable[[Restart], float], str]] = [
        ("running servers", lambda each: each.servers, "{:.0f}"),
        ("of them not running after it", lambda each: each.gone, "**{:.0f}**"),
        ("pods ended, doubled or new", lambda each: each.doubled, "{:.0f}"),
        ("until `/hub/health` answers", lambda each: each.healthy, "{:.1f} s"),
        ("until every server was looked at", lambda each: each.known, "{:.1f} s"),
        ("hub CPU until then", lambda each: each.cpu, "{:.1f} s"),
        ("event loop, longest stall", lambda each: each.longest, "{:.1f} s"),
        ("bytes from the API server", lambda each: each.received / MIB, "{:.1f} MiB"),
        ("memory of the hub", lambda each: each.memory, "{:.0f} MiB"),
        ("then, when nothing happens", lambda each: each.resting * 100, "{:.1f} % of a core"),
    ]
    stock, ours = measured.restarts.get("stock"), measured.restarts["ours"]
    lines = ["| restart of the hub | stock | ours | ours ÷ stock |", "|---|---|---|---|"]
    for what, value, form in rows:
        lines.append(f"| {what} | {cells(None if stock is None else value(stock), value(ours), form)} |")
    return "\n".join(lines)


def table_of_many(measured: Measured) -> str:
    """What the measured slopes come to for twenty thousand on one hub, and on ten."""
    fill, base, full = measured.fill, measured.base, measured.restarts["ours"]
    servers = full.servers
    plane = measured.plane_cpu / fill.asked
    largest = measured.storms["ours"][max(measured.storms["ours"])]
    cpu = per_start(largest, largest.starts.cpu)
    known = (full.known - base.known) / servers
    resting = max(0.0, full.resting - base.resting) / servers
    memory = (full.memory - base.memory) / servers
    received = per_start(largest, largest.starts.received)
    proxy = (measured.proxy_after - measured.proxy_before) / servers
    rows = [
        ("hub CPU of a start, beside 2,000 servers", f"{cpu * 1e3:.0f} ms",
         lambda people: f"{people * cpu / 60:.0f} min of one core until all have started"),
        ("until a hub that is started again has looked at every server", f"{known * 1e3:.1f} ms a server",
         lambda people: f"{base.known + people * known:.0f} s"),
        ("hub at rest", f"{resting * 1e5:.2f} % of a core for 1,000 servers",
         lambda people: f"{base.resting + people * resting:.0%} of its one core"),
        ("memory of the hub", f"{memory * 1e3:.0f} MiB for 1,000 servers",
         lambda people: f"{(base.memory + people * memory) / 1024:.1f} GiB"),
        ("memory of the proxy (the bed's, in Python)", f"{proxy * 1e3:.0f} MiB for 1,000 routes",
         lambda people: f"{(measured.proxy_before + people * proxy) / 1024:.1f} GiB"),
        ("bytes that a hub reads for one start", f"{received / KIB:.0f} KiB",
         lambda people: f"{people * received / MIB:,.0f} MiB for all"),
        ("the hub's database (SQLite, without its log)", f"{measured.database / servers / KIB:.1f} KiB a person",
         lambda people: f"{people * measured.database / servers / MIB:.0f} MiB"),
    ]  # fmt: skip
    lines = [
        f"| of each hub | measured | {STUDENTS:,} on one hub | {STUDENTS // 10:,} on each of ten |",
        "|---|---|---|---|",
    ]
    lines += [f"| {what} | {slope} | {at(STUDENTS)} | {at(STUDENTS // 10)} |" for what, slope, at in rows]
    store = (measured.store_after - measured.store_before) / servers
    event = (measured.store_events - measured.store_after) / measured.events
    shared = [
        ("control plane, CPU of a start (API server, etcd, controllers, scheduler)", f"{plane * 1e3:.0f} ms",
         f"{STUDENTS * plane / 60:.0f} min of one core for {STUDENTS:,} starts"),
        ("etcd, for a server", f"{store / KIB:.0f} KiB", f"{STUDENTS * store / MIB:.0f} MiB"),
        ("etcd, for an event", f"{event / KIB:.1f} KiB",
         f"{STUDENTS * 17.5 * event / MIB:.0f} MiB at as many events for each server as here"),
    ]  # fmt: skip
    lines += ["", f"| of the one control plane | measured | {STUDENTS:,} servers, however many hubs |",
              "|---|---|---|"]  # fmt: skip
    lines += [f"| {what} | {slope} | {at} |" for what, slope, at in shared]
    return "\n".join(lines)


def table_of_the_fill(measured: Measured) -> str:
    """Everybody at once, and what those who waited read."""
    every = [measured.fill, *(storm for _, storm in sorted(measured.storms["ours"].items()))]
    head = (
        "| starts in the same second | servers before | lost | refused | wall | hub CPU a start "
        "| told their place | the largest place |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for each in every:
        told = [places for places in each.places if places]
        lines.append(
            f"| {each.asked} | {each.there} | {each.lost} | {each.refused} | {each.starts.wall:.0f} s "
            f"| {per_start(each, each.starts.cpu) * 1e3:.0f} ms | {len(told)} of {len(each.places)} that were "
            f"looked at | {max(map(max, told), default=0)} |"
        )
    return "\n".join(lines)


def write(measured: Measured) -> None:
    """Put the tables into the page."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    parts = {
        "machine": f"Measured {day} on: {measured.machine}",
        "storms": table_of_storms(measured),
        "restarts": table_of_restarts(measured),
        "fill": table_of_the_fill(measured),
        "many": table_of_many(measured),
    }
    page = PAGE.read_text(encoding="utf8")
    for name, text in parts.items():
        begin, end = f"<!-- {name}: generated -->", f"<!-- {name}: end -->"
        assert begin in page, f"{PAGE} has no place for {name}"
        page = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{text}\n\n{end}", page, flags=re.DOTALL)  # noqa: B023
    PAGE.write_text(page, encoding="utf8")
