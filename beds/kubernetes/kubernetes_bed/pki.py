"""The cluster's own certificates: one authority, and a key pair for each who speaks to another."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING

from .layout import API_PORT, API_SERVICE

if TYPE_CHECKING:
    from pathlib import Path

    from .layout import Shape

DAYS = "30"
CURVE = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
FRONT_PROXY = "front-proxy-client"
"""As whom the API server asks the servers of aggregated APIs."""
CONFIG = """[req]
distinguished_name = none
prompt = no
[none]
"""


def write(shape: Shape) -> None:
    """Make every key and certificate, and a kubeconfig for each client."""
    folder = shape.folder / "pki"
    folder.mkdir(mode=0o700)
    (folder / "openssl.cnf").write_text(CONFIG)
    certify(folder, "ca", "/CN=libretexts-bed", authority=True)
    names = "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost"
    addresses = f"IP:{API_SERVICE},IP:{shape.first.address},IP:127.0.0.1"
    certify(folder, "apiserver", "/CN=kube-apiserver", names=f"{names},{addresses}")
    certify(folder, "apiserver-kubelet", "/O=system:masters/CN=kube-apiserver-kubelet")
    # Whoever this authority vouches for may speak in anybody's name, so it vouches for one only
    # (https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/).
    certify(folder, "front-proxy-ca", "/CN=libretexts-bed-front-proxy", authority=True)
    certify(folder, "front-proxy", f"/CN={FRONT_PROXY}", by="front-proxy-ca")
    name = "service-accounts"
    subprocess.run(
        ["openssl", "genpkey", *CURVE, "-out", folder / f"{name}.key"],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        ["openssl", "pkey", "-pubout", "-in", folder / f"{name}.key", "-out", folder / f"{name}.pub"],
        check=True,
        capture_output=True,
    )
    clients = {
        "admin": "/O=system:masters/CN=admin",
        "controllers": "/CN=system:kube-controller-manager",
        "scheduler": "/CN=system:kube-scheduler",
        "proxy": "/CN=system:kube-proxy",
        "calico": "/CN=calico",
        "homes": "/CN=homes",
    }
    for user, subject in clients.items():
        certify(folder, user, subject)
        write_kubeconfig(shape, user, folder / f"{user}.kubeconfig")
    for node in shape.nodes:
        subject = f"/O=system:nodes/CN=system:node:{node.name}"
        certify(folder, node.name, subject, names=f"DNS:{node.name},IP:{node.address}")
        write_kubeconfig(shape, node.name, folder / f"{node.name}.kubeconfig")
    write_kubeconfig(shape, "admin", shape.kubeconfig)


def certify(
    folder: Path, name: str, subject: str, names: str = "", *, authority: bool = False, by: str = "ca"
) -> None:
    """Make ``NAME.key`` and ``NAME.crt``, signed by an authority or by itself."""
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    argv += ["-config", str(folder / "openssl.cnf"), "-days", DAYS, "-subj", subject]
    argv += ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")]
    argv += ["-addext", f"basicConstraints=critical,CA:{'TRUE' if authority else 'FALSE'}"]
    if not authority:
        argv += ["-CA", str(folder / f"{by}.crt"), "-CAkey", str(folder / f"{by}.key")]
        argv += ["-addext", "extendedKeyUsage=clientAuth,serverAuth"]
    if names:
        argv += ["-addext", f"subjectAltName={names}"]
    subprocess.run(argv, check=True, capture_output=True)


def write_kubeconfig(shape: Shape, user: str, path: Path) -> None:
    """Write a self-contained kubeconfig; JSON is YAML."""
    folder = shape.folder / "pki"

    def content(name: str) -> str:
        return base64.b64encode((folder / name).read_bytes()).decode()

    server = f"https://{shape.first.address}:{API_PORT}"
    cluster = {"server": server, "certificate-authority-data": content("ca.crt")}
    keys = {
        "client-certificate-data": content(f"{user}.crt"),
        "client-key-data": content(f"{user}.key"),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": shape.name, "cluster": cluster}],
        "users": [{"name": user, "user": keys}],
        "contexts": [{"name": shape.name, "context": {"cluster": shape.name, "user": user}}],
        "current-context": shape.name,
    }
    path.write_text(json.dumps(document, indent=1))
    path.chmod(0o600)
