"""The thousand thumbnails in a browser: what a first visit asks of the edge, and a second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo extra")

from playwright.sync_api import expect

from demo_project.gallery.thumbnails import COUNT
from demo_project.state import DemoState
from tests.e2e.conftest import another_site
from tests.plugins_browser import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, BrowserType, Page

#: So long do links stay the same that no test is overtaken by new ones.
LINK_SECONDS = 7 * 24 * 3600

SHOWN = """() => [...document.querySelectorAll('.thumbs img')].filter(
  (picture) => picture.complete && picture.naturalWidth > 0).length"""


@pytest.fixture
def patient(state: DemoState) -> Iterator[str]:
    """Run the demo's site a second time, with links that live for a week; return its address."""
    with another_site(state, link_seconds=LINK_SECONDS) as address:
        yield address


def asked(state: DemoState) -> int:
    """Return how many requests for thumbnails the edge has answered since it was started."""
    lines = (state.logs / "edge.log").read_text("utf-8").splitlines()
    return sum(" /thumbs/" in line for line in lines)


def visit(page: Page, state: DemoState, address: str) -> int:
    """Open the page; return what its visit asked of the edge."""
    before = asked(state)
    page.goto(address)
    return seen(page, state, before)


def seen(page: Page, state: DemoState, before: int) -> int:
    """Expect each picture on a page that has loaded; return how many requests came meanwhile."""
    assert page.evaluate(SHOWN) == COUNT
    # The page, too, reads the log until nothing is added any more.
    page.locator("[data-final]").wait_for()
    return asked(state) - before


def test_visits_of_the_thumbnails(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, object],
    state: DemoState,
    patient: str,
    tmp_path: Path,
) -> None:
    """Fetch a thousand pictures once, and none at the next visits or after a new start."""
    address = f"{patient}/thumbnails/"

    def start() -> BrowserContext:
        context = browser_type.launch_persistent_context(tmp_path, **browser_type_launch_args)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        return context

    context = start()
    page = context.new_page()
    assert visit(page, state, address) == COUNT
    expect(page.locator("[data-asked]")).to_contain_text("1,000")
    expect(page.locator("[data-signatures]")).to_have_text("1")
    before = asked(state)
    page.reload()
    assert seen(page, state, before) == 0
    context.close()

    context = start()
    assert visit(context.new_page(), state, address) == 0
    context.close()
