"""Let no cache keep a response for longer than the signed URLs in it live."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from django.utils.http import http_date, parse_http_date
from django.views.decorators.cache import cache_control, cache_page as cache_page_of_django

from cfsigned_django import http
from cfsigned_django.http import cache_page, patch_cache_control, watch_expiry
from tests.signed_views import (
    NOW,
    control,
    get,
    in_async,
    missing,
    plain,
    sign,
    template,
    with_cookie,
    without,
)
from tests.storage_cases import S3_BACKEND, at, verify

CAP = "cfsigned_django.http.cap_cache_control"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"


def patched(request: HttpRequest) -> Any:
    """Show a page that says itself for how long it may be kept."""
    response = template(request)
    patch_cache_control(response, reserve=20, public=True, max_age=600)
    return response


def stale(request: HttpRequest) -> HttpResponse:
    """Show a signed URL on a page that may be shown while another is fetched."""
    return HttpResponse(sign(), headers={"Cache-Control": "stale-while-revalidate=600"})


def with_any_vary(request: HttpRequest) -> HttpResponse:
    """Show a signed URL on a page that is another one for each request."""
    return HttpResponse(sign(), headers={"Vary": "*"})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Stream a signed URL."""
    return StreamingHttpResponse([sign()])


urlpatterns = [
    path("plain", plain),
    path("async", in_async),
    path("template", template),
    path("patched", patched),
    path("without", without),
    path("stream", stream),
    path("with_cookie", with_cookie),
    path("with_any_vary", with_any_vary),
    path("stale", stale),
    path("shared", cache_page_of_django(60)(cache_control(s_maxage=86_400)(without))),
    path("missing", missing),
    path("long", cache_control(max_age=600)(plain)),
    path("short", cache_control(max_age=60)(plain)),
    path("private", cache_control(private=True)(plain)),
    path("kept", cache_page(600)(plain)),
    path("kept_shortly", cache_page(100)(plain)),
    path("kept_by_django", cache_page_of_django(600)(plain)),
]


@pytest.fixture(autouse=True)
def _site(site: Any) -> Iterator[None]:
    """Configure a site with the middleware, and an empty cache."""
    site.ROOT_URLCONF = __name__
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.MIDDLEWARE = [CAP]
    cache.clear()
    yield
    cache.clear()


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("plain", None),
        ("template", None),
        ("without", None),
        ("long", "max-age=300"),
        ("short", "max-age=60"),
        ("private", "private"),
        ("async", "max-age=300"),
        ("patched", "public, max-age=280"),
        ("stream", None),
    ],
)
def test_middleware(name: str, header: str | None) -> None:
    """Lower a max-age to the life of the URLs, and add none."""
    assert control(get(name)) == header


def test_async_middleware() -> None:
    """Cap what an async view returns, under an async handler."""
    with at(NOW):
        response = asyncio.run(AsyncClient().get("/async"))
        assert control(response) == "max-age=300"
        assert control(asyncio.run(AsyncClient().get("/long"))) == "max-age=300"


@pytest.mark.parametrize(
    ("header", "capped"),
    [
        ("max-age=600, public", "max-age=300, public"),
        ("public, s-maxage=900, max-age=60", "public, s-maxage=300, max-age=60"),
        ('MAX-AGE="600"', "MAX-AGE=300"),
        ("max-age=200, stale-while-revalidate=600", "max-age=200, stale-while-revalidate=100"),
        ("max-age=300, stale-if-error=1", "max-age=300, stale-if-error=0"),
        ("max-age=300", "max-age=300"),
        ("no-store", "no-store"),
    ],
)
def test_directives(header: str, capped: str) -> None:
    """Lower each directive that lets a cache keep the response, and touch no other."""
    response = HttpResponse(headers={"Cache-Control": header})
    with at(NOW), watch_expiry():
        sign(300)
        patch_cache_control(response)
    assert control(response) == capped


def test_expires() -> None:
    """Lower Expires too, which old caches read."""
    for seconds, capped in ((600, 300), (200, 200)):
        response = HttpResponse(headers={"Expires": http_date(NOW + seconds)})
        with at(NOW), watch_expiry():
            sign(300)
            patch_cache_control(response)
        assert parse_http_date(response.headers["Expires"]) == NOW + capped


def test_url_that_ended() -> None:
    """Let a response be kept for no time whose URLs have ended, or end within the reserve."""
    for now, reserve in ((NOW + 400, 0), (NOW + 280, 30)):
        response = HttpResponse(headers={"Cache-Control": "max-age=600"})
        with at(NOW), watch_expiry():
            sign(300)
            patch_cache_control(response, now=now, reserve=reserve)
        assert control(response) == "max-age=0"


