"""The film of the demo in a browser: by cookies, by a signed playlist, and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo group")

from playwright.sync_api import expect

from cfsigned_django.core import viewer
from demo_project.gallery.video import FOLDER, GUEST, MEMBER
from demo_project.state import COOKIE_DOMAIN, DemoState
from tests.e2e import log_in_to_watch, play, played, signed_paths, until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

STILLS = """() => [...document.querySelectorAll('.stills img')].filter(
  (picture) => picture.complete && picture.naturalWidth > 0).length"""


def test_by_cookies(page: Page, state: DemoState) -> None:
    """Play film and stills by two sets of cookies, until log-out; a guest gets neither.

    They replace those of an earlier release, which were Secure. Nobody's player begins as a
    failure: before somebody logs in, it asks for nothing.
    """
    seen: list[Response] = []
    page.on("response", lambda response: seen.append(response))
    page.goto(f"{state.app_address}/video/", wait_until="networkidle")
    assert [each.url for each in seen if each.status >= 400] == []
    assert page.evaluate("document.querySelector('.poster img').naturalWidth") > 0
    seen.clear()
    paths = [f"/{FOLDER}/", "/thumbs/"]
    for name in ("Policy", "Signature", "Key-Pair-Id"):
        old: Any = {"name": f"CloudFront-{name}", "value": "old", "domain": f".{COOKIE_DOMAIN}"}
        page.context.add_cookies([old | {"path": path, "secure": True} for path in paths])
    log_in_to_watch(page, MEMBER)
    assert signed_paths(page) == paths
    until(page, f"({STILLS})() === 12")
    play(page)
    played(page, seconds=4)
    pieces = [each for each in seen if f"{state.cdn_domain}/{FOLDER}/" in each.url]
    assert len(pieces) > 3
    assert {(each.status, "?" in each.url) for each in pieces} == {(200, False)}
    assert viewer.fetch(pieces[-1].url, {}).code == "MissingKey"

    page.get_by_role("button", name="Log out").click()
    expect(page.locator(".asked [data-refused]").first).to_contain_text("403 MissingKey")
    expect(page.locator("[data-state=no]")).to_be_visible()
    # An answer that was under way may bring them back; the next request takes them away.
    until(page, lambda: signed_paths(page) == [])

    page.reload()
    log_in_to_watch(page, MEMBER)
    assert signed_paths(page) == paths
    log_in_to_watch(page, GUEST)
    until(page, lambda: signed_paths(page) == [])
    expect(page.locator(".asked [data-refused]").first).to_contain_text("403 MissingKey")
    expect(page.locator("[data-state=no]")).to_be_visible()
    assert page.evaluate("document.querySelector('video').controls") is False


def test_by_a_signed_playlist(page: Page, state: DemoState, site: str) -> None:
    """Play the film without a cookie at the edge, with Korean captions if the browser asks."""
    page.set_extra_http_headers({"Accept-Language": "ko"})
    seen: list[Response] = []
    page.on("response", lambda response: seen.append(response))
    page.goto(f"{site}/video/")
    log_in_to_watch(page, MEMBER)
    play(page)
    played(page, seconds=3)
    pieces = [each for each in seen if each.url.split("?")[0].endswith((".m4s", ".mp4"))]
    assert {each.status for each in pieces} == {200}
    assert all(each.url.startswith(state.address("edge")) for each in pieces)
    assert len({each.url.partition("?")[2] for each in pieces}) == 1
    assert viewer.fetch(pieces[-1].url.partition("?")[0], {}).code == "MissingKey"
    assert not any("cookie" in each.request.headers for each in pieces)
    cues = "[...document.querySelector('video').textTracks].find((t) => t.language === 'ko')"
    until(page, f"{cues}.mode === 'showing' && {cues}.cues.length === 4")
