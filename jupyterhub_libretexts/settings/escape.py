"""Checks ``pod:``, the one place where operators write Kubernetes' own words.

It holds fields of a pod's ``spec``. What policy decides (who a server is, where it runs, what it may
touch) cannot be said there, whatever the level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub_libretexts.settings.overlays import found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyterhub_libretexts.settings.document import Node
    from jupyterhub_libretexts.settings.models import Settings
    from jupyterhub_libretexts.settings.notes import Notes
    from jupyterhub_libretexts.settings.overlays import Path

__all__ = ["MAIN_CONTAINER", "check"]

MAIN_CONTAINER = "notebook"
"""The student's container, as KubeSpawner names it."""

_DECIDED = {
    "hostNetwork": "it would put students onto the node's network",
    "hostPID": "it would show students the node's processes",
    "hostIPC": "it would share the node's memory with students",
    "hostUsers": "user namespaces are the cluster's to decide",
    "serviceAccount": "servers have an account without rights",
    "serviceAccountName": "servers have an account without rights",
    "automountServiceAccountToken": "servers have no token for the cluster",
    "nodeName": "the scheduler places servers; write nodeLabels",
    "nodeSelector": "write nodeLabels beside pod",
    "activeDeadlineSeconds": "write longest beside pod",
    "imagePullSecrets": "write pullSecrets beside pod",
    "ephemeralContainers": "they are for debugging a pod that runs",
    "restartPolicy": "the hub starts servers, Kubernetes does not",
}
_ALLOWED = frozenset(
    (
        *(
            "affinity",
            "containers",
            "dnsConfig",
            "dnsPolicy",
            "enableServiceLinks",
            "hostAliases",
            "hostname",
        ),
        *("initContainers", "os", "overhead", "preemptionPolicy", "priority", "priorityClassName"),
        *("readinessGates", "resourceClaims", "runtimeClassName", "schedulerName", "schedulingGates"),
        *("securityContext", "setHostnameAsFQDN", "shareProcessNamespace", "subdomain"),
        *("terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints", "volumes"),
    )
)
_MAIN_DECIDED = {
    "image": "the environment's image says what runs",
    "command": "the hub says what runs",
    "args": "the hub says what runs",
    "env": "write variables or secrets beside pod",
    "envFrom": "write variables or secrets beside pod",
    "resources": "sizes and gpus say what a server gets",
}
_OUR_VOLUMES = frozenset({"home", "shm"})


def check(notes: Notes, settings: Settings) -> None:
    """Note everything in ``pod:`` that is not the operator's to say there."""
    taints = {toleration.key for gpu in settings.gpus.values() for toleration in gpu.tolerations}
    for section in ("organizations", "environments", "courses"):
        for name in getattr(settings, section):
            path: Path = (section, name, "pod")
            node, depth = found(notes.root, path)
            if depth == len(path):
                _Pod(notes, settings.homes.mount, taints).spec(path, node)


def _items(node: Node | None) -> dict[str, Node]:
    return node.value if node is not None and isinstance(node.value, dict) else {}


def _list(node: Node | None) -> Iterator[tuple[int, Node]]:
    if node is not None and isinstance(node.value, list):
        yield from enumerate(node.value)


class _Pod:
    """The checks of one ``pod:``."""

    def __init__(self, notes: Notes, home: str, taints: set[str]) -> None:
        self.notes = notes
        self.home = home
        self.taints = taints

    def refuse(self, path: Path, why: str) -> None:
        self.notes.wrong(path, f"{path[-1]!r} cannot be set in pod: {why}")

    def spec(self, path: Path, node: Node) -> None:
        for key, value in _items(node).items():
            here = (*path, key)
            if key in _DECIDED:
                self.refuse(here, _DECIDED[key])
            elif key not in _ALLOWED:
                self.notes.unknown(here, key, "field of a pod's spec called", _ALLOWED)
            elif key in {"containers", "initContainers"}:
                for position, container in _list(value):
                    self.container((*here, position), container, main=key == "containers")
            elif key == "securityContext":
                self.security(here, value)
            elif key == "volumes":
                self.volumes(here, value)
            elif key == "tolerations":
                self.tolerations(here, value)

    def container(self, path: Path, node: Node, *, main: bool) -> None:
        fields = _items(node)
        named = fields.get("name")
        if named is None:
            self.notes.wrong(
                path, "a container without a name", f"name: {MAIN_CONTAINER}, or a name of its own"
            )
        is_main = main and named is not None and named.value == MAIN_CONTAINER
        for key, value in fields.items():
            here = (*path, key)
            if is_main and key in _MAIN_DECIDED:
                self.refuse(here, _MAIN_DECIDED[key])
            elif key == "securityContext":
                self.security(here, value)
            elif key == "resources":
                self.resources(here, value)
            elif key == "ports":
                self.ports(here, value)
            elif key == "volumeMounts":
                self.mounts(here, value)

    def resources(self, path: Path, node: Node) -> None:
        for part in ("limits", "requests"):
            for name in _items(_items(node).get(part)):
                if "/" in name:
                    self.refuse((*path, part, name), "GPUs and other devices are counted and shared by gpus")

    def ports(self, path: Path, node: Node) -> None:
        for position, port in _list(node):
            if "hostPort" in _items(port):
                self.refuse((*path, position, "hostPort"), "it would open a port of the node")

    def mounts(self, path: Path, node: Node) -> None:
        for position, mount in _list(node):
            where = _items(mount).get("mountPath")
            if where is not None and isinstance(where.value, str) and where.value.rstrip("/") == self.home:
                self.refuse((*path, position, "mountPath"), "the home stands there")

    def volumes(self, path: Path, node: Node) -> None:
        for position, volume in _list(node):
            fields = _items(volume)
            if "hostPath" in fields:
                self.refuse((*path, position, "hostPath"), "it would open the node's files to students")
            for source in _list(_items(fields.get("projected")).get("sources")):
                if "serviceAccountToken" in _items(source[1]):
                    here = (*path, position, "projected", "sources", source[0], "serviceAccountToken")
                    self.refuse(here, "servers have no token for the cluster")
            named = fields.get("name")
            if named is not None and named.value in _OUR_VOLUMES:
                self.refuse((*path, position, "name"), f"the volume {named.value} is made by the hub")

    def tolerations(self, path: Path, node: Node) -> None:
        for position, toleration in _list(node):
            key = _items(toleration).get("key")
            if key is None or not key.value or key.value in self.taints:
                self.notes.wrong(
                    (*path, position),
                    "this would put servers without a GPU onto nodes with GPUs",
                    "a toleration with a key that is no GPU's taint",
                )

    def security(self, path: Path, node: Node) -> None:
        fields = _items(node)
        raised = {"privileged": True, "allowPrivilegeEscalation": True, "runAsNonRoot": False, "runAsUser": 0}
        for key, value in raised.items():
            if key in fields and fields[key].value == value and fields[key].value is not None:
                self.refuse((*path, key), "students' servers get no rights on the node")
        for key in ("procMount", "sysctls", "windowsOptions"):
            if key in fields:
                self.refuse((*path, key), "students' servers get no rights on the node")
        if "add" in _items(fields.get("capabilities")):
            self.refuse((*path, "capabilities", "add"), "students' servers get no rights on the node")
        for profile in ("seccompProfile", "appArmorProfile"):
            kind = _items(fields.get(profile)).get("type")
            if kind is not None and kind.value == "Unconfined":
                self.refuse((*path, profile, "type"), "students' servers stay confined")
