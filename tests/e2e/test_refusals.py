"""What a browser gets from the edge, and from S3, for each kind of link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo group")

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

BODY = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>{}</Message></Error>'
MISSING = BODY.format("MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
DENIED = BODY.format("AccessDenied", "Access denied")


def opened(page: Page, attempt: str) -> Response:
    """Open the attempt's link in a tab, as a click does, and return what came."""
    link = page.locator(f"#{attempt}").get_by_role("link", name="Open in a tab")
    url = link.get_attribute("href")
    with (
        page.expect_popup() as popup,
        page.context.expect_event("response", lambda response: response.url == url) as response,
    ):
        link.click()
    popup.value.close()
    answer: Response = response.value
    return answer


def test_a_file_s_page(page: Page, site: str) -> None:
    """Serve what is signed; refuse, as CloudFront does, what is unsigned, changed or expired."""
    page.goto(f"{site}/pictures/1/")
    expiring = page.locator("#expiring")
    dying = expiring.locator("input[name=url]").input_value()
    expiring.get_by_role("button", name="Try it").click()
    expect(expiring.locator(".verdict")).to_contain_text("200 OK")

    signed = opened(page, "signed")
    assert (signed.status, signed.headers["server"]) == (200, "CloudFront")
    assert signed.headers["content-type"] == "image/webp"
    for attempt, body in (("unsigned", MISSING), ("tampered", DENIED)):
        url = page.locator(f"#{attempt} input[name=url]").input_value()
        assert opened(page, attempt).status == 403
        assert page.request.get(url).text() == body
    assert opened(page, "direct").status == 403
    page.locator("#direct").get_by_role("button", name="Try it").click()
    expect(page.locator("#direct .verdict")).to_contain_text("403 AccessDenied")

    box, answer = page.locator("#own-url"), page.locator("#own [data-answer]")
    page.locator("#own").get_by_role("button").click()
    expect(answer).to_contain_text("403 AccessDenied")
    box.fill(page.locator("#signed input[name=url]").input_value() + "&size=large")
    page.locator("#own").get_by_role("button").click()
    expect(answer).to_contain_text("403 AccessDenied")
    expect(answer).to_contain_text("size=large")

    # A link of ten seconds is refused afterwards, and its card says so without a click.
    expect(expiring.locator(".verdict")).to_contain_text("403 AccessDenied")
    late = page.request.get(dying)
    assert (late.status, late.text()) == (403, DENIED)


def test_a_link_for_an_e_mail_is_copied(browser: Browser, site: str) -> None:
    """Put the lasting link on the clipboard; tests/demo_project opens it a year later."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{site}/pictures/1/")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#lasting").input_value()
    context.close()
