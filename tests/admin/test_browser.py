"""Test what JavaScript adds to the page, and its style: it refreshes in place, and copies.

Modules: static/cfsigned_django/admin/key_pairs.js
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from django.contrib.admin import site
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")

from playwright.sync_api import expect

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from tests.accessibility import NEEDS_AXE, barriers, too_wide
from tests.admin import LIST, Visitor, address, detail
from tests.admin.conftest import DENIED
from tests.plugins_browser import (
    browser as browser,
    browser_type_launch_args as browser_type_launch_args,
    queries_beside_a_browser as queries_beside_a_browser,
)
from tests.rotation import Shell

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

#: Times in more than one line, on which nobody can read when a step happens.
BROKEN = """() => [...document.querySelectorAll('.cfsigned time')].filter(
  (time) => time.getClientRects().length > 1).map((time) => time.textContent)"""
#: The colors inside the dots of a timeline.
DOTS = "all => all.map((each) => getComputedStyle(each, '::before').backgroundColor)"
POLICY = "default-src 'self'; frame-ancestors 'none'"


def strict_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Allow nothing but files of the site itself: no script or style within a page."""

    def add_header(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return add_header


@pytest.fixture
def open_page(
    browser: Browser,
    live_server: LiveServer,
    admin: Visitor,
    settings: Settings,
) -> Iterator[Callable[..., Page]]:
    """Return how to open an address of the admin; in the end no page may have complained."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.admin.test_browser.strict_policy"]
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    session = admin.client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    context.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    said: list[str] = []

    def open_address(path: str = LIST) -> Page:
        page = context.new_page()
        page.on("console", lambda line: said.append(f"{line.type}: {line.text}"))
        page.on("pageerror", lambda error: said.append(f"exception: {error}"))
        page.clock.install()
        page.goto(live_server.url + path)
        page.evaluate("window.isTheSame = true")
        return page

    yield open_address
    context.close()
    assert [line for line in said if "503" not in line] == []


def look_again(page: Page) -> None:
    """Run the page's timer out, and wait for its result."""
    with page.expect_response(lambda response: "keypair" in response.url):
        page.clock.fast_forward(61_000)


def test_open_page(open_page: Callable[..., Page], admin: Visitor, cloudfront: Shell) -> None:
    """An open page follows, keeps the focus, says when it is old, and ends at the login."""
    cloudfront.imported()
    cloudfront.trusted()
    cloudfront.answer = ProbeResult.UNKNOWN_KEY
    page = open_page()
    check, activate = (page.locator(f'[id^="cfsigned-{step}-"]') for step in ("check", "activate"))
    check.focus()
    look_again(page)
    expect(check).to_be_focused()
    expect(activate).to_have_count(0)

    cloudfront.answer = ProbeResult.GOOD
    look_again(page)
    expect(page.locator("button[disabled]")).to_have_count(1)
    KeyPair.objects.filter(status="trusted").update(verified_since=datetime(2026, 1, 1, tzinfo=UTC))
    look_again(page)
    expect(activate).to_be_visible()
    assert page.evaluate("window.isTheSame")

    old = page.locator("#cfsigned-stale")
    expect(old).to_be_hidden()
    page.route("**/keypair/**", lambda route: route.fulfill(status=503))
    look_again(page)
    expect(old).to_be_visible()
    page.unroute_all()
    look_again(page)
    expect(old).to_be_hidden()

    admin.client.logout()
    page.clock.fast_forward(61_000)
    expect(page.locator("#id_username")).to_be_visible()


def test_keyboard_and_clipboard(
    open_page: Callable[..., Page], cloudfront: Shell, settings: Settings
) -> None:
    """From the first page to a new key without a mouse; name and public key are copied."""
    cloudfront.imported(days=97)
    page = open_page()
    for selector, key in (
        ('[id^="cfsigned-start-"]', "Enter"),
        ("input[value=RSA_2048]", "Space"),
        (".cfsigned-step button[type=submit]", "Enter"),
    ):
        page.locator(selector).focus()
        page.keyboard.press(key)
    expect(page.locator('[id^="cfsigned-trust-"]')).to_be_visible()
    key_pair = KeyPair.objects.get(status="pending")
    assert key_pair.algorithm == "RSA_2048"

    host = page.url.partition("/admin/")[0]
    page.goto(host + detail(key_pair))
    copy = page.locator("button[data-copies]")
    copy.click()
    expect(copy).to_have_text(copy.get_attribute("data-done") or "?")
    assert page.evaluate("navigator.clipboard.readText()") == key_pair.public_key
    settings.AWS_CLOUDFRONT_BY_HAND = True
    page.goto(host + address("trust", key_pair))
    page.locator("button[data-copies=cfsigned-name]").click()
    assert page.evaluate("navigator.clipboard.readText()") == key_pair.name_in_cloudfront


def test_zoom_contrast_and_paper(open_page: Callable[..., Page], cloudfront: Shell) -> None:
    """Columns begin at one height, dots differ without the page's colors, and one sheet is enough.

    The sheet is light, and has whole dates and nothing to press.
    """
    site.enable_nav_sidebar = True  # until the end of the fixture that sets it
    cloudfront.imported(days=10)
    cloudfront.trusted(good_for=60)
    page = open_page()
    page.set_viewport_size({"width": 640, "height": 900})
    columns = [each.bounding_box() for each in page.locator(".cfsigned-now h2").all()]
    left, right = (each for each in columns if each)
    assert left["x"] < right["x"]
    assert left["y"] == right["y"]

    page.emulate_media(forced_colors="active")
    dots = page.locator(".cfsigned-timeline").first.locator("li").evaluate_all(DOTS)
    assert dots[0] == dots[2] != dots[3] == dots[5]
    assert page.locator("progress").evaluate("bar => getComputedStyle(bar).borderWidth") == "1px"

    page.emulate_media(media="print", forced_colors="none", color_scheme="dark")
    assert page.locator(":is(nav, button, .button, a.cfsigned-revoke):visible").count() == 0
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    day = "time => getComputedStyle(time, '::after').content"
    assert "2027" in page.locator("time").last.evaluate(day)
    assert page.pdf().count(b"/Type /Page\n") == 1


@NEEDS_AXE
@pytest.mark.parametrize("language", ["en", "ko"])
def test_nothing_is_a_barrier(
    open_page: Callable[..., Page], cloudfront: Shell, settings: Settings, language: str
) -> None:
    """axe-core finds nothing on the pages of a rotation, by hand too, of a failure and a leak.

    None is wider than its screen, and the moments of a key stand beside or below each other.
    """
    page = open_page()
    page.set_extra_http_headers({"Accept-Language": language})
    site = page.url.removesuffix(LIST)
    found = []
    colors = language == "en"  # The same in each language.

    def look(*paths: str) -> None:
        for path in paths:
            page.goto(site + path)
            found.extend(barriers(page, colors=colors))
            found.extend(too_wide(page))
            page.set_viewport_size({"width": 768, "height": 900})
            found.extend(f"{path}: {each}" for each in page.evaluate(BROKEN))

    look(LIST)
    former = cloudfront.imported(days=97)
    look(LIST, address("start"))
    key_pair = cloudfront.started()
    settings.AWS_CLOUDFRONT_BY_HAND = True
    look(address("trust", key_pair))
    settings.AWS_CLOUDFRONT_BY_HAND = False
    look(LIST, address("trust", key_pair))
    cloudfront.failure = DENIED
    page.locator(".cfsigned-step button[type=submit]").click()
    page.locator(".cfsigned-step .cfsigned-error").wait_for()
    found.extend(barriers(page, colors=colors))
    cloudfront.failure = None
    active = cloudfront.activated()
    cloudfront.wait(30 * 86400)
    cloudfront.trusted(good_for=3600)
    look(LIST, address("retire", former), detail(former), address("revoke", active))
    assert page.locator("html").get_attribute("lang") == language
    assert found == []
