"""Servers of organisations for these tests, and a watcher that keeps trying to get through.

All pods run on this machine, so ``time.monotonic()`` in a pod is the test's own clock.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading

LAB_COMMAND = ["sleep", "100000"]

_WATCH = """
import json, socket, sys, threading, time
targets = json.loads(sys.argv[1])
counts, last, tries, stop = [0] * len(targets), [None] * len(targets), [0], threading.Event()
def watch(number, host, port):
    while not stop.is_set():
        tries[0] += 1
        try:
            socket.create_connection((host, port), 0.5).close()
        except OSError:
            stop.wait(0.02)
            continue
        counts[number] += 1
        last[number] = time.monotonic()
        stop.wait(0.02)
def several(number, host, port):
    # A packet that is dropped keeps a try busy for half a second; a short opening must meet one that begins.
    for _ in range(25):
        threading.Thread(target=watch, args=(number, host, port), daemon=True).start()
        time.sleep(0.02)
for number, (host, port) in enumerate(targets):
    several(number, host, port)
def tell():
    print(json.dumps({"tries": tries[0], "reached": counts, "last": last}), flush=True)
for line in sys.stdin:
    tell()
stop.set()
tell()
"""


def server(site, name, organization, *, node=None, lab=False, **spec):
    """A pod with the labels of a student's server; with ``lab`` it has Python and answers nothing."""
    container = {
        "name": "notebook",
        "image": site.cluster.images["lab" if lab else "tools"],
        "imagePullPolicy": "Never",
        "command": LAB_COMMAND if lab else ["probe", "serve", "8888"],
        **spec.pop("container", {}),
    }
    if node is not None:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node.name}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {"component": "singleuser-server", "libretexts.org/organization": organization},
        },
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **spec},
    }


def address_of(pod):
    """A pod's address."""
    return pod["status"]["podIP"]


@contextlib.contextmanager
def started(site, *pods):
    """Start pods, each with its namespace; they come back as they run, and are gone at the end."""
    try:
        for namespace, pod in pods:
            site.cluster.kubectl("create", f"--namespace={namespace}", "--filename=-", stdin=json.dumps(pod))
        found = []
        for namespace, pod in pods:
            name = pod["metadata"]["name"]
            site.cluster.kubectl(
                "wait", "--for=condition=Ready", f"pod/{name}", f"--namespace={namespace}", "--timeout=90s"
            )
            found.append(site.cluster.get("pod", name, f"--namespace={namespace}"))
        yield found
    finally:
        for namespace, pod in pods:
            site.cluster.kubectl(
                "delete", "pod", pod["metadata"]["name"], f"--namespace={namespace}",
                "--ignore-not-found", "--grace-period=0", "--force",
            )  # fmt: skip


class Watcher:
    """A program inside a server that tries every target all the time, and counts what it reaches."""

    def __init__(self, site, namespace, pod, targets) -> None:
        argv = ["kubectl", "exec", "--stdin", pod, f"--namespace={namespace}", "--", "python3", "-c", _WATCH]
        self.process = subprocess.Popen(
            [*site.cluster.entered(), *argv, json.dumps([list(target) for target in targets])],
            env=site.cluster.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def so_far(self):
        """What it counted until now."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def until_tried(self, tries):
        """Return once it has tried so often."""
        while self.so_far()["tries"] < tries:
            pause(0.05)

    def for_seconds(self, seconds):
        """Let it try for so long: the length of what is measured, no waiting for something else."""
        pause(seconds)

    def ended(self):
        """End it, and what it counted in all."""
        self.process.stdin.close()
        lines = self.process.stdout.read().splitlines()
        self.process.stdin = open("/dev/null", "w")  # noqa: SIM115 (closed by the block's end)
        return json.loads(lines[-1])


def pause(seconds):
    """Pass time."""
    threading.Event().wait(seconds)
