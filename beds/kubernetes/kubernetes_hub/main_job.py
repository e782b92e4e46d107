"""What students do, on the real cluster: every way in, cells in containers, stop, nothing left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyterhub_libretexts.core.catalogue import namespace_of
from jupyterhub_libretexts.demo.once import step
from jupyterhub_libretexts.demo.visit import Visit
from jupyterhub_libretexts.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .installation import Installation

WHERE = """
import json, os
print(json.dumps({"host": os.uname().nodename, "answer": 6 * 7, "user": os.getuid(),
                  "token": os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token")}))
"""
"""Run as a cell: where it runs, as whom, and whether it could speak to the cluster."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One cell as it was executed."""

    person: str
    namespace: str
    pod: str
    node: str
    container: str
    """As containerd calls it."""
    host: str
    """As the cell's own kernel said it."""


async def main_job(hub: Installation, say: Callable[[str], None]) -> list[Seen]:
    """Two students of two organisations, five ways in; returns where each cell was executed.

    Raises:
        ClusterError: A step did not work; the message says which and what came instead.
    """
    ada, grace = (
        next(account for account in hub.accounts if account.name == name) for name in ("ada", "grace")
    )
    seen = []
    url = hub.url
    async with (
        Visit(url, ada.name, ada.password, say) as first,
        Visit(url, grace.name, grace.password, say) as second,
    ):
        async with step("ada and grace signed in", say):
            await first.sign_in()
            await second.sign_in()
        async with step("ada started by the form", say):
            page = await first.form()
            await first.start_by_form(
                page, next(subject for subject in page.subjects if "environment=" in subject)
            )
        seen.append(await executed(hub, first, "ucdavis", say))
        async with step("grace started by REST", say):
            await second.start_by_api({"environment": "python"})
        seen.append(await executed(hub, second, "highschools", say))
        async with step("ada started a named server", say):
            await first.start_by_api({"environment": "python"}, server="second")
        seen.append(await executed(hub, first, "ucdavis", say, server="second"))
        async with step("ada stopped both, grace hers", say):
            await first.stop("second", remove=True)
            await first.stop()
            await second.stop()
            hub.wait_until_no_server_is_left()
        async with step("ada started again as before", say):
            await first.start_by_api()
        seen.append(await executed(hub, first, "ucdavis", say))
        async with step("grace started by a link", say):
            await second.start_by_link({"environment": "python"})
        seen.append(await executed(hub, second, "highschools", say))
        async with step("all stopped, no pod is left", say):
            await first.stop()
            await second.stop()
            hub.wait_until_no_server_is_left()
    return seen


async def executed(
    hub: Installation, visit: Visit, organization: str, say: Callable[[str], None], server: str = ""
) -> Seen:
    """Execute a cell and hold it against the pod that the cluster shows.

    Raises:
        ClusterError: The cell ran elsewhere than in this person's pod, or could speak to the cluster.
    """
    space = namespace_of(hub.settings, organization)
    selector = f"hub.jupyter.org/username={visit.name},hub.jupyter.org/servername={server}"
    pods = hub.cluster.get("pods", f"--namespace={space}", f"--selector={selector}")["items"]
    if len(pods) != 1:
        raise ClusterError(f"{visit.name} has {len(pods)} pods in {space} instead of one")
    (pod,) = pods
    said = json.loads(await visit.executed(WHERE, server))
    container = pod["status"]["containerStatuses"][0]["containerID"]
    name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]
    if said["host"] != name or said["answer"] != 6 * 7:
        raise ClusterError(f"the cell said {said}, and the pod is {name}")
    if said["token"]:
        raise ClusterError(f"{name} has a token for the cluster")
    say(f"a cell printed {said['answer']}: {space}/{name} on {node}, {container[:26]}…, user {said['user']}")
    return Seen(visit.name, space, name, node, container, said["host"])
