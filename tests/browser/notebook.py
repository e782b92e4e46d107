"""A cell in JupyterLab, as somebody at a keyboard runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Page

__all__ = ["run_in_a_new_notebook"]


async def run_in_a_new_notebook(page: Page, code: str, printed: str) -> None:
    """Open a notebook from Lab's launcher, run a cell and wait for what it prints.

    Lab says that a kernel is idle before it has asked for one, and a cell that is run until then is dropped
    without a word (seen in JupyterLab 4.6); what is sent to a kernel that is still starting is queued.
    """
    async with page.expect_event("websocket", lambda socket: "/channels" in socket.url):
        await page.locator('.jp-LauncherCard[data-category="Notebook"]').first.click()
    await page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    cell = page.locator(".jp-Notebook .jp-CodeCell .cm-content").first
    await cell.click()
    await page.keyboard.type(code)
    await expect(cell).to_have_text(code)
    await page.keyboard.press("Shift+Enter")
    await page.locator(".jp-OutputArea-output", has_text=printed).first.wait_for()
