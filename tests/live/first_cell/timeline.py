"""One start, moment by moment: from the click to the first output of a cell."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.demo.visit import Visit

if TYPE_CHECKING:
    from kubernetes_bed.cluster import Cluster

MOMENTS = (
    "the pod is created",
    "a node is chosen",
    "the container is told to be running",
    "the server serves",
    "the hub says that it is ready",
    "Lab's page is there",
    "a cell's output is there",
)
"""In the order in which they usually come; the fourth may come before the third is told."""
COMPARED = (("ours", "stock"), ("ours, our image", "stock, our image"), ("ours, our image", "stock"))
"""Whose mean is divided by whose."""
SERVES = re.compile(r"(?m)^(\S+) .*is running at:")


PAGE = Path(__file__).resolve().parents[3] / "docs/first-cell.md"
BEGIN, END = "<!-- first cell: generated -->", "<!-- first cell: end -->"


@dataclass(frozen=True)
class Kind:
    """What is measured in turn with others."""

    hub: str
    namespace: str
    options: dict[str, str]


@dataclass
class Watch:
    """What the cluster tells of the pods of a namespace, with the time at which it came."""

    cluster: Cluster
    namespace: str
    seen: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        path = f"/api/v1/namespaces/{self.namespace}/pods?watch=true&timeoutSeconds=3600"
        for line in self.cluster.api().watch(path, silence=3600):
            self.seen.append((time.time(), json.loads(line)["object"]))

    def first(self, since: float, name: str, when: Any) -> float:
        """When a pod was first told to be so, after a moment."""
        for at, pod in self.seen:
            if at >= since and pod["metadata"]["name"] == name and when(pod):
                return at
        raise AssertionError(f"never told of {self.namespace}/{name}")


def runs(pod: dict[str, Any]) -> bool:
    statuses = pod["status"].get("containerStatuses") or [{}]
    return "running" in statuses[0].get("state", {})


async def timed(cluster: Cluster, watch: Watch, visit: Visit, options: dict[str, str]) -> list[float]:
    """Start a server, execute a cell and stop; seconds from the click to each of the moments."""
    token = await visit._token()
    pod = f"jupyter-{visit.name}"
    path = f"{visit.url}/hub/api/users/{visit.name}/server"
    headers = {"X-XSRFToken": token, "Content-Type": "application/json"}
    clicked = time.time()
    body = json.dumps({"user_options": options})
    async with visit.http.post(path, data=body, headers=headers) as answer:
        assert answer.status in (201, 202), await answer.text()
        await answer.read()
        pending = answer.status == 202
    if pending:
        await visit._follow(f"{path}/progress?_xsrf={token}")
    ready = time.time()
    await visit._entered("")
    page = time.time()
    assert await visit.executed("print(6 * 7)", kernel="python3") == "42"
    output = time.time()
    log = cluster.kubectl("logs", pod, f"--namespace={watch.namespace}", "--timestamps")
    serves = SERVES.search(log)
    assert serves, log
    moments = [
        watch.first(clicked, pod, lambda _: True),
        watch.first(clicked, pod, lambda it: it["spec"].get("nodeName")),
        watch.first(clicked, pod, runs),
        datetime.fromisoformat(serves[1][:26] + "+00:00").timestamp(),
        ready,
        page,
        output,
    ]
    await visit.stop()
    cluster.kubectl("wait", "--for=delete", f"pod/{pod}", f"--namespace={watch.namespace}", "--timeout=60s")
    return [moment - clicked for moment in moments]


def write(found: dict[str, list[list[float]]]) -> None:
    """Put the table into the page: means, medians in brackets, and means divided by means."""
    heads = [*found, *(f"{one} ÷ {other}" for one, other in COMPARED)]
    lines = [f"| seconds after the click | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for number, what in enumerate(MOMENTS):
        columns = {name: [times[number] for times in rounds] for name, rounds in found.items()}
        cells = [f"{mean(values):.2f} ({median(values):.2f})" for values in columns.values()]
        cells += [f"{mean(columns[one]) / mean(columns[other]):.2f}" for one, other in COMPARED]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    told = (
        f"Means of {len(found['stock'])} rounds on {datetime.now(UTC):%Y-%m-%d}, medians in brackets; "
        f"{os.cpu_count()} processors, load of the machine in the last five minutes {os.getloadavg()[1]:.1f}."
    )
    table = "\n".join([told, "", *lines])
    page = PAGE.read_text(encoding="utf8")
    fresh = re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{table}\n\n{END}", page, flags=re.DOTALL)
    PAGE.write_text(fresh, encoding="utf8")
