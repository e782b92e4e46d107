"""Settings as large as they get, made for measuring; and what loading and planning with them costs.

Run: python -m bench.documents
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

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


def main() -> int:
    """Measure, and print."""
    from jupyterhub_libretexts.core.catalogue import catalogue
    from jupyterhub_libretexts.core.choice import Choice
    from jupyterhub_libretexts.core.circumstances import Circumstances
    from jupyterhub_libretexts.core.offers import offered_to
    from jupyterhub_libretexts.core.people import person
    from jupyterhub_libretexts.core.plan import plan
    from jupyterhub_libretexts.settings.load import load_text

    text = document()
    settings = load_text(text)
    index = catalogue(settings)
    ada = person("ada", ["org7", "org7/students"], "ada@org7.example")
    now = Circumstances(now=datetime(2026, 10, 1, tzinfo=UTC))
    many = 1000

    def plans() -> None:
        for _ in range(many):
            plan(index, ada, Choice(course="org7/course7"), now)

    def offers() -> None:
        for _ in range(many):
            offered_to(index, ada, now)

    print(
        f"document: {len(text.splitlines())} lines, 200 organisations, 500 courses; processor time, medians"
    )
    print(f"load and check: {_median(lambda: load_text(text), 5):.3f} s (asked for: < 1 s)")
    print(f"index:          {_median(lambda: catalogue(settings), 5) * 1e3:.2f} ms")
    print(f"plan:           {_median(plans, 5) / many * 1e3:.3f} ms (asked for: <= 0.2 ms)")
    print(f"offers:         {_median(offers, 5) / many * 1e3:.3f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
