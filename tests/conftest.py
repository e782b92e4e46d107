"""What every room of tests shares: stored values that are refreshed only when asked."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import databases

DATA = Path(__file__).parent / "data"


def pytest_addoption(parser):
    """Add the options of this project."""
    parser.addoption(
        "--update-golden", action="store_true", help="store what the tests find; review the diff"
    )
    parser.addoption(
        "--real-cluster",
        action="store_true",
        help="run the contract tests on a real Kubernetes (beds/kubernetes) instead of the embedded one",
    )
    parser.addoption(
        "--postgresql",
        action="store_true",
        help="let the hubs under test keep their databases in a real PostgreSQL instead of SQLite files",
    )


def pytest_configure(config):
    """Start what an option asks for."""
    if config.getoption("--postgresql"):
        databases.start()


def pytest_unconfigure():
    """End it."""
    databases.stop()


@pytest.fixture(scope="session")
def real_cluster() -> Iterator[object]:
    """A real Kubernetes of two nodes; from here on this process is inside the first one's network."""
    from tests.live.kubernetes.support import brought_up

    with brought_up() as cluster:
        yield cluster


@pytest.fixture
def golden(request) -> Callable[[str, object], None]:
    """Compare a value with the JSON stored under a name in tests/data."""

    def compare(name: str, value: object) -> None:
        file = DATA / f"{name}.json"
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf8")
        assert file.exists(), f"nothing is stored for {name}; run pytest --update-golden and review it"
        assert json.loads(text) == json.loads(file.read_text(encoding="utf8")), (
            f"{name} changed; if that is meant, run pytest --update-golden and review the diff"
        )

    return compare
