"""Test that the pages of the demo and of the docs have no barriers, and fit every screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo group")

from demo_project.gallery.video import GUEST, MEMBER
from demo_project.run import KEYS_PATH
from demo_project.state import ADMIN_NAME, DemoState
from tests.accessibility import NEEDS_AXE, barriers, too_wide
from tests.e2e import log_in_to_admin, log_in_to_watch, until
from tests.pages import BUILT

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


@NEEDS_AXE
@pytest.mark.parametrize(
    "pages",
    [
        ("index", "how-to/video", "reference/python", "problems/findings", "search", "genindex"),
        ("ko/index", "ko/key-leaked", "ko/glossary", "ko-search"),
    ],
    ids=["en", "ko"],
)
def test_pages_of_the_docs(browser: Browser, pages: Sequence[str]) -> None:
    """What `make docs` built: pages of prose, code and tables, and what a search lists."""
    page = browser.new_page()
    found = []
    for each in pages:
        open_page(page, (BUILT / f"{each}.html").as_uri() + "?q=CORS")
        found += too_wide(page)
        # Code scrolls on a phone.
        page.set_viewport_size({"width": 390, "height": 844})
        found += barriers(page)
    page.close()
    assert found == []
