"""Test that the pages of the signing keys can be used under the usual themes of the admin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")

from tests.plugins_browser import (
    PATIENCE,
    browser as browser,
    browser_type_launch_args as browser_type_launch_args,
)
from tests.themed_site import run_themed_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

#: What leads from the list to a page of a step, to a revocation, and to the page of a key.
PAGES = ("/trust/", "/revoke/", "/change/")
#: The page that is wider than a phone whatever is in it, in pixels: this theme is made for a desk.
WIDEST = {("grappelli", "/change/"): 980}

#: Returns the text of each element, and whether a person can read all of it: each corner of each
#: line must be within the element and the window, with nothing above it.
READ = """(elements) => elements.map((element) => {
  element.scrollIntoView({ block: "center", behavior: "instant" });
  const range = document.createRange();
  range.selectNodeContents(element.firstChild);
  const corners = [...range.getClientRects()].flatMap((line) =>
    [line.left + 2, line.right - 2].flatMap((x) =>
      [line.top + 2, line.bottom - 2].map((y) => [x, y])));
  const isWhole = corners.length > 0
    && element.scrollWidth <= element.clientWidth
    && corners.every(([x, y]) => element.contains(document.elementFromPoint(x, y)));
  return [element.firstChild.textContent.trim(), isWhole];
})"""


@pytest.mark.parametrize("theme", ["django", "grappelli", "jazzmin", "unfold"])
def test_pages_under_a_theme(theme: str, browser: Browser, tmp_path: Path) -> None:
    """Heading and buttons of each page can be read, from a small phone to a desk."""
    with run_themed_site(tmp_path, theme) as address:
        context = browser.new_context()
        context.route(re.compile(rf"^(?!{address})"), lambda route: route.abort())
        page = context.new_page()
        page.goto(f"{address}/admin/cfsigned_django/keypair/")
        links = page.locator(".cfsigned a").evaluate_all("links => links.map((link) => link.href)")
        for step in ("", *PAGES):
            if step:
                page.goto(next(link for link in links if step in link))
            for width in (320, 768, 1180):
                page.set_viewport_size({"width": width, "height": 800})
                check(page, has_heading=step != "/change/")
                wide = page.evaluate("document.scrollingElement.scrollWidth")
                assert wide <= max(width, WIDEST.get((theme, step), 0)), step
        context.close()


def check(page: Page, *, has_heading: bool) -> None:
    """Fail if the title of the page, or a button, is not there as a whole."""
    buttons = page.locator(".cfsigned .button:visible, .cfsigned-revoke")
    for _ in range(PATIENCE // 100):
        read = buttons.evaluate_all(READ)
        if read and all(text and whole for text, whole in read):
            break
        page.wait_for_timeout(100)  # A theme may slide its menu when the window changes.
    assert read
    assert [text for text, whole in read if not (text and whole)] == []
    # The longest value of a key pair, on its own page.
    longest = page.locator(".field-fingerprint .readonly").evaluate_all(READ)
    assert [text for text, whole in longest if not whole] == []
    # Django 6.1 underlines links, of which some look like buttons here.
    lines = "all => all.map((one) => getComputedStyle(one).textDecorationLine)"
    assert set(page.locator(".cfsigned .button").evaluate_all(lines)) == {"none"}
    if has_heading:
        title = page.title()
        headings = page.locator("h1:visible").evaluate_all(READ)
        assert [whole for text, whole in headings if text and title.startswith(text)] == [True]
