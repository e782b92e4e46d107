"""A student's way in a real browser: by mouse, by keyboard, on a phone, in the dark, without scripts."""

import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.browser.notebook import run_in_a_new_notebook

pytestmark = pytest.mark.browser
PICTURES = Path(os.environ["LIBRETEXTS_PICTURES"]) if "LIBRETEXTS_PICTURES" in os.environ else None
"""Where pictures for the documentation are kept, when they are to be made anew."""

START = "#spawn_form [type=submit]"

# Contrast as WCAG 2.2 computes it (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio), for each element
# of the form that has text of its own, against the nearest background that is not transparent.
CONTRAST = """() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const found = numbers(getComputedStyle(node).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const worst = [];
  for (const node of document.querySelectorAll('.lt-form *')) {
    if (node.tagName === 'STYLE' || !node.checkVisibility()) continue;
    if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
    const back = behind(node), [r, g, b, a = 1] = numbers(getComputedStyle(node).color);
    const front = [r, g, b].map((v, i) => v * a + back[i] * (1 - a));
    const [high, low] = [light(front), light(back)].sort((x, y) => y - x);
    worst.push([(high + 0.05) / (low + 0.05), node.textContent.trim().slice(0, 60)]);
  }
  return worst.sort((x, y) => x[0] - y[0]);
}"""


async def picture(page, name):
    if PICTURES is not None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=PICTURES / f"{name}.png")


async def stopped(page):
    """End the server by the page's own button and wait until the hub says that it is gone."""
    # The button is a link without a target until the page's scripts have loaded.
    await page.goto("/hub/home", wait_until="networkidle")
    await page.click("#stop")
    await page.wait_for_selector("#stop", state="hidden")


async def test_from_sign_in_to_the_output_of_a_cell(page_of):
    """Else the one thing that students come for does not work."""
    page = await page_of("ada", viewport={"width": 1000, "height": 900})
    await picture(page, "form")
    await page.get_by_role("radio", name=re.compile("^Python")).check()
    assert not await page.is_visible("text=Closed: The image of this hub has no kernel python3")
    await page.click(START)
    await page.wait_for_url("**/user/ada/lab**", timeout=90_000)
    await run_in_a_new_notebook(page, "print(6 * 7)", "42")
    await picture(page, "notebook")
    await stopped(page)


async def test_a_course_lands_in_its_material(page_of):
    """Else an instructor's link opens an empty folder."""
    page = await page_of("ada")
    await page.get_by_label("First steps with notebooks").check()
    await page.click(START)
    await page.wait_for_url("**/lab/tree/first-steps**", timeout=90_000)
    await page.locator(".jp-DirListing-item", has_text="First steps.ipynb").wait_for()


async def test_by_keyboard_alone_everything_open_is_reached_and_a_start_is_sent(page_of):
    """Else somebody who uses no mouse cannot choose or start."""
    page = await page_of("ada")
    names, sent = set(), False
    for _ in range(60):
        await page.keyboard.press("Tab")
        here = await page.evaluate(
            "() => { const it = document.activeElement; return [it.name || '', it.type || '', it.tagName] }"
        )
        names.add(here[0].partition(":")[0])
        if here[0] == "subject":
            before = await page.evaluate("() => document.querySelector('[name=subject]:checked').value")
            await page.keyboard.press("ArrowDown")
            after = await page.evaluate("() => document.querySelector('[name=subject]:checked').value")
            assert before != after
            ring = await page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert ring != "none"
        if here[1] == "submit":
            sent = True
            break
    assert sent
    assert {"subject", "size"} <= names


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_contrast_enough(page_of, scheme):
    """Else people with weak eyes, or a bad screen, cannot read what is closed and why."""
    page = await page_of("ada", color_scheme=scheme, viewport={"width": 1000, "height": 900})
    assert await page.evaluate("() => document.documentElement.dataset.bsTheme") == scheme
    await picture(page, f"form-{scheme}")
    ratios = await page.evaluate(CONTRAST)
    assert len(ratios) > 10
    assert ratios[0][0] >= 4.5, ratios[:3]


async def test_on_a_phone_nothing_is_wider_than_the_screen(page_of):
    """Else students on phones scroll sideways to find the button."""
    page = await page_of("ada", viewport={"width": 360, "height": 740}, is_mobile=True)
    await picture(page, "form-phone")
    wide = await page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0
    sizes = await page.evaluate(
        "() => [...document.querySelectorAll('.lt-card .lt-name')].map(it => it.getBoundingClientRect().height)"
    )
    # https://www.w3.org/TR/WCAG22/#target-size-minimum
    assert min(sizes) >= 24


async def test_only_the_chosen_subject_shows_its_sizes(page_of):
    """Else a long list of sizes hides the subjects."""
    page = await page_of("ada")
    shown = await page.evaluate(
        "() => [...document.querySelectorAll('.lt-more')].map(it => it.checkVisibility())"
    )
    assert sum(shown) == 1
    assert len(shown) > 1


async def test_without_scripts_the_form_works_and_the_page_that_waits_goes_on(page_of):
    """Else a script that a browser or a site blocks locks people out."""
    page = await page_of("grace", java_script_enabled=False)
    await page.click(START)
    await page.wait_for_url("**/user/grace/**", timeout=90_000)


async def test_headings_and_labels_are_in_order(page_of):
    """Else a screen reader's list of headings and fields makes no sense."""
    page = await page_of("ada")
    levels = await page.evaluate(
        "() => [...document.querySelectorAll('h1, h2, h3, h4')].filter(it => it.checkVisibility())"
        ".map(it => Number(it.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    unnamed = await page.evaluate(
        "() => [...document.querySelectorAll('.lt-form input')].filter(it => !it.labels.length"
        " || !it.labels[0].textContent.trim()).length"
    )
    assert unnamed == 0
    assert await page.evaluate("() => document.documentElement.lang") == "en"
