"""Test that the pages of the demo have no barriers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo extra")

from demo_project.gallery.video import MEMBER
from demo_project.state import ADMIN_NAME, DemoState
from tests.accessibility import NEEDS_AXE, barriers
from tests.e2e import log_in_to_admin, log_in_to_watch, open_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TABS = "links => [...new Set(links.map((link) => link.href))]"


@NEEDS_AXE
@pytest.mark.parametrize("language", ["en", "ko"])
def test_pages_of_the_demo(browser: Browser, state: DemoState, language: str) -> None:
    """Each tab, the keys among them, the page of a file, and the film of a member."""
    page = browser.new_page(locale=language)
    site = state.address("site")
    log_in_to_admin(page, site, ADMIN_NAME, state.admin_password)
    page.goto(site)
    tabs = page.locator("header a").evaluate_all(TABS)
    assert len(tabs) > 6
    found = []
    colors = language == "en"  # The same in each language.
    for address in (*tabs, f"{site}/pictures/1/", f"{site}/documents/1/"):
        open_page(page, address)
        found += barriers(page, colors=colors)
    page.goto(f"{state.app_address}/video/")
    log_in_to_watch(page, MEMBER)
    found += barriers(page, colors=colors)
    page.close()
    assert found == []
