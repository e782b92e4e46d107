"""The same as stock KubeSpawner where it should be, and a move from it that costs nobody their server.

What a user loses when these fail: an operator's afternoon of finding out what else has changed; students'
running work and their homes on the day of the move.
"""

from __future__ import annotations

import json

import pytest

from jupyterhub_libretexts.core.subjects import PREFIX
from tests.live.kubernetes.hubs import hub_in

SPACE = "jupyterhub"
COMMON = """
c.KubeSpawner.image = "localhost/lab:1"
c.KubeSpawner.cpu_guarantee, c.KubeSpawner.cpu_limit = 0.05, 1
c.KubeSpawner.mem_guarantee, c.KubeSpawner.mem_limit = "64M", "512M"
c.KubeSpawner.storage_pvc_ensure, c.KubeSpawner.storage_capacity = True, "1Gi"
c.KubeSpawner.volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}]
c.KubeSpawner.volume_mounts = [{"name": "home", "mountPath": "/home/jovyan"}]
c.KubeSpawner.extra_labels = {"site": "ours", "hub.jupyter.org/network-access-hub": "true"}
c.KubeSpawner.environment = {"SITE": "ours"}
c.KubeSpawner.node_selector = {"libretexts.org/student": "true"}
c.KubeSpawner.extra_pod_config = {"priorityClassName": ""}
"""
"""What a site has in its configuration, before and after."""
STOCK = 'c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"\n' + COMMON
SETTINGS = """
organizations:
  north: {title: North, namespace: jupyterhub, environments: [python]}
environments: {python: {title: Python, image: "localhost/lab:1", kernel: python3}}
sizes: {small: {cpu: {guarantee: 0.05, limit: 1}, memory: {guarantee: 64Mi, limit: 512Mi}, default: true}}
homes: {kind: claim, quota: 1Gi}
cluster: {nodes: [10.77.0.0/24], pods: [10.244.0.0/16], services: [10.96.0.0/16]}
"""
RIGHTS_OF_STOCK = [
    {
        "apiGroups": [""],
        "resources": ["pods", "persistentvolumeclaims", "secrets", "services"],
        "verbs": ["get", "watch", "list", "create", "delete"],
    },
    {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "watch", "list"]},
]
"""The role of zero-to-jupyterhub 4.4's hub."""
OWN_OF_EACH_START = {
    "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "CONFIGPROXY_AUTH_TOKEN",
}  # fmt: skip


def role_of_stock(space: str = SPACE) -> list[dict]:
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "stock", "namespace": space}
    reference = {"apiGroup": group, "kind": "Role", "name": "stock"}
    subjects = [{"kind": "ServiceAccount", "name": "hub", "namespace": space}]
    return [
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": RIGHTS_OF_STOCK},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": reference,
            "subjects": subjects,
        },
    ]


def shown(pod: dict) -> dict[str, str]:
    """A pod as lines to compare: path and value, without what every start has of its own."""
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    metadata["annotations"] = {
        key: value for key, value in metadata["annotations"].items() if "cni.projectcalico.org" not in key
    }
    spec = {key: value for key, value in pod["spec"].items() if key != "nodeName"}
    for container in spec["containers"]:
        container["env"] = {
            item["name"]: item.get("value", item.get("valueFrom"))
            for item in container["env"]
            if item["name"] not in OWN_OF_EACH_START
        }
    lines: dict[str, str] = {}

    def walk(path: str, value: object) -> None:
        if isinstance(value, dict):
            for key, below in value.items():
                walk(f"{path}.{key}" if path else key, below)
        elif isinstance(value, list):
            for number, below in enumerate(value):
                walk(f"{path}[{number}]", below)
        else:
            lines[path] = json.dumps(value)

    walk("", {"metadata": metadata, "spec": spec})
    return lines


async def test_a_move_from_stock_keeps_servers_and_homes_and_adds_only_what_the_plan_says(
    cluster, tmp_path, golden
):
    """Else nobody dares to move a hub that is in use."""
    settings = tmp_path / "libretexts.yaml"
    settings.write_text(SETTINGS)
    pod = ["pod", "jupyter-ada", f"--namespace={SPACE}"]
    claim = ["persistentvolumeclaim", "claim-ada", f"--namespace={SPACE}"]
    async with hub_in(cluster, tmp_path, STOCK, files=(), standard="baseline") as hub:
        cluster.apply(*role_of_stock())
        await hub.started("ada", "north")
        before, home = cluster.get(*pod), cluster.get(*claim)
        write = "open('/home/jovyan/thesis.txt', 'w').write('one page')"
        cluster.kubectl("exec", "jupyter-ada", f"--namespace={SPACE}", "--", "python3", "-c", write)

        hub.installation.files = (settings,)
        hub.installation.more = hub.installation.more.replace(STOCK, COMMON)
        hub.installation.apply()
        cluster.kubectl("delete", "role,rolebinding", "stock", f"--namespace={SPACE}")
        await hub.kill()
        await hub.until_ready("ada")
        moved = cluster.get(*pod)
        assert moved["metadata"]["uid"] == before["metadata"]["uid"], "the running server is the same"

        await hub.stop_by_api("ada")
        hub.installation.wait_until_no_server_is_left()
        # The stored choice of stock is none of ours, and a start without one gets the only environment.
        await hub.started("ada", "north")
        after = cluster.get(*pod)
        assert cluster.get(*claim)["metadata"]["uid"] == home["metadata"]["uid"], "the home is the same"
        read = "print(open('/home/jovyan/thesis.txt').read())"
        said = cluster.kubectl("exec", "jupyter-ada", f"--namespace={SPACE}", "--", "python3", "-c", read)
        assert said.strip() == "one page"
        await hub.stop_by_api("ada")

    old, new = shown(before), shown(after)
    change = {
        "gone": sorted(old.keys() - new.keys()),
        "added": {
            path: new[path] for path in sorted(new.keys() - old.keys()) if f"{PREFIX}start" not in path
        },
        "changed": {
            path: [old[path], new[path]] for path in sorted(old.keys() & new.keys()) if old[path] != new[path]
        },
    }
    golden("kubernetes/against-stock", change)


@pytest.mark.parametrize("line", ["c.KubeSpawner.profile_list = [{'display_name': 'One'}]"])
def test_what_must_move_is_said_before_anything_starts(tmp_path, line):
    """Else a site's profiles are silently gone after the move."""
    from traitlets.config import Config

    from jupyterhub_libretexts import configure
    from jupyterhub_libretexts.errors import SettingsError

    settings = tmp_path / "libretexts.yaml"
    settings.write_text(SETTINGS)
    c = Config()
    exec(line, {"c": c})
    with pytest.raises(SettingsError, match="`jupyterhub-libretexts import` turns profiles into settings"):
        configure(c, settings)
