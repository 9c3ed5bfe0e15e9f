"""Test what JavaScript adds to the page: it refreshes in place, and copies a public key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")

from playwright.sync_api import expect

from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.rotation.probe import ProbeResult
from tests.admin import LIST, FakeCloudFront, Visitor, activated, address, imported, trusted
from tests.plugins_browser import (
    browser as browser,
    browser_type_launch_args as browser_type_launch_args,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

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


@pytest.fixture(scope="session", autouse=True)
def queries_beside_a_browser() -> Iterator[None]:
    """Allow queries of the database: playwright's event loop lives as long as its browser."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


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

    def open_address(path: str = LIST, *, width: int = 1180) -> Page:
        page = context.new_page()
        page.on("console", lambda line: said.append(f"{line.type}: {line.text}"))
        page.on("pageerror", lambda error: said.append(f"exception: {error}"))
        page.set_viewport_size({"width": width, "height": 800})
        page.clock.install()
        page.goto(live_server.url + path)
        page.evaluate("window.isTheSame = true")
        return page

    yield open_address
    context.close()
    assert [line for line in said if "503" not in line] == []


def look_again(page: Page) -> None:
    """Let the page's timer run out, and wait for what it brings."""
    with page.expect_response(lambda response: "keypair" in response.url):
        page.clock.fast_forward(61_000)


def test_page_follows_by_itself(open_page: Callable[..., Page]) -> None:
    """An open page probes the key, and shows the new state without loading anew."""
    imported()
    key_pair = trusted()
    page = open_page()
    expect(page.get_by_role("status")).to_contain_text("See whether CloudFront knows")

    look_again(page)

    expect(page.get_by_role("status")).to_contain_text(f"{key_pair} can sign at")
    expect(page.get_by_role("button", name="Activate")).to_be_disabled()
    assert page.evaluate("window.isTheSame")


def test_focus_stays_where_it_was(
    open_page: Callable[..., Page], cloudfront: FakeCloudFront
) -> None:
    """Who is about to press a button with the keyboard still is after a refresh."""
    imported()
    trusted()
    cloudfront.probe_result = ProbeResult.UNKNOWN_KEY
    page = open_page()
    page.get_by_role("button", name="Check again").focus()

    look_again(page)

    expect(page.get_by_role("button", name="Check again")).to_be_focused()


def test_old_state_is_called_old(open_page: Callable[..., Page]) -> None:
    """Where the site does not answer, the page says that it may be old, until it does."""
    imported()
    page = open_page()
    notice = page.get_by_text("This page could not be refreshed.")
    expect(notice).to_be_hidden()
    page.route("**/keypair/*", lambda route: route.fulfill(status=503))

    look_again(page)
    expect(notice).to_be_visible()

    page.unroute_all()
    look_again(page)
    expect(notice).to_be_hidden()


def test_end_of_the_session_leads_to_the_login(
    open_page: Callable[..., Page], admin: Visitor
) -> None:
    """A page that nobody may see any more does not stay open."""
    imported()
    page = open_page()
    admin.client.logout()

    page.clock.fast_forward(61_000)

    expect(page.get_by_label("Username")).to_be_visible()


def test_public_key_is_copied(open_page: Callable[..., Page]) -> None:
    """The button copies the public key as CloudFront takes it."""
    key_pair = imported()
    page = open_page(f"{LIST}{key_pair.pk}/change/")

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key_pair.public_key


def test_rotation_by_keyboard(open_page: Callable[..., Page]) -> None:
    """From the first page to a new key without a mouse."""
    imported(days=97)
    page = open_page()

    page.get_by_role("link", name="Start rotation").focus()
    page.keyboard.press("Enter")
    page.get_by_label("RSA 2048").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Start rotation").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("link", name="Let CloudFront trust it")).to_be_visible()
    assert KeyPair.objects.get(status="pending").algorithm == "RSA_2048"


@pytest.mark.parametrize("width", [320, 390, 768, 1180])
def test_nothing_is_cut_off(open_page: Callable[..., Page], settings: Settings, width: int) -> None:
    """No page is wider than the screen."""
    former = imported(days=97)
    key_pair = activated(former_retiring_for=8 * 86400)
    waiting = trusted(good_for=60)

    for path in (
        LIST,
        address("retire", former),
        address("revoke", key_pair),
        f"{LIST}{waiting.pk}/change/",
    ):
        page = open_page(path, width=width)
        assert excess(page) <= 0, path
        page.close()
    settings.AWS_CLOUDFRONT_BY_HAND = True
    assert excess(open_page(address("retire", former), width=width)) <= 0


def excess(page: Page) -> int:
    """Return by how many pixels a page is wider than the screen."""
    wide: int = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
    return wide
