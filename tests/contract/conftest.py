"""One set of tests for two clusters: the embedded one, or with ``--real-cluster`` a whole real Kubernetes."""

from __future__ import annotations

import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import aiohttp
import pytest

from jupyterhub_libretexts.demo.cluster import ClusterSpec, EmbeddedCluster, NodeSpec, jupyter_image
from tests.contract.support import SHELL_IMAGE, Api

if TYPE_CHECKING:
    from kubernetes_bed.cluster import Cluster


def pytest_report_header(config: pytest.Config) -> str:
    """Say which cluster these tests see."""
    real = config.getoption("--real-cluster")
    return (
        "contract: a real Kubernetes"
        if real
        else "contract: the embedded cluster (--real-cluster: a real one)"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have the cluster stand in each test's name."""
    if "api" in metafunc.fixturenames:
        which = "real" if metafunc.config.getoption("--real-cluster") else "embedded"
        metafunc.parametrize("api", [which], indirect=True)


def embedded_spec() -> ClusterSpec:
    """A cluster that has one kind of device and knows a few images."""
    node = NodeSpec(cpu="4", memory="8Gi", pods=20, resources={"nvidia.com/mig-1g.10gb": "2"})
    return ClusterSpec(nodes=(node,), images=(jupyter_image("libretexts-contract/*"),), back_off=0.3)


@pytest.fixture
async def api(request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """A client of a cluster, with a namespace of the test's own."""
    if request.param == "real":
        cluster = request.getfixturevalue("real_cluster")
        pki = cluster.folder / "pki"
        trusted, tls = (ssl.create_default_context(cafile=str(pki / "ca.crt")) for _ in range(2))
        tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            url = f"https://{cluster.hub_address}:6443"
            client = Api(
                session,
                url,
                cluster.images["tools"],
                lambda: _begin_again(cluster),
                patience=60.0,
                trusted=trusted,
            )
            await _own_namespace(client)
            yield client
            await client.ask("DELETE", f"/api/v1/namespaces/{client.namespace}")
        return
    async with EmbeddedCluster(embedded_spec()) as cluster:
        headers = {"Authorization": f"Bearer {cluster.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            client = Api(session, cluster.url, SHELL_IMAGE, cluster.forget_history)
            await _own_namespace(client)
            yield client


def _begin_again(cluster: Cluster) -> None:
    """Restart the API server: it remembers what it saw since its start, and that alone."""
    from kubernetes_bed.processes import wait_until

    cluster.kill("apiserver")
    with contextlib.closing(cluster.api()) as asked:
        wait_until(asked.ready, 60, lambda: "the API server does not come back")


async def _own_namespace(client: Api) -> None:
    client.namespace = f"contract-{secrets.token_hex(4)}"
    made = await client.ask("POST", "/api/v1/namespaces", {"metadata": {"name": client.namespace}})
    assert made.code == 201
    await client.until(lambda _: True, "serviceaccounts", "default")
