"""Runs in the project's own Python: JupyterLab's first page in Chromium, for the first and the second time."""

import json
import shutil
import sys
import time

from playwright.sync_api import Page, sync_playwright

URL, TOKEN = sys.argv[1:]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
COUNT = """() => {
  const all = performance.getEntriesByType('resource');
  return [all.length, all.reduce((sum, entry) => sum + entry.transferSize, 0)];
}"""


def opened(page: Page) -> float:
    """Open the page; seconds until the launcher shows."""
    began = time.monotonic()
    page.goto(f"{URL}/lab?token={TOKEN}")
    page.locator(".jp-Launcher").wait_for(timeout=120_000)
    return time.monotonic() - began


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
    page = browser.new_context().new_page()
    # The server is up when it answers; the page must not be charged for its start.
    until = time.monotonic() + 60
    while True:
        try:
            page.request.get(f"{URL}/api")
            break
        except Exception:  # whatever it is, it is not up
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
    first = opened(page)
    requests, size = page.evaluate(COUNT)
    again = opened(page)
    browser.close()
print(json.dumps({"first": first, "again": again, "requests": requests, "megabytes": size / 1e6}))
