"""Signed cookies in a browser: of a page that another site embeds, and the script that renews."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")

from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.template.loader import render_to_string

from cfsigned_django.cookies import set_signed_cookies
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage
from cfsigned_django.tools.edge import Distribution
from cfsigned_django.tools.storage_origin import StorageOrigin, distribution_for
from tests.e2e import STORED_TEXT, served, until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

NAME = "maps/7/tile.gif"
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@pytest.fixture
def storage(tmp_path: Path, ec_key: PrivateKey) -> Iterator[CloudFrontFileSystemStorage]:
    """Return a storage with one file, and serve three hosts at its port.

    They are the edge, a page with the file that sets its cookies, and a page of another site that
    embeds this page.
    """

    def page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = HttpResponse(f'<iframe src="{app}/"></iframe>')
        if app.endswith(environ["HTTP_HOST"]):
            response = HttpResponse(f'<img src="{found.unsigned_url(NAME)}">')
            set_signed_cookies(
                response,
                folder="maps/7",
                storage=found,
                domain="site.localhost",
                samesite="None",
                partitioned=True,
            )
        cookies = [("Set-Cookie", each.OutputString()) for each in response.cookies.values()]
        start_response("200 OK", [*response.items(), *cookies])
        return [response.content]

    def distribution(storage: CloudFrontFileSystemStorage) -> Distribution:
        storage.save(NAME, ContentFile(GIF))
        return distribution_for(storage, StorageOrigin(storage))

    with served(tmp_path, ec_key, page, distribution) as (app, found):
        yield found


def test_partitioned_cookies(page: Page, storage: CloudFrontFileSystemStorage) -> None:
    """Open the file of a page by Partitioned cookies within the embedding site, and only there."""
    url = storage.unsigned_url(NAME)
    with page.expect_response(url) as answer:
        page.goto(url.replace("cdn.site.", "other.").removesuffix(NAME))
    assert answer.value.status == 200
    # Each browser has them, and sends them nowhere else.
    assert "CloudFront-Policy" in {each.get("name") for each in page.context.cookies()}
    refused = page.goto(url)
    assert refused
    assert (refused.status, "MissingKey" in refused.text()) == (403, True)


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (200, '{"expires_at": "later"}', "later"),
        (200, '{"expires_at": null}', None),
        # A folder got no cookies, and others did.
        (409, '{"expires_at": "later", "error": "too many"}', "later"),
        (
            409,
            '{"expires_at": null, "error": "too many"}',
            "Error: Signed cookies were not renewed: too many",
        ),
        (
            500,
            '{"expires_at": null, "error": "no key"}',
            "Error: Signed cookies were not renewed: no key",
        ),
        (403, "<h1>CSRF</h1>", "Error: Signed cookies were not renewed: 403"),
    ],
)
def test_what_the_script_tells_a_player(
    page: Page, status: int, answer: str, told: str | None
) -> None:
    """Promise the expiry of the cookies that were set, and else say why there are none."""
    script = render_to_string("cfsigned_django/signed_cookies_script.html", {"url": "/refresh"})
    page.route(
        "http://app.test/", lambda route: route.fulfill(body=script, content_type="text/html")
    )
    page.route("http://app.test/refresh", lambda route: route.fulfill(status=status, body=answer))
    page.goto("http://app.test/")
    assert page.evaluate("refreshSignedCookies().catch(String)") == told


def test_script_beside_a_stored_text(page: Page) -> None:
    """A stored text gets no token, sends no request elsewhere, and stops no renewal."""
    values = {"url": "/refresh", "csrf_token": "secret"}
    script = render_to_string("cfsigned_django/signed_cookies_script.html", values)
    asked: list[tuple[str, str]] = []
    renewals = 0
    # A browser may keep the width of the picture before.
    is_shown = "tile.complete && tile.naturalWidth > 0"

    def answer(route: Route) -> None:
        url, token = route.request.url, route.request.headers.get("x-csrftoken", "")
        if url == "http://app.test/":
            body = f'{STORED_TEXT}{script}<img id="tile" src="http://app.test/tile.gif">'
            route.fulfill(body=body, content_type="text/html")
        elif url.endswith(".gif") and len(asked) > renewals:
            route.fulfill(body=GIF, content_type="image/gif")
        elif url.endswith(".gif"):
            route.fulfill(status=403)
        else:
            asked.append((url, token))
            route.fulfill(body='{"expires_at": "later"}')

    page.clock.install()
    page.route("**/*", answer)
    page.goto("http://app.test/")
    until(page, is_shown)
    renewals = 1
    page.clock.fast_forward(31_000)
    page.evaluate("tile.src += '?.gif'")
    until(page, is_shown)
    assert asked == [("http://app.test/refresh", "secret")] * 2
