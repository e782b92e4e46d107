"""From the click to the first output of a cell, stock KubeSpawner and ours in turn, on the real cluster.

``pytest tests/live/first_cell --update-golden`` writes the table of ``docs/first-cell.md``. What a user loses
when this fails: seconds, each time they begin to work.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from statistics import mean

from images.tooling import machine
from jupyterhub_libretexts.demo.visit import Visit
from tests.live.first_cell.timeline import COMPARED, Kind, Watch, timed, write
from tests.live.kubernetes.hubs import hub_in
from tests.live.kubernetes.test_stock import COMMON, role_of_stock

ROUNDS = int(os.environ.get("LIBRETEXTS_ROUNDS", "6"))
LAB, OURS = "localhost/lab:1", f"{machine.NAME}:core"
STOCK = f"""
c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
{COMMON}
c.KubeSpawner.profile_list = [
    {{"display_name": "Lab", "slug": "lab"}},
    {{"display_name": "Core", "slug": "core", "kubespawner_override": {{"image": "{OURS}"}}}},
]
"""
SETTINGS = f"""
organizations:
  north: {{title: North, environments: [lab, core]}}
environments:
  lab: {{title: Lab, image: "{LAB}", kernel: python3}}
  core: {{title: Core, image: "{OURS}", kernel: python3}}
sizes: {{small: {{cpu: {{guarantee: 0.05, limit: 1}}, memory: {{guarantee: 64Mi, limit: 512Mi}}, default: true}}}}
homes: {{kind: claim, quota: 1Gi}}
cluster: {{nodes: [10.77.0.0/24], pods: [10.244.0.0/16], services: [10.96.0.0/16]}}
"""
KINDS = {
    "stock": Kind("stock", "stock", {"profile": "lab"}),
    "ours": Kind("ours", "org-north", {"environment": "lab"}),
    "stock, our image": Kind("stock", "stock", {"profile": "core"}),
    "ours, our image": Kind("ours", "org-north", {"environment": "core"}),
}


def load_our_image(cluster, folder):
    """The default environment as `./dev/images build core` made it."""
    engine = machine.engine()
    assert engine.describe(OURS) is not None, "not built: run ./dev/images build core"
    archive = folder / "core.tar"
    words = [engine.program, "save", "--quiet", "--format=docker-archive", f"--output={archive}", OURS]
    subprocess.run(words, check=True, env=engine.environment())
    cluster.load(archive)
    archive.unlink()


async def test_the_first_cell_is_there_before_that_of_stock(cluster, tmp_path, request):
    """Hubs of both kinds stand side by side; one person starts by each in turn, alone on the cluster."""
    load_our_image(cluster, tmp_path)
    settings = tmp_path / "libretexts.yaml"
    settings.write_text(SETTINGS)
    async with contextlib.AsyncExitStack() as stack:
        ours = await stack.enter_async_context(hub_in(cluster, tmp_path, files=(settings,)))
        stock = await stack.enter_async_context(
            hub_in(cluster, tmp_path, STOCK, files=(), standard="baseline", namespace="stock")
        )
        cluster.apply(*role_of_stock("stock"))
        await stock.kill()
        visits = {}
        for name, hub in {"stock": stock, "ours": ours}.items():
            await hub.person("ada", "north")
            visits[name] = await stack.enter_async_context(Visit(hub.installation.url, "ada", "any"))
            await visits[name].sign_in()
            # The hub's own view of groups is what counts; signing in by another way has none.
            await hub.person("ada", "north")
        watches = {space: Watch(cluster, space) for space in ("stock", "org-north")}
        found = {name: [] for name in KINDS}
        for number in range(ROUNDS + 1):
            for name, kind in KINDS.items():
                times = await timed(cluster, watches[kind.namespace], visits[kind.hub], kind.options)
                print(name, [f"{at:.2f}" for at in times])
                # The first round finds nothing in the machine's memory.
                found[name] += [times] if number else []
    if request.config.getoption("--update-golden"):
        write(found)
    for mine, theirs in COMPARED:
        ours, stock = (mean(times[-1] for times in found[name]) for name in (mine, theirs))
        assert ours < stock, f"{mine} comes after {theirs}"
