"""Clusters for these tests."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from jupyterhub_libretexts.demo.cluster import ClusterSpec, EmbeddedCluster, NodeSpec, jupyter_image
from tests.contract.support import Api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def pytest_report_header() -> str:
    """Say what these tests cannot show here."""
    python = sys.version.split()[0]
    return f"embedded cluster: Python {python}, {os.cpu_count()} cores; nothing is isolated by it"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[EmbeddedCluster]:
    """A cluster with a local node."""
    spec = ClusterSpec(
        nodes=(NodeSpec(cpu="8", memory="16Gi"),),
        images=(jupyter_image("demo/*"), jupyter_image("slow/*", pull_seconds=0.2, size=1000)),
        host_roots=(tmp_path / "lent",),
        namespaces=("org",),
        back_off=0.3,
        control=True,
    )
    async with EmbeddedCluster(spec) as started:
        yield started


@pytest.fixture
async def api(cluster: EmbeddedCluster) -> AsyncIterator[Api]:
    """A plain client of it, in the namespace ``org``."""
    headers = {"Authorization": f"Bearer {cluster.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield Api(session, cluster.url, "demo/x:1", cluster, "org")
