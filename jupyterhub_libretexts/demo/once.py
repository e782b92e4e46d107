"""The main job without a browser: from the sign-in page to a cell's output, and nothing left after."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from jupyterhub_libretexts.demo.visit import Visit
from jupyterhub_libretexts.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from jupyterhub_libretexts.demo.run import Run

__all__ = ["main_job", "step"]

_STOP_SECONDS = 120


def main_job(run: Run, say: Callable[[str], None]) -> None:
    """Do it as a student would, and tell each step's time.

    Raises:
        ClusterError: A step did not work; the message says which and what came instead.
        OSError: The hub did not answer.
    """
    asyncio.run(_main_job(run, say))


@asynccontextmanager
async def step(what: str, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Tell how long a step took.

    Raises:
        ClusterError: There was no answer.
    """
    began = time.monotonic()
    try:
        yield
    except (TimeoutError, aiohttp.ClientError) as error:
        raise ClusterError(f"not {what}: {str(error) or 'no answer in time'}") from error
    say(f"{what}: {time.monotonic() - began:.1f} s")


async def _main_job(run: Run, say: Callable[[str], None]) -> None:
    account = run.people[0]
    async with Visit(run.url, account.name, account.password, say) as visit:
        async with step("signed in", say):
            await visit.sign_in()
        async with step("read the form", say):
            page = await visit.form()
        # A plain environment, so that the same is tried whatever courses a file has.
        plain = [subject for subject in page.subjects if "environment=" in subject]
        if not plain:
            raise ClusterError("nothing is open to start: this machine has no kernel that the settings name")
        async with step("chosen, and running", say):
            await visit.start_by_form(page, plain[0])
        async with step("a cell ran", say):
            language, printed = await visit.cell()
        say(f"{language} printed {printed}")
        async with step("stopped, no pod is left", say):
            await visit.stop()
            await _no_pod_is_left(run, visit.http)


async def _no_pod_is_left(run: Run, http: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {run.cluster['token']}"}
    end = time.monotonic() + _STOP_SECONDS
    while True:
        async with http.get(f"{run.cluster['url']}/api/v1/pods", headers=headers) as answer:
            answer.raise_for_status()
            left = [pod["metadata"]["name"] for pod in (await answer.json())["items"]]
        if not left:
            return
        if time.monotonic() > end:
            raise ClusterError(f"these pods are left: {', '.join(left)}")
        await asyncio.sleep(0.1)
