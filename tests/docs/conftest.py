"""What the documentation's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.clone import copy_clone


@pytest.fixture(scope="session")
def clone(tmp_path_factory) -> Path:
    """A copy of what a newcomer would clone, to run the documentation's commands in."""
    return copy_clone(tmp_path_factory.mktemp("clone"))
