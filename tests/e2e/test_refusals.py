"""What a browser gets from the edge, and from S3, for each kind of link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")
pytest.importorskip("PIL", reason="needs the demo extra")

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

BODY = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>{}</Message></Error>'
MISSING = BODY.format("MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
DENIED = BODY.format("AccessDenied", "Access denied")


@pytest.fixture
def detail(page: Page, site: str) -> Page:
    """Return the open page of a picture."""
    page.goto(f"{site}/pictures/1/")
    return page


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


def test_a_signed_link_shows_the_picture(detail: Page) -> None:
    """Serve the picture to a tab that holds the signed link."""
    response = opened(detail, "signed")
    assert response.status == 200
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["server"] == "CloudFront"


@pytest.mark.parametrize(("attempt", "body"), [("unsigned", MISSING), ("tampered", DENIED)])
def test_a_wrong_link_is_refused_as_by_cloudfront(detail: Page, attempt: str, body: str) -> None:
    """Show CloudFront's error, byte for byte, for a link without its signature or changed."""
    url = detail.locator(f"#{attempt} input[name=url]").input_value()
    assert opened(detail, attempt).status == 403
    response = detail.request.get(url)
    assert response.status == 403
    assert response.text() == body


def test_a_link_expires_in_the_browser(detail: Page) -> None:
    """Serve a link of ten seconds, refuse it afterwards, and say so without a click."""
    card = detail.locator("#expiring")
    url = card.locator("input[name=url]").input_value()
    card.get_by_role("button", name="Try it").click()
    expect(card.locator(".verdict")).to_contain_text("200 OK")
    expect(card.locator("time")).to_have_text("expired")
    expect(card.locator(".verdict")).to_contain_text("403 AccessDenied")
    expect(card.locator(".verdict")).to_contain_text("expired")
    response = detail.request.get(url)
    assert (response.status, response.text()) == (403, DENIED)


def test_s3_itself_is_shut(detail: Page) -> None:
    """Refuse the object's own address in S3."""
    response = opened(detail, "direct")
    assert response.status == 403
    detail.locator("#direct").get_by_role("button", name="Try it").click()
    expect(detail.locator("#direct .verdict")).to_contain_text("403 AccessDenied")
    expect(detail.locator("#direct .verdict")).to_contain_text("S3 itself refused")


def test_one_changed_letter_is_enough(detail: Page) -> None:
    """Refuse the link after somebody edited it in the page."""
    box = detail.get_by_label("The link to ask for")
    box.fill(box.input_value().replace("/pictures/", "/pictures/x"))
    detail.get_by_role("button", name="Try it the edited link").click()
    answer = detail.locator("#own [data-answer]")
    expect(answer).to_contain_text("Only links to this very file")
    box.fill(detail.locator("#signed input[name=url]").input_value() + "&size=large")
    detail.get_by_role("button", name="Try it the edited link").click()
    expect(answer).to_contain_text("403 AccessDenied")
    expect(answer).to_contain_text("size=large")


def test_each_kind_of_link_can_be_opened(detail: Page, site: str) -> None:
    """Serve the links that the page takes apart, save the one that starts later."""
    statuses = {}
    for kind in ("plain", "download", "address", "later", "folder"):
        detail.goto(f"{site}/pictures/1/?link={kind}")
        url = detail.get_by_role("link", name="Open this link").get_attribute("href") or ""
        statuses[kind] = detail.request.get(url).status
    assert statuses == {
        "plain": 200,
        "download": 200,
        "address": 200,
        "later": 403,
        "folder": 200,
    }
