"""Settings as large as they get, made for measuring; and what loading and planning with them costs."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.rows import Row, limited
from jupyterhub_libretexts.core.catalogue import catalogue
from jupyterhub_libretexts.core.choice import Choice
from jupyterhub_libretexts.core.circumstances import Circumstances
from jupyterhub_libretexts.core.people import person
from jupyterhub_libretexts.core.plan import plan
from jupyterhub_libretexts.settings.load import load_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["document"]


def document(organizations: int = 200, courses: int = 500) -> str:
    """A document with so many organisations and courses, six environments and two sizes."""
    environments = ("python", "octave", "r", "julia", "sage", "rstudio")
    lines = ["organizations:"]
    for number in range(organizations):
        lines += [
            f"  org{number}:",
            f"    title: Organisation {number}",
            "    members:",
            f"      - emailDomain: org{number}.example",
            f"      - {{claim: {{affiliation: student@org{number}.example}}, group: org{number}/students}}",
            "    groups: [students, staff]",
            "    homes: {quota: 10Gi}",
            f"    environments: [{', '.join(environments)}]",
            "    limits: {servers: 300, memory: 900Gi}",
        ]
    lines.append("environments:")
    lines += [
        f"  {name}: {{title: {name}, image: 'i.example/{name}:1', kernel: {name}}}" for name in environments
    ]
    lines.append("sizes:")
    for name, cores, default in (("small", 2, "true"), ("large", 4, "false")):
        lines += [
            f"  {name}:",
            f"    cpu: {{guarantee: 0.5, limit: {cores}}}",
            f"    memory: {{guarantee: 1Gi, limit: {cores}Gi}}",
            f"    default: {default}",
        ]
    lines.append("courses:")
    for number in range(courses):
        organization = f"org{number % organizations}"
        lines += [
            f"  {organization}/course{number}:",
            f"    title: Course {number}",
            f"    environment: {environments[number % len(environments)]}",
            f"    material: https://git.example/course{number}",
            f"    instructors: [prof{number}@{organization}.example]",
            f"    members: [{organization}/students]",
            "    from: 2026-09-21",
            "    until: 2026-12-18",
        ]
    return "\n".join(lines) + "\n"


def _median(action: Callable[[], object], times: int) -> float:
    """Median processor seconds of one call."""
    spent = []
    for _ in range(times):
        before = time.process_time()
        action()
        spent.append(time.process_time() - before)
    return statistics.median(spent)


def rows(_rounds: int) -> list[Row]:
    """200 organisations with 500 courses."""
    text = document()
    settings = load_text(text)
    index = catalogue(settings)
    ada = person("ada", ["org7", "org7/students"], "ada@org7.example")
    now = Circumstances(now=datetime(2026, 10, 1, tzinfo=UTC))
    many = 1000

    def plans() -> None:
        for _ in range(many):
            plan(index, ada, Choice(course="org7/course7"), now)

    lines = len(text.splitlines())
    return [
        limited(
            f"200 organisations, 500 courses ({lines:,} lines): load and check, CPU",
            _median(lambda: load_text(text), 5),
            1,
            "s",
        ),
        limited("the same: one plan, CPU", _median(plans, 5) / many * 1e3, 0.2, "ms", "{:.3f}"),
    ]
