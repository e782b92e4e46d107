"""What a ``kubespawner_override`` says, key by key, in our words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.quantities import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["KNOWN", "Carried"]

_LANDINGS = {"/lab": "lab", "/tree": "notebook", "/rstudio": "rstudio", "/rstudio/": "rstudio"}
_AMOUNTS = ("cpu_guarantee", "cpu_limit", "mem_guarantee", "mem_limit")
_POD_FIELDS = {
    "priority_class_name": "priorityClassName",
    "scheduler_name": "schedulerName",
    "tolerations": "tolerations",
    "init_containers": "initContainers",
    "extra_containers": "containers",
}
_MAPPINGS = {
    "environment": "variables",
    "node_selector": "nodeLabels",
    "extra_resource_limits": "gpus",
    "extra_pod_config": "pod",
}
"""What must be a mapping to be carried, and what to write by hand where it is none."""
_SAID = {
    "image_pull_policy": "tags that never change need none; Kubernetes' default is used",
    "storage_capacity": "write organizations.X.homes.quota",
    "storage_class": "write homes.storageClass",
    "volumes": "read-only data is written under data, by claim or configMap",
    "volume_mounts": "read-only data is written under data, by claim or configMap",
    "extra_labels": "labels are made from the plan",
    "extra_annotations": "annotations are made from the plan",
    "service_account": "servers have an account without rights",
    "cmd": "the hub says what runs",
    "args": "the hub says what runs",
    "lifecycle_hooks": "put it into the image",
    "privileged": "servers get no rights on the node",
    "allow_privilege_escalation": "servers get no rights on the node",
    "uid": "set it for all servers in the hub's configuration",
    "gid": "set it for all servers in the hub's configuration",
    "fs_gid": "set it for all servers in the hub's configuration",
    "supplemental_gids": "set it for all servers in the hub's configuration",
    "start_timeout": "set it for all servers in the hub's configuration",
    "http_timeout": "set it for all servers in the hub's configuration",
    "working_dir": "set it for all servers in the hub's configuration",
    "namespace": "write organizations.X.namespace",
}
KNOWN = frozenset(
    {
        *_AMOUNTS,
        *_POD_FIELDS,
        *_SAID,
        *("image", "default_url", "environment", "node_selector", "image_pull_secrets"),
        *("extra_resource_limits", "extra_resource_guarantees", "extra_pod_config"),
    }
)
"""Keys of an override that are understood or of which it is known why they are not carried."""


class Carried:
    """Environments, sizes and GPUs, as profile after profile is carried over."""

    def __init__(self, singleuser: Mapping[str, Any], left_out: list[str]) -> None:
        self.left_out = left_out
        self.sizes: dict[str, Any] = {}
        self.gpus: dict[str, Any] = {}
        self._defaults = _chart_defaults(singleuser)

    def environment(self, where: str, override: Mapping[str, Any]) -> dict[str, Any]:
        """An environment without its title; what is not carried is noted."""
        wanted = {**self._defaults, **override}
        made: dict[str, Any] = {
            "image": str(wanted.get("image") or "quay.io/jupyterhub/k8s-singleuser-sample:4.3.1")
        }
        if "image" not in wanted:
            self.left_out.append(f"{where}: no image is named; the chart's sample stands in its place")
        made["sizes"] = [self._size(where, wanted)]
        steps: dict[str, Callable[[str, Any, dict[str, Any]], None]] = {
            "default_url": self._opens,
            "environment": self._variables,
            "node_selector": self._node_labels,
            "image_pull_secrets": self._pull_secrets,
            "extra_resource_limits": self._devices,
            "extra_pod_config": self._pod,
        }
        for key, value in override.items():
            if key in _MAPPINGS and not isinstance(value, dict):
                self.left_out.append(f"{where}: {key}; write {_MAPPINGS[key]}")
            elif key in steps:
                steps[key](where, value, made)
            elif key in _POD_FIELDS:
                made.setdefault("pod", {})[_POD_FIELDS[key]] = value
            elif key in _SAID:
                self.left_out.append(f"{where}: {key}; {_SAID[key]}")
            elif key not in KNOWN:
                self.left_out.append(f"{where}: {key} has no counterpart")
        return made

    def _size(self, where: str, wanted: Mapping[str, Any]) -> str:
        """The name of the size with a profile's amounts; made where there is none yet."""
        cpu = _range(wanted.get("cpu_guarantee"), wanted.get("cpu_limit"), _plain, ("0.1", "2"))
        memory = _range(wanted.get("mem_guarantee"), wanted.get("mem_limit"), _bytes, ("1Gi", "2Gi"))
        if any(wanted.get(key) is None for key in _AMOUNTS):
            missing = ", ".join(key for key in _AMOUNTS if wanted.get(key) is None)
            self.left_out.append(f"{where}: {missing} not given; sizes need all four, look at the one made")
        size = {"cpu": cpu, "memory": memory}
        for name, known in self.sizes.items():
            if {key: known[key] for key in ("cpu", "memory")} == size:
                return name
        name = re.sub(r"[^a-z0-9]+", "-", f"cpu-{cpu['limit']}-memory-{memory['limit']}".casefold()).strip(
            "-"
        )
        while name in self.sizes:
            name += "x"
        self.sizes[name] = size if self.sizes else {**size, "default": True}
        return name

    def _opens(self, where: str, value: Any, made: dict[str, Any]) -> None:
        if isinstance(value, str) and value.startswith("/"):
            made["opens"] = _LANDINGS.get(value, value)
        else:
            self.left_out.append(f"{where}: default_url {value!r}; write opens")

    def _variables(self, where: str, value: Any, made: dict[str, Any]) -> None:
        for name, text in value.items():
            if isinstance(text, (str, int, float)):
                made.setdefault("variables", {})[name] = text if isinstance(text, str) else str(text)
            else:
                self.left_out.append(
                    f"{where}: the variable {name}; a Secret's value is written under secrets"
                )

    def _node_labels(self, _where: str, value: Any, made: dict[str, Any]) -> None:
        made["nodeLabels"] = {key: str(label) for key, label in value.items()}

    def _pull_secrets(self, where: str, value: Any, made: dict[str, Any]) -> None:
        items = value if isinstance(value, list) else [value]
        names = [item.get("name") if isinstance(item, dict) else item for item in items]
        if all(isinstance(name, str) for name in names):
            made["pullSecrets"] = names
        else:
            self.left_out.append(f"{where}: image_pull_secrets; write pullSecrets")

    def _devices(self, where: str, value: Any, made: dict[str, Any]) -> None:
        for resource, amount in value.items():
            flavour = re.sub(r"[^a-z0-9]+", "-", resource.casefold()).strip("-")
            self.gpus[flavour] = {"title": resource, "resource": resource}
            made.setdefault("gpus", []).append(flavour)
            if str(amount) != "1":
                self.left_out.append(f"{where}: {amount} of {resource}; a server gets one")
            self.left_out.append(f"{where}: {resource} is chosen at each start, no longer given to everybody")

    def _pod(self, _where: str, value: Any, made: dict[str, Any]) -> None:
        made.setdefault("pod", {}).update(value)


