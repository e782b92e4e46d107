"""What the form costs the hub: ours against KubeSpawner's with as many profiles, CPU time of one render.

Ours is measured as the hub pays it: decide what is offered, then render, the page known (as for a
class that comes in together) and new (a count of free GPUs has changed).
"""

from __future__ import annotations

import itertools
import logging
import statistics
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kubespawner import KubeSpawner

from bench.rows import Row, compared
from jupyterhub_libretexts.core.catalogue import catalogue
from jupyterhub_libretexts.core.choice import Choice
from jupyterhub_libretexts.core.circumstances import Circumstances, GpuUse
from jupyterhub_libretexts.core.offers import offered_to
from jupyterhub_libretexts.core.people import person
from jupyterhub_libretexts.hub.form import form
from jupyterhub_libretexts.settings.models import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS, RENDERS = 7, 20
ASKED = {6: 10.0, 60: 3.0}
"""How many times cheaper ours must be, by number of environments."""


def milliseconds(work: Callable[[], object]) -> float:
    """CPU time of one call, the median of several rounds."""
    work()
    rounds = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(RENDERS):
            work()
        rounds.append((time.process_time() - begun) / RENDERS * 1000)
    return statistics.median(rounds)


def stock(count: int) -> Callable[[], object]:
    """KubeSpawner's own form, with its choice of sizes."""
    profiles = [
        {
            "slug": f"environment-{number}",
            "display_name": f"Environment {number}",
            "description": "What it is for",
            "profile_options": {
                "size": {
                    "display_name": "Size",
                    "choices": {
                        name: {"display_name": f"up to {name}", "kubespawner_override": {}}
                        for name in ("small", "large")
                    },
                }
            },
        }
        for number in range(count)
    ]
    nobody: Any = SimpleNamespace(
        _get_initialized_profile_list=lambda given: KubeSpawner._get_initialized_profile_list(  # noqa: SLF001
            nobody, given
        ),
        _validate_user_options=lambda _: None,
        user_options={},
        additional_profile_form_template_paths=[],
        profile_form_template="",
        log=logging.getLogger("bench"),
    )
    return lambda: KubeSpawner._render_options_form(nobody, profiles)  # noqa: SLF001 (what is compared)


def settings(count: int) -> Settings:
    """As many environments, of which each has two sizes and a GPU."""
    amounts = {"guarantee": 1, "limit": 2}
    memory = {"guarantee": "1Gi", "limit": "2Gi"}
    return Settings.model_validate(
        {
            "organizations": {
                "university": {
                    "title": "University",
                    "environments": [f"environment-{number}" for number in range(count)],
                    "gpus": {"slice": {"total": 5000}},
                }
            },
            "environments": {
                f"environment-{number}": {
                    "title": f"Environment {number}",
                    "subject": "What it is for",
                    "image": "image:1",
                }
                for number in range(count)
            },
            "sizes": {
                "small": {"cpu": amounts, "memory": memory, "default": True},
                "large": {"cpu": amounts, "memory": memory},
            },
            "gpus": {"slice": {"title": "A slice", "resource": "nvidia.com/gpu", "total": 5000}},
        }
    )


def ours(count: int, used: Callable[[], int]) -> Callable[[], object]:
    """Our form, what is offered decided anew each time."""
    given = settings(count)
    index = catalogue(given)
    student = person("ada", ["university"])

    def render() -> str:
        facts = Circumstances(
            now=datetime.now(UTC),
            gpus={"slice": GpuUse(total=5000, by_organization={"others": used()})},
        )
        return form.rendered(offered_to(index, student, facts), Choice(), settings=given, username="ada")

    return render


def rows(rounds: int) -> list[Row]:
    """With 6 and 60 environments, the page known, as for a class that comes in together, and new."""
    made = []
    for count, asked in ASKED.items():
        counter = itertools.count()
        theirs = [milliseconds(stock(count)) for _ in range(rounds)]
        known = [milliseconds(ours(count, lambda: 0)) for _ in range(rounds)]
        # Each render shows another number of free GPUs, so no page is known.
        new = [milliseconds(ours(count, lambda counter=counter: next(counter))) for _ in range(rounds)]
        for words, mine, limit in (("page kept", known, 1 / asked), ("page new", new, None)):
            made.append(
                compared(
                    f"form with {count} environments, {words}",
                    theirs,
                    mine,
                    asked="–" if limit is None else f"≤ {limit:.2f}",
                    holds=lambda ratio, limit=limit: limit is None or ratio <= limit,
                    unit="ms",
                )
            )
    return made
