"""What runs on each node: command lines and configuration files, as values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .layout import (
    API_PORT,
    GPUS,
    REGISTRIES,
    SERVICES,
)
from .pki import FRONT_PROXY

if TYPE_CHECKING:
    from pathlib import Path

    from .layout import Node, Shape

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"


@dataclass(frozen=True, slots=True)
class Program:
    """A program of a node's supervisor."""

    name: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The file that makes the supervisor run it."""
        return json.dumps({"argv": self.argv, "env": self.env}, indent=1)


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the compiled programs lie."""

    kube: Path
    containerd: Path
    calico: Path

    def of_kube(self, part: str, *flags: str) -> list[str]:
        """The command line of one part of Kubernetes."""
        return [str(self.kube / "bin/kube"), part, *flags]


def first_programs(shape: Shape, tools: Tools) -> list[Program]:
    """Etcd and the API server: all else waits for them."""
    pki = shape.folder / "pki"
    node = shape.first
    etcd = tools.of_kube(
        "etcd",
        "--data-dir=/var/lib/etcd",
        "--unsafe-no-fsync",
        "--log-level=error",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--initial-cluster=default=http://127.0.0.1:2380",
    )
    apiserver = tools.of_kube(
        "apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        f"--advertise-address={node.address}",
        f"--secure-port={API_PORT}",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        f"--requestheader-allowed-names={FRONT_PROXY}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki}/front-proxy.crt",
        f"--proxy-client-key-file={pki}/front-proxy.key",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        f"--service-cluster-ip-range={SERVICES}",
        "--allow-privileged",
        # The default of 300 s makes the loss of a node a test of patience.
        "--default-not-ready-toleration-seconds=10",
        "--default-unreachable-toleration-seconds=10",
    )
    return [Program("etcd", etcd), Program("apiserver", apiserver)]


def control_programs(shape: Shape, tools: Tools) -> list[Program]:
    """What watches the API server."""
    pki = shape.folder / "pki"
    controllers = tools.of_kube(
        "controllers",
        f"--kubeconfig={pki}/controllers.kubeconfig",
        f"--authentication-kubeconfig={pki}/controllers.kubeconfig",
        f"--authorization-kubeconfig={pki}/controllers.kubeconfig",
        f"--root-ca-file={pki}/ca.crt",
        f"--service-account-private-key-file={pki}/service-accounts.key",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--node-monitor-period=1s",
        "--node-monitor-grace-period=12s",
        # With the default of 20 requests a second, five new homes a second are all that a cluster can make.
        "--kube-api-qps=400",
        "--kube-api-burst=800",
    )
    scheduler = tools.of_kube(
        "scheduler",
        f"--kubeconfig={pki}/scheduler.kubeconfig",
        f"--authentication-kubeconfig={pki}/scheduler.kubeconfig",
        f"--authorization-kubeconfig={pki}/scheduler.kubeconfig",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
    )
    return [Program("controllers", controllers), Program("scheduler", scheduler)]


def node_programs(shape: Shape, node: Node, tools: Tools) -> list[Program]:
    """What every node runs besides containerd."""
    pki = shape.folder / "pki"
    kubelet = tools.of_kube(
        "kubelet",
        f"--config={node.folder}/kubelet.json",
        f"--kubeconfig={pki}/{node.name}.kubeconfig",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
    )
    felix = {
        "DATASTORE_TYPE": "kubernetes",
        "KUBECONFIG": f"{pki}/calico.kubeconfig",
        "FELIX_DATASTORETYPE": "kubernetes",
        "FELIX_FELIXHOSTNAME": node.name,
        "FELIX_LOGFILEPATH": "none",
        "FELIX_LOGSEVERITYSYS": "none",
        "FELIX_LOGSEVERITYSCREEN": "Warning",
        "FELIX_IPTABLESBACKEND": "NFT",
        "FELIX_DEFAULTENDPOINTTOHOSTACTION": "ACCEPT",
        "FELIX_USAGEREPORTINGENABLED": "false",
        "FELIX_IPV6SUPPORT": "true",
        "FELIX_HEALTHENABLED": "true",
    }
    proxy = tools.of_kube("proxy", f"--config={node.folder}/proxy.json")
    gpus = [
        Program(f"devices-{resource.rpartition('/')[2]}", [f"{tools.kube}/bin/devices", resource, str(count)])
        for resource, count in GPUS.items()
        if "gpu" in node.roles
    ]
    return [
        Program("kubelet", kubelet),
        Program("felix", [str(tools.calico / "bin/calico-felix")], felix),
        Program("proxy", proxy),
        *gpus,
    ]


def containerd(node: Node, tools: Tools) -> Program:
    """The container runtime; its shim and runc are found on PATH."""
    path = f"{tools.containerd}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    argv = [str(tools.containerd / "bin/containerd"), f"--config={node.folder}/containerd.toml"]
    return Program("containerd", argv, {"PATH": path})


def homes(shape: Shape, room: Path) -> Program:
    """Who makes the volumes of claims."""
    argv = ["/usr/bin/python3", "-m", "kubernetes_bed.homes", shape.name]
    return Program("homes", argv, {"PYTHONPATH": str(room), "PYTHONDONTWRITEBYTECODE": "1"})


def registry_programs(node: Node, room: Path) -> list[Program]:
    """An open registry, one behind a password, and a slow way to the open one."""
    slow = [str(REGISTRIES["slow.registry.test"]), str(REGISTRIES["registry.test"])]
    return [
        Program("registry", ["/usr/bin/docker-registry", "serve", f"{node.folder}/registry.json"]),
        Program(
            "registry-private", ["/usr/bin/docker-registry", "serve", f"{node.folder}/registry-private.json"]
        ),
        Program("registry-slow", ["/usr/bin/python3", str(room / "kubernetes_bed/slow_proxy.py"), *slow]),
    ]
