"""A real cluster with Kueue, and a hub whose GPUs wait in Kueue's line."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio
from kubernetes_bed import queueing

from tests.live.kubernetes.hubs import hub_in

SETTINGS = Path(__file__).with_name("settings.yaml")
SLICE = "nvidia.com/mig-1g.10gb"
QUEUE = "teaching"


def resource(kind: str, name: str, namespace: str = "", **spec: object) -> dict[str, object]:
    """An object of Kueue."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": kind, "metadata": metadata, "spec": spec}


@pytest.fixture(scope="session")
def kueue(cluster):
    """Kueue runs, with one slice of a GPU to give."""
    queueing.install(cluster)
    amounts = {"cpu": "100", "memory": "100Gi", SLICE: "1"}
    flavour = {
        "name": "a-slice",
        "resources": [{"name": name, "nominalQuota": amount} for name, amount in amounts.items()],
    }
    cluster.apply(
        resource("ResourceFlavor", "a-slice"),
        resource(
            "ClusterQueue",
            "gpus",
            namespaceSelector={},
            resourceGroups=[{"coveredResources": list(amounts), "flavors": [flavour]}],
        ),
    )
    return cluster


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(kueue, tmp_path_factory):
    """A hub in the cluster; its organisation's namespace has a queue."""
    async with hub_in(kueue, tmp_path_factory.mktemp("hub"), files=(SETTINGS,)) as running:
        kueue.apply(resource("LocalQueue", QUEUE, "org-north", clusterQueue="gpus"))
        yield running
