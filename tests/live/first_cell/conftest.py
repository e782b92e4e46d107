"""A real cluster of one node, whose images are there before anybody starts."""

from __future__ import annotations

import pytest

from tests.live.kubernetes.support import brought_up


@pytest.fixture(scope="session")
def cluster():
    with brought_up(nodes=1) as found:
        yield found
