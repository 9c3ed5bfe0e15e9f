"""The thousand thumbnails in a browser: what a first visit asks of the edge, and a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo group")

from playwright.sync_api import expect

from demo_project.gallery.thumbnails import COUNT
from demo_project.state import DemoState
from tests.e2e.conftest import another_site

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: So long do links stay the same that no test is overtaken by new ones.
LINK_SECONDS = 7 * 24 * 3600

SHOWN = """() => [...document.querySelectorAll('.thumbs img')].filter(
  (picture) => picture.complete && picture.naturalWidth > 0).length"""


def test_visits_of_the_thumbnails(page: Page, state: DemoState) -> None:
    """Fetch a thousand pictures once, and none at the next visit."""
    asked = []
    with another_site(state, link_seconds=LINK_SECONDS) as address:
        for _ in range(2):
            page.goto("about:blank")  # From a page to itself, Firefox asks whether each is fresh.
            page.goto(f"{address}/thumbnails/")
            assert page.evaluate(SHOWN) == COUNT
            # The page, too, reads the log until nothing is added any more.
            page.locator("[data-final]").wait_for()
            said = page.locator("[data-asked]").inner_text()
            lines = (state.logs / "edge.log").read_text("utf-8").splitlines()
            asked.append((sum(" /thumbs/" in line for line in lines), "1,000" in said))
            expect(page.locator("[data-signatures]")).to_have_text("1")
    [(first, is_said), (second, _)] = asked
    assert (second - first, is_said) == (0, True)
