"""Let no cache keep a response for longer than the signed URLs in it live."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
from typing import Any
from unittest import mock

import pytest
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
    CAP,
    control,
    empty_cache as empty_cache,
    get,
    in_async,
    missing,
    plain,
    sign,
    stale,
    template,
    with_cookie,
    without,
)
from tests.storage_cases import NOW, at, verify

UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"


def patched(request: HttpRequest) -> Any:
    """Show a page that says itself for how long it may be kept."""
    response = template(request)
    patch_cache_control(response, reserve=20, public=True, max_age=600)
    return response


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
def _site(empty_cache: Any) -> None:
    """Let the site have these views, and the middleware."""
    empty_cache.ROOT_URLCONF = __name__
    empty_cache.MIDDLEWARE = [CAP]


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


@pytest.mark.parametrize("name", ["async", "long"])
def test_async_handler(name: str) -> None:
    """Cap what a view returns under an async handler."""
    with at(NOW):
        assert control(asyncio.run(AsyncClient().get(f"/{name}"))) == "max-age=300"


@pytest.mark.parametrize(
    ("header", "arguments", "capped"),
    [
        ("max-age=600, public", {}, "max-age=300, public"),
        ("public, s-maxage=900, max-age=60", {}, "public, s-maxage=300, max-age=60"),
        ('MAX-AGE="600"', {}, "MAX-AGE=300"),
        ("max-age=200, stale-while-revalidate=600", {}, "max-age=200, stale-while-revalidate=100"),
        ("max-age=300, stale-if-error=1", {}, "max-age=300, stale-if-error=0"),
        ("max-age=300", {}, "max-age=300"),
        ("no-store", {}, "no-store"),
        ("max-age=600", {"now": NOW + 400}, "max-age=0"),
        ("max-age=600", {"now": NOW + 280, "reserve": 30}, "max-age=0"),
    ],
)
def test_directives(header: str, arguments: Any, capped: str) -> None:
    """Lower each directive that lets a cache keep the response, and touch no other."""
    response = HttpResponse(headers={"Cache-Control": header})
    with at(NOW), watch_expiry():
        sign(300)
        patch_cache_control(response, **arguments)
    assert control(response) == capped


@pytest.mark.parametrize(("seconds", "capped"), [(600, 300), (200, 200)])
def test_expires(seconds: int, capped: int) -> None:
    """Lower Expires too, which old caches read."""
    response = HttpResponse(headers={"Expires": http_date(NOW + seconds)})
    with at(NOW), watch_expiry():
        sign(300)
        patch_cache_control(response)
    assert parse_http_date(response.headers["Expires"]) == NOW + capped


def test_nothing_signed() -> None:
    """Leave a response alone without a signed URL, and name what is missing if nobody watches."""
    response = HttpResponse()
    with watch_expiry():
        patch_cache_control(response, max_age=600)
    assert control(response) == "max-age=600"
    with pytest.raises(ImproperlyConfigured, match=r"http\.cap_cache_control"):
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
@pytest.mark.parametrize("step", [0, 100])
def test_warning(name: str, step: int, site: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Warn once for each route whose response asked for more than its URLs live, or will live."""
    site.AWS_CLOUDFRONT_EXPIRE_STEP = step
    client = Client()
    for second in (0, 1, 2, 1000, 2000):
        get(name, NOW + second, client)
    (message,) = warnings_of(caplog)
    assert re.search(rf"{name}\b.*\b600 s.*\b3\d\d s", message)
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


def test_warnings_end(caplog: pytest.LogCaptureFixture) -> None:
    """Warn of so many routes only: paths without a route are as many as people ask for."""
    client = Client()
    with mock.patch.object(http, "MAX_WARNINGS", 1):
        for name in ("long", "kept_by_django"):
            get(name, client=client)
    assert len(warnings_of(caplog)) == 1


def test_no_warning_of_moments(caplog: pytest.LogCaptureFixture) -> None:
    """Log no warning if a page asks for just the life of its URLs, and takes a moment."""
    response = HttpResponse(headers={"Cache-Control": "max-age=300"})

    def view(request: HttpRequest) -> HttpResponse:
        sign(300)
        return response

    sign()  # its first look at the settings reads the clock as well
    with mock.patch("time.time", side_effect=itertools.count(NOW)):
        http.cap_cache_control(view)(HttpRequest())
    assert control(response) == "max-age=299"
    assert warnings_of(caplog) == []


@pytest.mark.parametrize("name", ["plain", "short", "kept", "kept_shortly", "patched"])
def test_no_warning(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Warn of nothing that is in order."""
    get(name)
    assert warnings_of(caplog) == []
