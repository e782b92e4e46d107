from __future__ import annotations

import pytest

from .support import Saboteur


@pytest.fixture
async def server():
    server = Saboteur()
    await server.up()
    yield server
    await server.down()
