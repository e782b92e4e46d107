"""A real cluster with the organisations of ``networks.yaml``, and listeners for what lies outside of it.

On the switch between the nodes stand programs that answer as the internet, a metadata service, a storage
server and an instrument. The hub and the proxy are real ones, in pods. So every target of the matrix is
alive, and what nobody reaches is refused and not dead.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kubernetes_hub.installation import Installation

ROOT = Path(__file__).parents[3]
NETWORKS = ROOT / "tests" / "data" / "settings" / "networks.yaml"
INTERNET = ("192.31.196.1", 443)
"""Of AS112 (RFC 7535): public by IANA's registry, and nobody's server. It never leaves this machine."""
METADATA = ("169.254.169.254", 80)
STORAGE = ("10.77.0.200", 2049)
INSTRUMENT = ("10.50.0.1", 5025)
INSTRUMENTS_POOL = "10.244.193.0/26"
"""Of the network without masquerade."""
OUTSIDE = (INTERNET, METADATA, STORAGE, INSTRUMENT)

_ANSWER = """
import socket, sys, threading
def serve(address, port):
    server = socket.create_server((address, port), backlog=64)
    while True:
        connection, peer = server.accept()
        connection.sendall(peer[0].encode())
        connection.close()
pairs = [pair.rsplit(":", 1) for pair in sys.argv[1:]]
for address, port in pairs:
    threading.Thread(target=serve, args=(address, int(port))).start()
"""


class Site:
    """The cluster as an operator has it, with the command of this project."""

    def __init__(self, cluster, installation) -> None:
        self.cluster = cluster
        self.installation = installation

    def command(self, *arguments, stdin=None, **variables):
        """Run ``jupyterhub-libretexts`` as an operator would, inside the cluster's network."""
        return subprocess.run(
            [sys.executable, "-m", "jupyterhub_libretexts.cli", *map(str, arguments)],
            cwd=ROOT,
            env={**self.cluster.environment(), **variables},
            capture_output=True,
            text=True,
            input=stdin,
            timeout=400,
            check=False,
        )

    def apply(self, *files):
        """``render manifests FILES | kubectl apply -f -``."""
        rendered = self.command("render", "manifests", *files)
        assert rendered.returncode == 0, rendered.stderr
        return self.cluster.kubectl("apply", "--filename=-", stdin=rendered.stdout)

    def verify(self, *arguments):
        """``verify networks`` against the listeners of this bed; the answer and what it printed as JSON."""
        done = self.command(
            "verify",
            "networks",
            "--format",
            "json",
            f"--internet={INTERNET[0]}:{INTERNET[1]}",
            f"--also={INSTRUMENT[0]}:{INSTRUMENT[1]}",
            *arguments,
        )
        return done, json.loads(done.stdout) if done.stdout.startswith("{") else None


def on_switch(cluster, *command):
    """Run a command in the network between the nodes."""
    return subprocess.run(
        ["nsenter", f"--net=/proc/{cluster.switch.pid}/ns/net", "--", *command],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="session")
def outside(cluster):
    """The listeners on the switch."""
    for address, _ in OUTSIDE:
        on_switch(cluster, "ip", "addr", "add", f"{address}/32", "dev", "bridge")
    # What a campus router would know: the way back to servers whose own address leaves the cluster.
    on_switch(cluster, "ip", "route", "add", INSTRUMENTS_POOL, "via", cluster.hub_address)
    pairs = [f"{address}:{port}" for address, port in OUTSIDE]
    program = subprocess.Popen(
        [
            "nsenter",
            f"--net=/proc/{cluster.switch.pid}/ns/net",
            "--",
            sys.executable,
            "-c",
            _ANSWER,
            *pairs,
        ]
    )
    try:
        yield
    finally:
        program.kill()
        program.wait()
        on_switch(cluster, "ip", "route", "del", INSTRUMENTS_POOL)
        for address, _ in OUTSIDE:
            on_switch(cluster, "ip", "addr", "del", f"{address}/32", "dev", "bridge")


MORE = """
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Spawner.start_timeout = 120
c.KubeSpawner.delete_grace_period = 1
# As Zero to JupyterHub configures it: a name that other namespaces cannot look up.
c.JupyterHub.hub_connect_url = "http://hub:8081"
c.KubeSpawner.service_account = "libretexts-servers"
"""


@pytest.fixture(scope="session")
def site(cluster, outside):
    """The organisations applied, with a real hub and a real proxy in pods."""
    with Installation(cluster, (NETWORKS,), more=MORE).installed() as installation:
        yield Site(cluster, installation)
