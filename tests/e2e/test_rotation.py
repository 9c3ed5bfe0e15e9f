"""Rotate from RSA to ECDSA through the admin page, while old tabs stay open."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo extra")

from playwright.sync_api import expect

from demo_project.gallery.anatomy import dissect
from demo_project.gallery.video import MEMBER
from demo_project.servers import manage_command, run
from demo_project.state import ADMIN_NAME, DemoState
from tests.e2e import button, cookie, log_in_to_admin, log_in_to_watch, play, played, press, until
from tests.e2e.conftest import another_site
from tests.plugins_browser import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LINK_SECONDS = 20

#: The address of a still that the page does not show.
RARE = "document.querySelector('.stills img').src.replace(/[0-9]{4}.jpg$/, '0002.jpg')"

# Ask for the tab's pictures once more; the edge has them checked again each time.
LOAD_AGAIN = """async () => {
  const links = [...document.querySelectorAll('.mosaic img')].slice(0, 3).map((img) => img.src);
  const width = (link) => new Promise((resolve) => {
    const picture = new Image();
    picture.onload = () => resolve(picture.naturalWidth);
    picture.onerror = () => resolve(0);
    picture.src = link;
  });
  return [links, await Promise.all(links.map(width)), Date.now() / 1000];
}"""

SHOWS_RARE = """(() => {
  const still = document.querySelector('.stills img');
  return still.currentSrc.endsWith('0002.jpg') && still.complete && still.naturalWidth > 0;
})()"""


@pytest.fixture
def quick(state: DemoState) -> Iterator[str]:
    """Run the demo's site with links that live for seconds: retirement waits for the last one."""
    with another_site(state, link_seconds=LINK_SECONDS) as address:
        yield address


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTabs:
    """Tabs with the gallery, each opened at another moment of the rotation."""

    browser: Browser
    address: str
    tabs: list[Page] = field(default_factory=list)
    #: How often links that had not expired were opened, by the length of their signature.
    opened: dict[int, int] = field(default_factory=dict)

    def open_another(self) -> int:
        """Open the gallery in a new tab, and return the length of links that it states."""
        tab = self.browser.new_page()
        tab.goto(self.address)
        self.tabs.append(tab)
        return int(tab.locator("[data-length]").get_attribute("data-length") or 0)

    def check(self) -> None:
        """Open the links of every tab again; one that has not expired must show its picture."""
        for tab in self.tabs:
            links, widths, asked_until = tab.evaluate(LOAD_AGAIN)
            for link, width in zip(links, widths, strict=True):
                anatomy = dissect(link)
                if asked_until < anatomy.policy.date_less_than:
                    assert width > 0, link
                    length = anatomy.signature_length
                    self.opened[length] = self.opened.get(length, 0) + 1


def film(browser: Browser, address: str) -> Page:
    """Return a page in which a member has the film on, in a window too small to draw it."""
    page = browser.new_context(viewport={"width": 360, "height": 240}).new_page()
    page.goto(f"{address}/video/")
    log_in_to_watch(page, MEMBER)
    play(page)
    return page


def wait_for_button(page: Page, tabs: OldTabs, step: str) -> None:
    """Watch the page until a step is due, with an eye on the old tabs."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not button(page, step).is_visible():
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        tabs.check()
        page.wait_for_timeout(1_000)


def test_rotation_from_rsa_to_ecdsa(browser: Browser, state: DemoState, quick: str) -> None:
    """Import, rotate and retire with clicks; links shrink, and old ones open until they expire."""
    tabs = OldTabs(browser=browser, address=quick)
    long = tabs.open_another()
    page = browser.new_page()
    log_in_to_admin(page, quick, ADMIN_NAME, state.admin_password)

    for step in ("import", "start", "trust"):
        press(page, step)
        tabs.check()
    tabs.open_another()
    wait_for_button(page, tabs, "activate")
    assert tabs.open_another() == long
    press(page, "activate")
    tabs.check()
    # A process may sign with the previous key until it looks again.
    page.wait_for_timeout(4_000)
    short = tabs.open_another()
    wait_for_button(page, tabs, "retire")
    press(page, "retire")

    expect(page.locator(".cfsigned-is-retired")).to_contain_text(state.key_pair_id)
    tabs.check()
    assert short < long - 200
    assert tabs.open_another() <= short + 4
    assert tabs.opened[256] > 10
    assert min(tabs.opened) < 80
    page.close()


def test_revocation_while_pages_are_open(browser: Browser, state: DemoState) -> None:
    """Play on after one renewal, by cookies and by a new playlist; so do pictures come back."""
    by_cookies = film(browser, state.app_address)
    by_playlist = film(browser, state.address("site"))
    quiet = film(browser, state.app_address)
    until(quiet, "document.querySelector('video').readyState > 2")
    quiet.evaluate("document.querySelector('video').pause()")
    # Each request to the site renews what is due. Here, the script of the page must do it.
    quiet.route("**/video/log/**", lambda route: route.abort())
    renewals: list[str] = []
    quiet.on("request", lambda request: renewals.append(request.method))
    key_pair_id = cookie(quiet, "Key-Pair-Id")
    # 1: the rotation has imported it already.
    run(manage_command(state, "rotate", "cfsigned_rotate", "--import"), codes=(0, 1))
    revoke = ("cfsigned_rotate", "--revoke", key_pair_id, "--no-input")
    run(manage_command(state, "rotate", *revoke))

    # The requests of a page to the site renew cookies, mostly before the edge refuses them. A
    # playlist holds the old signature until the edge does. The page shows the last requests only.
    refused, log = re.compile(r"403 InvalidKey \S+[.]m4s[?]Policy"), state.logs / "edge.log"
    deadline = time.monotonic() + PATIENCE / 1000
    while cookie(by_cookies, "Key-Pair-Id") == key_pair_id or not refused.search(log.read_text()):
        assert time.monotonic() < deadline, by_playlist.locator("main").inner_text()
        by_cookies.wait_for_timeout(200)
    for page in (by_cookies, by_playlist):
        played(page, seconds=3)
    renewals.clear()
    # A picture that this browser has not seen yet.
    quiet.evaluate(f"document.querySelector('.stills img').src = {RARE}")
    until(quiet, SHOWS_RARE)
    assert renewals.count("POST") == 1
    assert cookie(quiet, "Key-Pair-Id") != key_pair_id
    for page in (by_cookies, by_playlist, quiet):
        page.context.close()
