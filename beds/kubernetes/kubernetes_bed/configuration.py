"""The configuration files of a node: values first, written in one go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .layout import DNS_SERVICE, PODS, REGISTRIES
from .programs import CONTAINERD_SOCKET

if TYPE_CHECKING:
    from .layout import Node, Shape
    from .programs import Tools

# The password of layout.REGISTRY_USER; the registry takes only bcrypt.
PASSWORD_FILE = "teacher:$2b$04$WP1OaW50/IOlXdHJMn.oR.qbhti.mIDUOwbOnhnfYe3cYep6iv0fi\n"


def kubelet(shape: Shape, node: Node) -> dict[str, object]:
    """The kubelet's configuration."""
    pki = shape.folder / "pki"
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{pki}/{node.name}.crt",
        "tlsPrivateKeyFile": f"{pki}/{node.name}.key",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupRoot": node.cgroup,
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": ["pods"],
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{node.folder}/resolv.conf",
        "nodeStatusUpdateFrequency": "2s",
        "nodeLeaseDurationSeconds": 8,
        "maxPods": 200,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        # The machine's disk may be fuller than the default of 85 %, at which images are deleted.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "serializeImagePulls": False,
        "shutdownGracePeriod": "0s",
    }


def proxy(shape: Shape, node: Node) -> dict[str, object]:
    """kube-proxy's configuration; the kernel here has no IPVS."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": f"{shape.folder}/pki/proxy.kubeconfig"},
        "hostnameOverride": node.name,
        "clusterCIDR": PODS,
        "conntrack": {"maxPerCore": 0},
    }


def network(shape: Shape, node: Node) -> dict[str, object]:
    """The CNI plugins that give a pod its network."""
    calico = {
        "type": "calico",
        "log_level": "warning",
        "log_file_path": "/var/log/cni.log",
        "datastore_type": "kubernetes",
        "nodename": node.name,
        "nodename_file_optional": True,
        "mtu": 1400,
        "ipam": {"type": "calico-ipam"},
        "policy": {"type": "k8s"},
        "kubernetes": {"kubeconfig": f"{shape.folder}/pki/calico.kubeconfig"},
    }
    ports = {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}}
    return {"name": "k8s-pod-network", "cniVersion": "0.3.1", "plugins": [calico, ports]}


def containerd(node: Node, pause: str) -> str:
    """The container runtime's configuration."""
    return f"""version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{pause}"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "{node.folder}/certs.d"
[plugins.'io.containerd.cri.v1.runtime']
  # The machine may lack CAP_SYS_RESOURCE; then no program can lower its score.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["{node.folder}/cni/bin"]
    conf_dir = "{node.folder}/cni/conf"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""


def registry(node: Node, host: str) -> dict[str, object]:
    """A registry's configuration; each keeps its images in a folder of its own."""
    private = host.startswith("private")
    password = {"auth": {"htpasswd": {"realm": "bed", "path": f"{node.folder}/htpasswd"}}} if private else {}
    return {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": f"/var/lib/{host}"},
            "delete": {"enabled": True},
        },
        "http": {"addr": f":{REGISTRIES[host]}"},
        **password,
    }


def write(shape: Shape, node: Node, tools: Tools, pause: str) -> None:
    """Make a node's folder."""
    folder = node.folder
    for part in ("lib", "log", "programs", "cni/conf", "cni/bin", "certs.d"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for part in ("kubelet", "calico", "cni", "etcd", "containerd"):
        (folder / "lib" / part).mkdir(mode=0o700, exist_ok=True)
    for name, content in {
        "kubelet.json": kubelet(shape, node),
        "proxy.json": proxy(shape, node),
        "cni/conf/10-calico.conflist": network(shape, node),
        "registry.json": registry(node, "registry.test"),
        "registry-private.json": registry(node, "private.registry.test"),
    }.items():
        (folder / name).write_text(json.dumps(content, indent=1))
    (folder / "containerd.toml").write_text(containerd(node, pause))
    (folder / "resolv.conf").write_text(f"nameserver {DNS_SERVICE}\n")
    (folder / "htpasswd").write_text(PASSWORD_FILE)
    for program in ("calico", "calico-ipam"):
        (folder / "cni/bin" / program).symlink_to(tools.calico / "bin/calico")
    for program in ("loopback", "portmap"):
        (folder / "cni/bin" / program).symlink_to(f"/usr/lib/cni/{program}")
    for host, port in REGISTRIES.items():
        (folder / "certs.d" / host).mkdir()
        server = f"http://{shape.first.address}:{port}"
        (folder / "certs.d" / host / "hosts.toml").write_text(
            f'server = "{server}"\n[host."{server}"]\n  capabilities = ["pull", "resolve"]\n'
        )
