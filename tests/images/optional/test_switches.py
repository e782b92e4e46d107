"""The build switches: what is asked for is there, and works beside everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.images.live.conftest import built
from tests.images.live.notebooks import executed

if TYPE_CHECKING:
    from pathlib import Path

    from jupyterhub_libretexts.images.engines import Engine
    from tests.images.live.containers import Containers

TOKEN = "a-token-of-the-test"


@pytest.fixture(scope="module")
def image(engine: Engine) -> str:
    return built(engine, "core-collaboration-nbgrader")


def test_grading_and_collaboration_are_switched_on(containers: Containers, image: str, home: Path) -> None:
    """Otherwise an instructor finds an image with the packages in it and no menu."""
    container = containers.start(image, home=home, variables={"JUPYTER_TOKEN": TOKEN})
    container.wait_until_up()
    status, page = container.get("/lab", Authorization=f"token {TOKEN}")
    assert status == 200
    for extension in ("@jupyter/nbgrader", "@jupyter/collaboration-extension"):
        assert f'"name": "{extension}"' in page
    assert container.get("/api/collaboration/room", Authorization=f"token {TOKEN}")[0] in (400, 404, 405, 426)
    (cell,) = executed(container, "python3", "print(6 * 7)")
    assert cell.text == "42\n"


def test_an_assignment_is_released_and_graded(containers: Containers, image: str, home: Path) -> None:
    """Otherwise the package imports, and the first assignment of the term shows that nothing works."""
    container = containers.idle(image, home=home, variables={"JUPYTER_TOKEN": TOKEN})
    container.python(COURSE, limit=300)
    container.run("sh", "-c", "cd ~/course && nbgrader generate_assignment ps1", limit=300)
    container.run(
        "sh", "-c", "cd ~/course && mkdir -p submitted/ada && cp -R release/ps1 submitted/ada/", limit=60
    )
    container.run("sh", "-c", "cd ~/course && nbgrader autograde ps1", limit=300)
    told = container.run(
        "/opt/jupyter/bin/python",
        "-I",
        "-c",
        "from nbgrader.api import Gradebook\n"
        "with Gradebook('sqlite:////home/jovyan/course/gradebook.db') as book:\n"
        "    print(book.find_submission('ps1', 'ada').max_score)",
    )
    assert told.strip() == "5.0"


COURSE = """
import nbformat
from pathlib import Path
folder = Path.home() / "course/source/ps1"
folder.mkdir(parents=True)
cell = nbformat.v4.new_code_cell("assert 6 * 7 == 42", metadata={"nbgrader": {
    "grade": True, "solution": False, "locked": True, "task": False, "points": 5,
    "grade_id": "first", "schema_version": 3, "cell_type": "code"}})
notebook = nbformat.v4.new_notebook(cells=[cell])
notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
nbformat.write(notebook, folder / "problem.ipynb")
(Path.home() / "course/nbgrader_config.py").write_text("c = get_config()\\nc.CourseDirectory.course_id = 'c'\\n")
"""
