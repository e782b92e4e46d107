"""Every kernel computes what a course computes, and draws."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from jupyterhub_libretexts.images.inspect import labels_of
from jupyterhub_libretexts.images.manifest import LABEL, parse_manifest
from tests.images.live.conftest import manifest_of
from tests.images.live.notebooks import executed

if TYPE_CHECKING:
    from pathlib import Path

    from jupyterhub_libretexts.images.engines import Engine
    from tests.images.live.containers import Containers


def numbers(text: str) -> list[float]:
    return [float(word) for word in re.findall(r"-?\d+(?:\.\d+)?", text)]


def is_a_drawn_png(picture: str) -> bool:
    data = base64.b64decode(picture)
    return data.startswith(b"\x89PNG") and len(data) > 2000


def test_python_makes_a_data_frame_and_a_plot(containers: Containers, core: str, home: Path) -> None:
    """Otherwise a data science course has no first lesson."""
    frame, plot = executed(
        containers.idle(core, home=home),
        "python3",
        "import pandas as pd\n"
        "frame = pd.DataFrame({'group': list('aabb'), 'value': [1, 2, 3, 5]})\n"
        "print(frame.groupby('group').value.mean().to_dict())",
        "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9])\nplt.title('振動 · दोलन · ሰላም · سلام')\nplt.show()",
    )
    assert "{'a': 1.5, 'b': 4.0}" in frame.text
    assert is_a_drawn_png(plot.picture)
    assert "missing from" not in plot.text, "a script has no font"


def test_octave_solves_a_linear_system_and_plots(containers: Containers, core: str, home: Path) -> None:
    """Otherwise a numerical methods course stops at its first exercise."""
    solution, plot = executed(
        containers.idle(core, home=home),
        "octave",
        "A = [4 -2 1; -2 4 -2; 1 -2 4]; b = [11; -16; 17]; printf('%.6f ', A \\ b)",
        "plot(cos(0:0.1:7), sin(0:0.1:7))",
    )
    assert numbers(solution.text) == [1, -2, 3]
    assert is_a_drawn_png(plot.picture)
    assert "Fontconfig error" not in plot.text


def test_r_fits_a_regression_and_draws_with_ggplot(containers: Containers, core: str, home: Path) -> None:
    """Otherwise a statistics course has no model and no picture."""
    model, plot = executed(
        containers.idle(core, home=home),
        "ir",
        "cat(round(coef(lm(mpg ~ wt, data = mtcars)), 4))",
        "library(ggplot2)\nggplot(mtcars, aes(wt, mpg)) + geom_point()",
    )
    assert numbers(model.text) == pytest.approx([37.2851, -5.3445], abs=1e-3)
    assert is_a_drawn_png(plot.picture)


def test_sage_factors_integrates_and_plots(containers: Containers, sage: str, home: Path) -> None:
    """Otherwise a mathematics course has no computer algebra."""
    prime, factors, integral, plot = executed(
        containers.idle(sage, home=home),
        "sagemath",
        "factor(2^127 - 1)",
        "factor(2^101 - 1)",
        "var('x')\nintegrate(x^2 * exp(-x), x, 0, oo)",
        "plot(sin(x), (x, 0, 6))",
    )
    assert prime.text.strip() == "170141183460469231731687303715884105727"
    assert factors.text.strip() == "7432339208719 * 341117531003194129"
    assert integral.text.strip().endswith("2")
    assert is_a_drawn_png(plot.picture)


def test_every_welcome_notebook_runs_and_draws(containers: Containers, sage: str, home: Path) -> None:
    """Otherwise the first thing that a student opens shows an error."""
    printed = containers.idle(sage, home=home).run("/usr/local/lib/libretexts/check-image", limit=240)
    passed = re.findall(r"^passed: .*/(\w+)\.ipynb", printed, re.MULTILINE)
    assert passed == ["octave", "python", "r", "sage"]


def test_a_notebook_exports_to_pdf(containers: Containers, core: str, home: Path) -> None:
    """Otherwise homework cannot be handed in as a PDF."""
    container = containers.idle(core, home=home)
    container.run("cp", "/usr/share/libretexts/material/welcome/python.ipynb", "/home/jovyan/work.ipynb")
    container.run("jupyter", "nbconvert", "--to", "pdf", "--execute", "work.ipynb", limit=180)
    assert (home / "work.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("target", "kernels", "applications"),
    [
        ("core", {"ir", "octave", "python3"}, {"lab", "notebook", "shiny"}),
        ("sage", {"ir", "octave", "python3", "sagemath"}, {"lab", "notebook", "shiny"}),
        ("default", {"ir", "octave", "python3", "sagemath"}, {"lab", "notebook", "shiny"}),
    ],
)
def test_a_target_has_exactly_what_it_declares(
    engine: Engine, target: str, kernels: set[str], applications: set[str]
) -> None:
    """Otherwise a kernel disappears with an update, and everything else stays green.

    Julia and RStudio are left out where no registry is reached; the last line of the run says so.
    """
    manifest = manifest_of(engine, target)
    assert (set(manifest.kernels), set(manifest.applications)) == (kernels, applications)
    assert manifest.target == target
    assert all(kernel.version for kernel in manifest.kernels.values())


def test_an_image_says_on_its_outside_what_it_is(engine: Engine, core: str) -> None:
    """Otherwise a registry can tell neither where an image comes from nor what is in it."""
    described = engine.describe(core)
    assert described is not None
    labels = labels_of(described)
    for name in ("title", "description", "source", "documentation", "licenses", "version", "revision"):
        assert labels[f"org.opencontainers.image.{name}"]
    short = parse_manifest(labels[LABEL], "the label")
    assert (short.kernels, short.packages) == (manifest_of(engine, "core").kernels, {})
    assert len(labels[LABEL].encode()) < 4096, "some runtimes refuse longer labels"
