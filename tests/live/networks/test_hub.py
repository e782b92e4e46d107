"""A real hub that starts real servers in its organisations' namespaces, behind their policies.

If these fail, a policy that keeps others out keeps the hub or the student out, or lets one home into two.
"""

from __future__ import annotations

import asyncio
import time

import pytest
import pytest_asyncio

from tests.live.kubernetes.hubs import ClusterHub
from tests.live.networks.conftest import INTERNET, METADATA, NETWORKS, STORAGE

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LOOK = """
import socket
for at in {targets}:
    try:
        socket.create_connection(at, 3).close()
        print("open")
    except OSError:
        print("closed")
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hub(site, tmp_path_factory):
    """The hub of this site, over its REST API."""
    installation = site.installation
    found = ClusterHub(
        tmp_path_factory.mktemp("hub"), "", token=installation.token, installation=installation
    )
    async with found:
        yield found


def python(site, namespace, pod, program):
    """What a program inside a server prints."""
    words = ["exec", pod, f"--namespace={namespace}", "--", "python3", "-c", program]
    return site.cluster.kubectl(*words).split()


def ways(site, namespace, pod, *targets):
    """Which of these a student's server reaches."""
    return python(site, namespace, pod, _LOOK.format(targets=list(targets)))


async def comes_to_nothing(hub, name, options):
    """Ask for a server that must not come; the status alone says little, since a hub answers before it has tried."""
    status, said = await hub.start_by_api(name, options)
    limit = time.monotonic() + 60
    while (found := await hub.server(name)) and found["pending"]:
        assert time.monotonic() < limit, "still pending"
        await asyncio.sleep(0.1)
    assert not (found and found["ready"]), (status, said, found)
    assert not [pod for pod in hub.installation.servers() if name in pod]


async def test_students_work_behind_the_policies_of_their_organisation(hub, site):
    """Else what is closed to others is closed to the hub, and no server ever gets ready."""
    for name, organization in (("ada", "davis"), ("eve", "school")):
        await hub.started(name, organization, environment="lab")
    ada = site.cluster.get("pod", "jupyter-ada", "--namespace=org-davis")
    eve = site.cluster.get("pod", "jupyter-eve", "--namespace=org-school")
    variables = {item["name"]: item.get("value") for item in ada["spec"]["containers"][0]["env"]}
    assert variables["JUPYTERHUB_API_URL"] == "http://hub.jupyterhub.svc:8081/hub/api"
    assert ada["spec"]["serviceAccountName"] == "libretexts-servers"
    assert not [volume for volume in ada["spec"]["volumes"] if "projected" in volume]
    assert ada["status"]["podIP"].startswith("10.244.192.")
    assert ada["metadata"]["annotations"]["kubernetes.io/egress-bandwidth"] == "50M"
    other = (eve["status"]["podIP"], 8888)
    assert ways(site, "org-davis", "jupyter-ada", INTERNET, METADATA, STORAGE, other) == [
        "open", "closed", "closed", "closed",
    ]  # fmt: skip
    other = (ada["status"]["podIP"], 8888)
    assert ways(site, "org-school", "jupyter-eve", INTERNET, METADATA, STORAGE, other) == ["closed"] * 4
    # A server reports its activity to the hub by itself: the way from it to the hub is open.
    for name in ("ada", "eve"):
        await hub.stop_by_api(name)


async def test_somebody_in_two_organisations_has_a_network_and_a_home_in_each(hub, site):
    """Else the work for one organisation is read, or sent out, from the network of the other."""
    await hub.person("bo", "davis", "school")
    await comes_to_nothing(hub, "bo", {"environment": "lab"})
    write = (
        "import os; os.makedirs('/home/jovyan', exist_ok=True); open('/home/jovyan/{0}', 'w').write('{0}')"
    )
    for organization, namespace, internet in (
        ("davis", "org-davis", "open"),
        ("school", "org-school", "closed"),
    ):
        status, said = await hub.start_by_api("bo", {"organization": organization, "environment": "lab"})
        assert status in (201, 202), said
        await hub.until_ready("bo", seconds=90)
        python(site, namespace, "jupyter-bo", write.format(organization))
        assert python(
            site,
            namespace,
            "jupyter-bo",
            "import os; print(*sorted(set(os.listdir('/home/jovyan')) & {'davis', 'school'}))",
        ) == [organization]
        assert ways(site, namespace, "jupyter-bo", INTERNET) == [internet]
        await hub.stop_by_api("bo")
        site.cluster.kubectl(
            "wait", "--for=delete", "pod/jupyter-bo", f"--namespace={namespace}", "--timeout=60s"
        )


async def test_nobody_is_placed_where_they_do_not_belong(hub):
    """Else a student takes the network of an organisation by asking for it."""
    await hub.person("mallory", "school")
    for options in ({"organization": "davis"}, {"organization": "staff"}, {"namespace": "org-davis"}):
        await comes_to_nothing(hub, "mallory", {"environment": "lab", **options})


async def test_verifying_beside_a_hub_at_work_ends_no_probe_and_no_server(hub, site):
    """Else the hub takes a probe for a server of its own, or the other way round."""
    await hub.started("ida", "school", environment="lab")
    done, found = site.verify(NETWORKS, "--organization=school", "--organization=davis", "--seconds=3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert found["objects"] == []
    assert (await hub.server("ida"))["ready"]
    assert site.installation.servers() == ["org-school/jupyter-ida"]
    await hub.stop_by_api("ida")