def test_nothing_signed() -> None:
    """Leave a response alone that holds no signed URL."""
    response = HttpResponse()
    with watch_expiry():
        patch_cache_control(response, max_age=600)
    assert control(response) == "max-age=600"


def test_nobody_watches() -> None:
    """Say what is missing where nothing knows which URLs were signed."""
    with pytest.raises(ImproperlyConfigured, match="cap_cache_control"):
        patch_cache_control(HttpResponse())


class TestDjangosMiddleware:
    """Django's cache middleware, round this one."""

    @pytest.fixture(autouse=True)
    def _middleware(self, site: Any) -> None:
        site.MIDDLEWARE = [UPDATE, CAP, FETCH]
        site.CACHE_MIDDLEWARE_SECONDS = 600

    @pytest.mark.parametrize("name", ["plain", "template", "long", "patched"])
    def test_no_dead_links(self, name: str) -> None:
        """Keep a page for as long as its URLs live, and then make it anew."""
        first = get(name).content.decode()
        for now in range(NOW, NOW + 1200, 7):
            url = get(name, now).content.decode()
            assert verify(storages["default"], url, now=now).date_less_than > now  # type: ignore[arg-type]
        assert url != first

    def test_page_is_kept(self) -> None:
        """Give the page from the cache until its URLs end."""
        first = get("plain").content
        late = get("plain", NOW + 299)
        assert late.content == first
        assert control(late) == "max-age=1"
        assert get("plain", NOW + 301).content != first

    @pytest.mark.parametrize(
        ("name", "header"),
        [
            ("without", "max-age=600"),
            ("short", "max-age=60"),
            ("private", "private"),
            ("stream", None),
            ("with_cookie", None),
            ("with_any_vary", None),
            ("missing", None),
        ],
    )
    def test_others(self, name: str, header: str | None) -> None:
        """Leave to Django what has no URLs, is kept shortly, or is not kept at all."""
        assert control(get(name)) == header


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as a warning."""
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


@pytest.mark.parametrize("name", ["long", "kept_by_django", "async"])
def test_warning(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Warn once for each route whose response asked for more than its URLs live."""
    client = Client()
    for number in range(3):
        get(name, NOW + 1000 * number, client)
    (message,) = warnings_of(caplog)
    assert re.search(rf"{name} says that it may be cached for 600 s.* in 300 s", message)
    assert "Signature" not in message


def test_stale_pages_of_djangos_middleware(site: Any) -> None:
    """Count what Django's middleware will add before a stale page gets what is left."""
    site.MIDDLEWARE = [UPDATE, CAP, FETCH]
    for now in (NOW, NOW + 100):
        ages = dict(re.findall(r"([a-z-]+)=(\d+)", control(get("stale", now)) or ""))
        assert sum(map(int, ages.values())) <= 300 - (now - NOW)


def test_pages_without_urls_stay_as_they_are() -> None:
    """Leave alone how long others keep a page without signed URLs, also out of a cache."""
    first = control(get("shared"))
    assert first is not None
    assert "s-maxage=86400" in first
    assert control(get("shared", NOW + 50)) == first


def test_warning_of_another_life(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Warn once for a route whose URLs are stable, so that their life is another one each time."""
    site.AWS_CLOUDFRONT_EXPIRE_STEP = 100
    client = Client()
    for second in range(5):
        get("long", NOW + second, client)
    assert len(warnings_of(caplog)) == 1


def test_warnings_end(caplog: pytest.LogCaptureFixture) -> None:
    """Warn of so many routes only: paths without a route are as many as people ask for."""
    client = Client()
    with mock.patch.object(http, "MAX_WARNINGS", 1):
        for name in ("long", "kept_by_django"):
            get(name, client=client)
    assert len(warnings_of(caplog)) == 1


def test_no_warning_of_moments(caplog: pytest.LogCaptureFixture) -> None:
    """Warn of nothing where the page asks for just the life of its URLs, and takes a moment."""
    response = HttpResponse(headers={"Cache-Control": "max-age=300"})

    def view(request: HttpRequest) -> HttpResponse:
        sign(300)
        return response

    sign()  # its first look at the settings reads the clock as well
    with mock.patch("cfsigned_django.storage.urls.time.time", side_effect=itertools.count(NOW)):
        http.cap_cache_control(view)(HttpRequest())
    assert control(response) == "max-age=299"
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("name", ["plain", "short", "kept", "kept_shortly", "patched"])
def test_no_warning(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Warn of nothing that is in order."""
    get(name)
    assert warnings_of(caplog) == []
