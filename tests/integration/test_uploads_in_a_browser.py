"""Upload files as the page about uploads shows it, in a browser: to S3, and not through Django."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright.sync_api", reason="needs pytest-playwright")

from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client
from django.urls import path
from playwright.sync_api import expect

from tests.integration.test_uploads import FILM, JPEG, MEGABYTE, small_parts as small_parts
from tests.integration.test_uploads_page import views as views
from tests.pages import DOCS, snippets
from tests.plugins_browser import (
    browser as browser,
    browser_type_launch_args as browser_type_launch_args,
    queries_beside_a_browser as queries_beside_a_browser,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def show(request: HttpRequest) -> HttpResponse:
    """Answer with the HTML of the page."""
    [html] = [
        each.code for each in snippets(DOCS / "how-to" / "uploads.md") if 'id="file"' in each.code
    ]
    return HttpResponse(engines["django"].from_string(html).render({}, request))


@contextmanager
def opened(
    show: Any, views: Any, settings: Any, live_server: LiveServer, browser: Browser, client: Client
) -> Iterator[Any]:
    """Open a page, with the views of the page about uploads, as a user who is logged in."""
    settings.ROOT_URLCONF = (
        path("", show),
        path("start/", views.start_upload, name="start_upload"),
        path("finish/", views.finish_upload, name="finish_upload"),
    )
    client.force_login(User.objects.create_user("reader"))
    session = client.cookies["sessionid"].value
    with closing(browser.new_context()) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.goto(live_server.url)
        yield page


@pytest.fixture
def logged_in(
    views: Any, settings: Any, live_server: LiveServer, browser: Browser, client: Client
) -> Iterator[Any]:
    """Show the page to a user who is logged in."""
    with opened(show, views, settings, live_server, browser, client) as page:
        yield page


def test_a_file_goes_to_s3(logged_in: Any, tmp_path: Path, views: Any, s3_server: Any) -> None:
    """Show progress and a signed link; refuse what is too large, or of another type."""
    sent: list[str] = []
    logged_in.on("request", lambda request: sent.append(f"{request.method} {request.url}"))

    def choose(name: str, data: bytes) -> Any:
        (tmp_path / name).write_bytes(data)
        logged_in.set_input_files("#file", tmp_path / name)
        return expect(logged_in.locator("#said"))

    choose("사진 1.jpg", JPEG * 1000).to_have_text("사진 1.jpg")
    link = logged_in.locator("#said a").get_attribute("href")
    assert "Signature=" in link
    assert logged_in.locator("#bar").evaluate("(bar) => bar.value") == 1
    assert len([each for each in sent if each.startswith(f"POST {s3_server.endpoint_url}/")]) == 1
    choose("page.html", b"<p>").to_contain_text("Send a JPEG, a PNG or a PDF")
    logged_in.evaluate("() => { said.textContent = ''; }")
    choose("large.jpg", bytes(20 * MEGABYTE + 1)).to_contain_text("of at most 20 MB")


def test_parts(
    logged_in: Any, tmp_path: Path, views: Any, s3_server: Any, small_parts: None
) -> None:
    """Send a large file in parts, of which one fails and is sent again."""
    failed: list[str] = []

    def fail_once(route: Any) -> None:
        if "partNumber=2" in route.request.url and not failed:
            failed.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    logged_in.route(f"{s3_server.endpoint_url}/**", fail_once)
    (tmp_path / "film.pdf").write_bytes(FILM)
    logged_in.set_input_files("#file", tmp_path / "film.pdf")
    expect(logged_in.locator("#said")).to_have_text("film.pdf")
    assert len(failed) == 1
    [name] = s3_server.client().list_objects_v2(Bucket=default_storage.bucket_name)["Contents"]  # type: ignore[attr-defined]
    assert name["Size"] == len(FILM)
