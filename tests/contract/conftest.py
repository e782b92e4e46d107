"""One set of tests for two clusters: the embedded one always, a real one where it is given.

``LIBRETEXTS_CONTRACT_KUBECONFIG`` names the kubeconfig of a real cluster,
``LIBRETEXTS_CONTRACT_IMAGE`` an image with a shell that its nodes can run.
"""

from __future__ import annotations

import base64
import os
import secrets
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from jupyterhub_libretexts.demo.cluster import ClusterSpec, EmbeddedCluster, NodeSpec, jupyter_image
from tests.contract.support import REAL, SHELL_IMAGE, Api


def pytest_report_header() -> str:
    """Say which clusters these tests see."""
    if REAL:
        return f"contract: embedded cluster and {REAL}"
    return "contract: embedded cluster only; not run against a real one (LIBRETEXTS_CONTRACT_KUBECONFIG)"


def embedded_spec() -> ClusterSpec:
    """A cluster that has one kind of device and knows a few images."""
    node = NodeSpec(cpu="4", memory="8Gi", pods=20, resources={"nvidia.com/mig-1g.10gb": "2"})
    return ClusterSpec(nodes=(node,), images=(jupyter_image("libretexts-contract/*"),), back_off=0.3)


def _real_session(path: Path) -> tuple[str, aiohttp.ClientSession]:
    document = yaml.safe_load(path.read_text())
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]

    def material(holder: dict[str, str], key: str) -> str | None:
        if key in holder:
            return holder[key]
        if f"{key}-data" not in holder:
            return None
        target = path.parent / f".contract-{key}"
        target.touch(mode=0o600)
        target.write_bytes(base64.b64decode(holder[f"{key}-data"]))
        return str(target)

    headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
    context: ssl.SSLContext | bool = True
    if cluster["server"].startswith("https"):
        context = ssl.create_default_context(cafile=material(cluster, "certificate-authority"))
        if certificate := material(user, "client-certificate"):
            context.load_cert_chain(certificate, material(user, "client-key"))
    connector = aiohttp.TCPConnector(ssl=context)
    return cluster["server"], aiohttp.ClientSession(connector=connector, headers=headers)


@pytest.fixture(params=["embedded", "real"] if REAL else ["embedded"])
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """A client of a cluster, with a namespace of the test's own."""
    if request.param == "real":
        url, session = _real_session(Path(REAL))
        client = Api(session, url, os.environ.get("LIBRETEXTS_CONTRACT_IMAGE", "busybox:1"))
        async with session:
            await _own_namespace(client)
            yield client
            await client.ask("DELETE", f"/api/v1/namespaces/{client.namespace}")
        return
    async with EmbeddedCluster(embedded_spec()) as cluster:
        headers = {"Authorization": f"Bearer {cluster.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            client = Api(session, cluster.url, SHELL_IMAGE, cluster)
            await _own_namespace(client)
            yield client


async def _own_namespace(client: Api) -> None:
    client.namespace = f"contract-{secrets.token_hex(4)}"
    made = await client.ask("POST", "/api/v1/namespaces", {"metadata": {"name": client.namespace}})
    assert made.code == 201
    await client.until(lambda _: True, "serviceaccounts", "default")
