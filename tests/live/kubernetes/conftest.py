"""A namespace for each test that asks for one."""

from __future__ import annotations

import secrets

import pytest


@pytest.fixture
def namespace(cluster, request):
    """A namespace for one test, with its service account there, removed with all in it."""
    name = f"{request.node.name.lower().replace('_', '-')[:40].strip('-')}-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={name}", "--timeout=20s")
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
