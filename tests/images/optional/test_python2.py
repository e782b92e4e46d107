"""The legacy target: a course of 2015 still opens, and nobody mistakes it for something that is kept up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.images.live.conftest import built
from tests.images.live.notebooks import executed
from tests.images.live.test_kernels import is_a_drawn_png

if TYPE_CHECKING:
    from pathlib import Path

    from jupyterhub_libretexts.images.engines import Engine
    from tests.images.live.containers import Containers


@pytest.fixture(scope="module")
def python2(engine: Engine) -> str:
    return built(engine, "python2")


def test_python_2_prints_divides_and_draws(containers: Containers, python2: str, home: Path) -> None:
    """Otherwise old material has to be rewritten before the first day of term."""
    printed, plot, secure = executed(
        containers.idle(python2, home=home),
        "python2",
        "import sys\nprint 'hi', 7 / 2, sys.version_info[0]",
        "%matplotlib inline\nimport numpy, matplotlib.pyplot as plt\nplt.plot(numpy.arange(9) ** 2)\nplt.show()",
        "import ssl, ctypes, sqlite3, zlib\nprint ssl.OPENSSL_VERSION",
    )
    assert printed.text == "hi 3 2\n"
    assert is_a_drawn_png(plot.picture)
    assert secure.text.startswith("OpenSSL 1.1.1")


def test_it_is_called_what_it_is(containers: Containers, python2: str, home: Path) -> None:
    """Otherwise somebody begins new work in it."""
    container = containers.idle(python2, home=home)
    manifest = json.loads(container.run("cat", "/usr/share/libretexts/image.json"))
    assert manifest["kernels"]["python2"]["title"] == "Python 2.7 (legacy, unsupported)"
    assert manifest["kernels"]["python2"]["version"] == "2.7.18"
    assert manifest["packages"]["python2"]["numpy"] == "1.16.6"
    (three,) = executed(container, "python3", "print(7 / 2)")
    assert three.text == "3.5\n"
