"""Test that the pages of the demo have no barriers, and are not wider than a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo extra")

from demo_project.gallery.video import GUEST, MEMBER
from demo_project.run import KEYS_PATH
from demo_project.state import ADMIN_NAME, DemoState
from tests.accessibility import NEEDS_AXE, barriers, too_wide
from tests.e2e import log_in_to_admin, log_in_to_watch, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TABS = "links => [...new Set(links.map((link) => link.href))]"
#: The id of the card that a button is in.
CARD = "button => button.closest('li').id"
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


@NEEDS_AXE
@pytest.mark.parametrize("language", ["en", "ko"])
def test_pages_of_the_demo(browser: Browser, state: DemoState, language: str) -> None:
    """Each tab, the keys among them, the page of a file, what is refused, and the film of a member.

    Widths once more 45 seconds later, when a thumbnail's link has changed; colors in one language.
    """
    page = browser.new_page(locale=language)
    page.clock.install()
    site = state.address("site")
    found = []
    is_first = language == "en"

    def look() -> None:
        found.extend(too_wide(page))
        page.clock.fast_forward(45_000)
        found.extend(too_wide(page))
        found.extend(barriers(page, colors=is_first))

    page.goto(site + KEYS_PATH)
    look()
    log_in_to_admin(page, site, ADMIN_NAME, state.admin_password)
    page.goto(site)
    tabs = page.locator("header a").evaluate_all(TABS)
    assert len(tabs) > 6
    files = (f"{site}/pictures/1/", f"{site}/documents/1/")
    for address in (*tabs, *files, f"{site}/nowhere/", f"{site}/media/nothing.jpg"):
        open_page(page, address)
        for button in page.locator("form[data-ask] button").all():
            button.click()
            page.locator(f"#{button.evaluate(CARD)} .verdict").wait_for()
        look()
    page.goto(f"{state.app_address}/video/")
    look()
    for viewer in (GUEST, MEMBER):
        log_in_to_watch(page, viewer)
        look()
    page.close()
    assert found == []
