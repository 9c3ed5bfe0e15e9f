"""Test that the pages of the demo have no barriers, and are not wider than a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo extra")

from demo_project.gallery.video import MEMBER
from demo_project.state import ADMIN_NAME, DemoState
from tests.accessibility import NEEDS_AXE, barriers
from tests.e2e import log_in_to_admin, log_in_to_watch, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TABS = "links => [...new Set(links.map((link) => link.href))]"
#: From a small phone to a desk.
SIZES = [(360, 740), (390, 844), (820, 1180), (1280, 900)]

# One of the thousand thumbnails is like the other.
KEEP_TWELVE = """() => {
  window.stop();
  document.querySelectorAll('.thumbs li:nth-child(n + 13)').forEach((item) => item.remove());
}"""


def open_page(page: Page, address: str) -> None:
    """Open a page in its style, with its pictures; of the thousand, with a dozen."""
    page.goto(address, wait_until="domcontentloaded")
    until(page, "[...document.querySelectorAll('[rel=stylesheet]')].every((link) => link.sheet)")
    if address.endswith("/thumbnails/"):
        page.evaluate(KEEP_TWELVE)
    else:
        page.wait_for_load_state()


def too_wide(page: Page) -> list[str]:
    """Return the sizes of the screen at which the page must be scrolled sideways."""
    found = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide != width:
            found.append(f"{page.url}: {wide} pixels on a screen of {width}")
    return found


@NEEDS_AXE
@pytest.mark.parametrize("language", ["en", "ko"])
def test_pages_of_the_demo(browser: Browser, state: DemoState, language: str) -> None:
    """Each tab, the keys among them, the page of a file, and the film of a member.

    Colors and widths are looked at in one language.
    """
    page = browser.new_page(locale=language)
    site = state.address("site")
    log_in_to_admin(page, site, ADMIN_NAME, state.admin_password)
    page.goto(site)
    tabs = page.locator("header a").evaluate_all(TABS)
    assert len(tabs) > 6
    found = []
    is_first = language == "en"
    for address in (*tabs, f"{site}/pictures/1/", f"{site}/documents/1/"):
        open_page(page, address)
        found += too_wide(page) if is_first else []
        found += barriers(page, colors=is_first)
    page.goto(f"{state.app_address}/video/")
    log_in_to_watch(page, MEMBER)
    found += barriers(page, colors=is_first)
    page.close()
    assert found == []
