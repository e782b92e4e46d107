"""What a student sees: a real browser works in JupyterLab, in the container, in every language.

With LIBRETEXTS_PICTURES=FOLDER each test leaves a picture there (`./dev/images pictures`).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.images.live.containers import Containers

pytestmark = pytest.mark.usefixtures("gateway")

TOKEN = "a-token-of-the-test"
ALONE = {"JUPYTER_TOKEN": TOKEN}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
KERNELS = {"python": "Python 3", "octave": "Octave", "r": "R", "sage": "SageMath"}
PATIENCE = 120_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("these tests need a browser: apt-get install chromium fonts-dejavu-core")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1100, "height": 700})
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def served(containers: Containers, image: str, home: Path) -> str:
    """The address of a fresh server."""
    container = containers.start(image, home=home, variables=ALONE, network="podman")
    container.wait_until_up()
    return f"http://{container.address()}:8888"


def picture(page: Page, name: str) -> None:
    """Leave a picture where somebody asked for one."""
    folder = os.environ.get("LIBRETEXTS_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


def run_all(page: Page) -> None:
    """Run every cell from the menu, as a student would."""
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.get_by_role("menuitem", name="Run All Cells").first.click()


@pytest.mark.parametrize("name", KERNELS)
def test_a_welcome_notebook_runs_in_lab(
    containers: Containers, sage: str, home: Path, page: Page, name: str
) -> None:
    """Otherwise everything passes, and the first student sees an empty page."""
    address = served(containers, sage, home)
    page.goto(f"{address}/libretexts/welcome/{name}?token={TOKEN}")
    kernel = page.locator(".jp-NotebookPanel .jp-Toolbar-kernelName")
    expect(kernel).to_have_text(KERNELS[name], timeout=PATIENCE)
    expect(page.locator(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator")).to_have_attribute(
        "data-status", "idle", timeout=PATIENCE
    )
    run_all(page)
    drawn = page.locator(".jp-NotebookPanel .jp-OutputArea-output img").first
    expect(drawn).to_be_visible(timeout=PATIENCE)
    assert drawn.evaluate("image => image.naturalWidth") > 100
    wrong = '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]'
    assert page.locator(f".jp-NotebookPanel {wrong}").count() == 0
    assert page.locator(".Toastify__toast").count() == 0, "a new home is asked nothing"
    drawn.scroll_into_view_if_needed()
    picture(page, f"lab-{name}")


@pytest.mark.parametrize("opened", ["lab/tree", "notebooks"])
def test_a_notebook_whose_kernel_the_image_lacks_says_so(
    containers: Containers, core: str, home: Path, page: Page, opened: str
) -> None:
    """Otherwise a notebook from elsewhere opens, asks for a kernel, and nobody knows which and why."""
    source = Path(__file__).parents[3] / "images/default-env/material/welcome/julia.ipynb"
    shutil.copyfile(source, home / "julia.ipynb")
    os.chown(home / "julia.ipynb", 1000, 100)
    address = served(containers, core, home)
    page.goto(f"{address}/{opened}/julia.ipynb?token={TOKEN}")
    told = page.locator(".Toastify__toast")
    expect(told).to_contain_text("This environment has no kernel “Julia 1.12”.", timeout=PATIENCE)
    expect(told).to_contain_text("It has Octave, Python 3, R.")
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Select Kernel", timeout=PATIENCE)
    if opened == "lab/tree":
        picture(page, "missing-kernel")


def test_a_shiny_app_follows_its_slider(containers: Containers, core: str, home: Path, page: Page) -> None:
    """Otherwise the page is there and nothing moves."""
    address = served(containers, core, home)
    page.goto(f"{address}/lab?token={TOKEN}")
    page.goto(f"{address}/shiny/?app=sum")
    expect(page.locator("#total")).to_have_text("sum is 5050", timeout=PATIENCE)
    page.locator(".irs-handle").focus()
    page.evaluate("() => $('#n').data('ionRangeSlider').update({from: 1000})")
    expect(page.locator("#total")).to_have_text("sum is 500500", timeout=PATIENCE)
    expect(page.locator("#growth img")).to_be_visible(timeout=PATIENCE)


def test_a_home_of_somebody_else_is_a_page_that_can_be_read(
    containers: Containers, core: str, home: Path, page: Page
) -> None:
    """Otherwise the one sentence that helps is hidden in a log."""
    os.chown(home, 0, 0)
    container = containers.start(core, home=home, variables=ALONE, network="podman")
    container.wait_until_up("/")
    page.goto(f"http://{container.address()}:8888/user/ada/lab")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your home folder belongs to somebody else")
    expect(page.get_by_role("link", name="Back to the hub")).to_be_visible()
    picture(page, "home-of-somebody-else")
