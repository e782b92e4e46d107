"""The main job on the real cluster: several organisations, every way in, a browser; nothing is left.

What a user loses when these fail: everything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import kubernetes_hub
import pytest
from kubernetes_hub.installation import Installation
from kubernetes_hub.main_job import main_job
from kubernetes_hub.settings import example, on_the_bed
from playwright.async_api import async_playwright

from jupyterhub_libretexts.demo.run import free_port
from jupyterhub_libretexts.demo.visit import Visit
from jupyterhub_libretexts.errors import ClusterError
from tests.browser.notebook import run_in_a_new_notebook

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


@pytest.fixture(scope="module")
def demo(cluster, tmp_path_factory):
    """The demonstration's hub, as `./dev/demo --kubernetes` installs it."""
    files = on_the_bed(example(), tmp_path_factory.mktemp("demo"), cluster.images["lab"])
    with Installation(cluster, files).installed() as hub:
        yield hub
        sys.stdout.write(hub.log()[-8000:])


async def test_two_students_of_two_organisations_compute_in_pods_of_their_own_namespaces(demo):
    """Else the product does not do what it is for, whatever all other tests say."""
    told = []
    seen = await main_job(demo, told.append)
    assert [(cell.person, cell.namespace, cell.pod) for cell in seen] == [
        ("ada", "org-ucdavis", "jupyter-ada"),
        ("grace", "org-highschools", "jupyter-grace"),
        ("ada", "org-ucdavis", "jupyter-ada--second"),
        ("ada", "org-ucdavis", "jupyter-ada"),
        ("grace", "org-highschools", "jupyter-grace"),
    ]
    assert all(cell.host == cell.pod and cell.container.startswith("containerd://") for cell in seen)
    assert len({cell.container for cell in seen}) == 5
    assert demo.servers() == []


async def test_a_file_saved_yesterday_is_there_today_and_is_not_another_persons(demo):
    """Else a student's work is gone with their server, or read by somebody else."""
    people = {account.name: account for account in demo.accounts}
    async with (
        Visit(demo.url, "ada", people["ada"].password) as ada,
        Visit(demo.url, "grace", people["grace"].password) as grace,
    ):
        for visit in (ada, grace):
            await visit.sign_in()
            await visit.start_by_api({"environment": "python"})
        await ada.executed("open('thesis.txt', 'w').write('one page')")
        await ada.stop()
        demo.cluster.kubectl(
            "wait", "--for=delete", "pod/jupyter-ada", "--namespace=org-ucdavis", "--timeout=60s"
        )
        await ada.start_by_api()
        assert await ada.executed("print(open('thesis.txt').read())") == "one page"
        with pytest.raises(ClusterError, match="FileNotFoundError"):
            await grace.executed("open('thesis.txt')")
        for visit in (ada, grace):
            await visit.stop()
    demo.wait_until_no_server_is_left()


async def test_a_gpu_is_given_on_the_node_that_has_it(demo):
    """Else a student who asks for a GPU computes without one, or on another card than the one that is named."""
    ada = next(account for account in demo.accounts if account.name == "ada")
    async with Visit(demo.url, ada.name, ada.password) as visit:
        await visit.sign_in()
        await visit.start_by_api({"environment": "python", "gpu": "a100-slice"})
        pod = demo.cluster.get("pod", "jupyter-ada", "--namespace=org-ucdavis")
        node = demo.cluster.get("node", pod["spec"]["nodeName"])
        assert node["metadata"]["labels"]["nvidia.com/gpu.product"] == "NVIDIA-A100-SXM4-80GB"
        given = await visit.executed("import os; print(os.environ['NVIDIA_VISIBLE_DEVICES'])")
        assert given, "the kubelet gave no device"
        await visit.stop()
    demo.wait_until_no_server_is_left()


async def test_in_a_browser_from_sign_in_to_the_output_of_a_cell(demo):
    """Else what works for programs does not work for people: the page, its scripts, the notebook."""
    chromium = shutil.which("chromium")
    assert chromium, "this test needs a browser: apt-get install chromium fonts-dejavu-core"
    ada = next(account for account in demo.accounts if account.name == "ada")
    async with async_playwright() as playwright:
        # The browser is started by this process, and so inside the cluster's network.
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = await (await browser.new_context(base_url=demo.url)).new_page()
        page.set_default_timeout(60_000)
        await page.goto("/hub/login")
        await page.fill("#username_input", ada.name)
        await page.fill("#password_input", ada.password)
        await page.press("#password_input", "Enter")
        await page.wait_for_url(lambda url: "/login" not in url)
        await page.goto("/hub/spawn")
        await page.get_by_role("radio", name=re.compile("^Python")).check()
        await page.click("#spawn_form [type=submit]")
        await page.wait_for_url("**/user/ada/lab**", timeout=90_000)
        code = "import os; print(6 * 7, os.uname().nodename)"
        await run_in_a_new_notebook(page, code, "42 jupyter-ada")
        await page.goto("/hub/home", wait_until="networkidle")
        await page.click("#stop")
        await page.wait_for_selector("#stop", state="hidden")
        await browser.close()
    demo.wait_until_no_server_is_left()


def test_a_browser_of_the_machine_reaches_the_hub_by_the_relay_and_nothing_else(demo):
    """Else `./dev/demo --kubernetes` prints an address that leads nowhere."""
    port = free_port()
    process = demo.cluster.process_of(demo.cluster.shape.first)
    outside = [f"--net=/proc/{os.getppid()}/ns/net", "--"]
    relay = [sys.executable, str(Path(kubernetes_hub.__file__).with_name("relay.py"))]
    words = ["nsenter", *outside, *relay, str(port), str(process), demo.url.removeprefix("http://"), "80"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as passing:
        assert passing.stdout.readline() == b"listening\n"
        ask = ["nsenter", *outside, "curl", "--silent", f"http://127.0.0.1:{port}/hub/api/"]
        assert b'"version"' in subprocess.check_output(ask)
        with pytest.raises(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/hub/api/", timeout=3)
        passing.stdin.close()
        assert passing.wait(10) == 0