def _chart_defaults(singleuser: Mapping[str, Any]) -> dict[str, Any]:
    """What the chart's values say of every server, as an override would say it."""
    made: dict[str, Any] = {}
    image = singleuser.get("image")
    if isinstance(image, dict) and isinstance(image.get("name"), str):
        made["image"] = f"{image['name']}:{image['tag']}" if image.get("tag") else image["name"]
    for section, key in (("cpu", "cpu"), ("memory", "mem")):
        amounts = singleuser.get(section)
        if isinstance(amounts, dict):
            for part in ("guarantee", "limit"):
                if amounts.get(part) is not None:
                    made[f"{key}_{part}"] = amounts[part]
    return made


def _plain(value: object) -> str:
    return str(value)


def _bytes(value: object) -> str:
    """KubeSpawner's notation as Kubernetes': its K, M, G and T are powers of 1024."""
    text = str(value).strip()
    return f"{text}i" if re.fullmatch(r"[0-9.]+[KMGT]", text) else text


def _range(
    guarantee: object, limit: object, read: Callable[[object], str], stand_in: tuple[str, str]
) -> dict[str, Any]:
    """Guarantee and limit; where one is not given, what stands in its place and fits the other."""
    low = read(guarantee) if guarantee is not None else None
    high = read(limit) if limit is not None else None
    try:
        if low is None:
            low = min(stand_in[0], high or stand_in[1], key=lambda text: Quantity.parse(text).value)
        if high is None:
            high = max(stand_in[1], low, key=lambda text: Quantity.parse(text).value)
    except ValueError:
        low, high = stand_in
    return {"guarantee": low, "limit": high}
