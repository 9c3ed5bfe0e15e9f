"""Revoke the key of pages that are open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo group")


from demo_project.gallery.video import MEMBER
from demo_project.servers import manage_command, run
from demo_project.state import DemoState
from tests.e2e import cookie, log_in_to_watch, play, played, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: The address of a still that the page does not show.
RARE = "document.querySelector('.stills img').src.replace(/[0-9]{4}.jpg$/, '0002.jpg')"

SHOWS_RARE = """(() => {
  const still = document.querySelector('.stills img');
  return still.currentSrc.endsWith('0002.jpg') && still.complete && still.naturalWidth > 0;
})()"""


def film(browser: Browser, address: str) -> Page:
    """Return a page in which a member has the film on, in a window too small to draw it."""
    page = browser.new_context(viewport={"width": 360, "height": 240}).new_page()
    page.goto(f"{address}/video/")
    log_in_to_watch(page, MEMBER)
    play(page)
    return page


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
    # 1: another test has imported it already.
    run(manage_command(state, "rotate", "cfsigned_rotate", "--import"), codes=(0, 1))
    revoke = ("cfsigned_rotate", "--revoke", key_pair_id, "--no-input")
    run(manage_command(state, "rotate", *revoke))

    # The requests of a page to the site renew cookies, mostly before the edge refuses them. A
    # playlist holds the old signature until the edge does. The page shows the last requests only.
    refused, log = re.compile(r"403 InvalidKey \S+[.]m4s[?]Policy"), state.logs / "edge.log"
    until(by_cookies, lambda: cookie(by_cookies, "Key-Pair-Id") != key_pair_id)
    until(by_playlist, lambda: refused.search(log.read_text()))
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
