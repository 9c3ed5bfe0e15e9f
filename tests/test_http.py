"""No cache keeps a response for longer than its signed URLs live."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client
from django.urls import path
from django.utils.http import http_date
from django.views.decorators.cache import cache_control, cache_page
from django.views.decorators.vary import vary_on_headers

from cfsigned_django import http
from cfsigned_django.http import patch_cache_control, watch_expiry
from tests.storage_cases import NOW, S3_BACKEND, at, verify

CAP = "cfsigned_django.http.cap_cache_control"
BY_DJANGO = [
    "django.middleware.cache.UpdateCacheMiddleware",
    CAP,
    "django.middleware.cache.FetchFromCacheMiddleware",
]


# Views


def sign(expire: int = 300) -> str:
    """Return a signed URL."""
    return storages["default"].url("a.jpg", expire=expire)  # type: ignore[call-arg]


def page(
    headers: dict[str, str] | None = None, status: int = 200
) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that shows a signed URL."""
    return lambda request: HttpResponse(sign(), status=status, headers=headers)


def aged(control: str) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that shows a signed URL, and says for how long a cache may keep that."""
    return page({"Cache-Control": control})


async def in_async(request: HttpRequest) -> HttpResponse:
    """Show a signed URL, from a coroutine."""
    return HttpResponse(sign(), headers={"Cache-Control": "max-age=600"})


def template(request: HttpRequest) -> TemplateResponse:
    """Show a signed URL that is signed when the response is rendered, after what is added to it."""
    text = "{% load cfsigned %}{{ menu }}{% signed_url 'a.jpg' expire=300 as url %}{{ url|safe }}"
    return TemplateResponse(request, engines["django"].from_string(text), {})


def patched(request: HttpRequest) -> Any:
    """Show a page that says itself for how long it may be kept."""
    response = template(request)
    patch_cache_control(response, reserve=20, public=True, max_age=600)
    return response


def without(request: HttpRequest) -> HttpResponse:
    """Show no URL, and another page each time."""
    return HttpResponse(uuid.uuid4().hex)


def with_cookie(request: HttpRequest) -> HttpResponse:
    """Show a signed URL to one viewer."""
    response = HttpResponse(sign(), headers={"Vary": "Cookie"})
    response.set_cookie("a", "b")
    return response


VIEWS: dict[str, Any] = {
    "plain": page(),
    "async": in_async,
    "template": template,
    "patched": patched,
    "without": without,
    "stream": lambda request: StreamingHttpResponse([sign()]),
    "with_cookie": with_cookie,
    "with_any_vary": page({"Vary": "*"}),
    "missing": page(status=404),
    "never": page({"Expires": "0"}),  # no date, as old sites say it
    "stale": aged("stale-while-revalidate=600"),
    "long": aged("max-age=600"),
    "short": aged("max-age=60"),
    "by_shared": aged("max-age=60, s-maxage=600"),
    "private": aged("private"),
    "by_django": cache_page(600)(page()),
    "by_the_rule": cache_page(150)(vary_on_headers("Cookie", "Authorization")(page())),
    "shared": cache_page(60)(cache_control(s_maxage=86_400)(without)),
}
urlpatterns = [
    path("long/<int:second>", lambda request, second: aged("max-age=600")(request)),
    *(path(name, view) for name, view in VIEWS.items()),
]


@pytest.fixture(autouse=True)
def _site(own_urls: None, site: Any) -> Iterator[None]:
    """Give the site these views, the middleware, and no pages in its cache."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.MIDDLEWARE = [CAP]
    cache.clear()
    yield
    cache.clear()


def get(name: str, now: float = NOW, client: Client | None = None) -> Any:
    """Return the response at that moment; each client is a separate server."""
    with at(now):
        return (client or Client()).get(f"/{name}")


def control(response: Any) -> str | None:
    """Return the header of the response."""
    return response.headers.get("Cache-Control")  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("middleware", "name"),
    [
        *((BY_DJANGO, name) for name in ("plain", "template", "long", "patched", "stale")),
        *((BY_DJANGO, name) for name in ("never", "by_shared")),
        ([], "by_the_rule"),
        ([CAP], "by_the_rule"),
    ],
    ids=lambda value: value if isinstance(value, str) else len(value),
)
def test_no_dead_links(middleware: list[str], name: str, site: Any) -> None:
    """Neither the site nor a viewer's cache shows a page after its URLs have ended."""
    site.MIDDLEWARE = middleware
    first = get(name)
    for now in range(NOW, NOW + 1200, 29):
        page = get(name, now)
        ages = dict(re.findall(r"([a-z-]+)=(\d+)", control(page) or ""))
        seen = max(int(ages.pop("max-age")), int(ages.pop("s-maxage", 0)))
        left = seen + sum(map(int, ages.values())) - int(page.headers.get("Age", 0))
        last = now + max(0, left - 1)  # the last moment at which it is shown
        assert verify("default", page.content.decode().split()[-1], now=last).date_less_than > last
    assert page.content != first.content


# The headers of one response


#: A middleware, a view, and the Cache-Control of its answer.
LOWERED: list[tuple[list[str], str, str | None]] = [
    ([CAP], "plain", None),
    ([CAP], "template", None),
    ([CAP], "without", None),
    ([CAP], "long", "max-age=300"),
    ([CAP], "short", "max-age=60"),
    ([CAP], "private", "private"),
    ([CAP], "async", "max-age=300"),
    ([CAP], "patched", "public, max-age=280"),
    ([CAP], "stream", None),
    (BY_DJANGO, "plain", "max-age=300"),
    (BY_DJANGO, "without", "max-age=600"),
    (BY_DJANGO, "short", "max-age=60"),
    (BY_DJANGO, "private", "private"),
    (BY_DJANGO, "stream", None),
    (BY_DJANGO, "with_cookie", None),
    (BY_DJANGO, "with_any_vary", None),
    (BY_DJANGO, "missing", None),
]


def test_middleware(site: Any) -> None:
    """Lower a max-age to the life of the URLs, and add none if Django adds none."""
    found = []
    for middleware, name, _ in LOWERED:
        site.MIDDLEWARE = middleware
        found.append((middleware, name, control(get(name))))
    assert found == LOWERED


def test_async_handler() -> None:
    """Cap what a view returns under an async handler."""
    with at(NOW):
        assert control(asyncio.run(AsyncClient().get("/async"))) == "max-age=300"


@pytest.mark.parametrize(
    ("header", "late", "reserve", "capped"),
    [
        ("max-age=600, public", 0, 0, "max-age=300, public"),
        ("public, s-maxage=900, max-age=60", 0, 0, "public, s-maxage=300, max-age=60"),
        ('MAX-AGE="600"', 0, 0, "MAX-AGE=300"),
        (
            "max-age=200, stale-while-revalidate=600",
            0,
            0,
            "max-age=200, stale-while-revalidate=100",
        ),
        ("max-age=300, stale-if-error=1", 0, 0, "max-age=300, stale-if-error=0"),
        ("no-store", 0, 0, "no-store"),
        ("max-age=600", 280, 30, "max-age=0"),
    ],
)
def test_directives(header: str, late: int, reserve: int, capped: str) -> None:
    """Lower each directive that lets a cache keep the response, and touch no other."""
    response = HttpResponse(headers={"Cache-Control": header})
    with watch_expiry():
        with at(NOW):
            sign(300)
        with at(NOW + late):
            patch_cache_control(response, reserve=reserve)
    assert control(response) == capped


@pytest.mark.parametrize(("seconds", "capped"), [(600, 300), (200, 200)])
def test_expires(seconds: int, capped: int) -> None:
    """Lower Expires too, which old caches read."""
    response = HttpResponse(headers={"Expires": http_date(NOW + seconds)})
    with at(NOW), watch_expiry():
        sign(300)
        patch_cache_control(response)
    assert response.headers["Expires"] == http_date(NOW + capped)


def test_nothing_signed() -> None:
    """Leave a response alone without a signed URL, and name what is missing if nobody watches."""
    response = HttpResponse()
    with watch_expiry():
        patch_cache_control(response, max_age=600)
    assert control(response) == "max-age=600"
    with pytest.raises(ImproperlyConfigured, match=r"http\.cap_cache_control"):
        patch_cache_control(HttpResponse())


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged as a warning."""
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


@pytest.mark.parametrize("name", ["long", "long/<int:second>", "by_django", "async"])
@pytest.mark.parametrize("step", [0, 100])
def test_warning(name: str, step: int, site: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Warn once for each route whose response asked for more than its URLs live, or will live."""
    site.AWS_CLOUDFRONT_EXPIRE_STEP = step
    client = Client()
    for second in (0, 1, 2, 1000, 2000):
        get(name.replace("<int:second>", str(second)), NOW + second, client)
    (message,) = warnings_of(caplog)
    assert re.search(rf"{name}\s.*\b600 s.*\b3\d\d s", message)
    assert "Signature" not in message


def test_page_from_a_cache(site: Any) -> None:
    """The max-age of a copy counts from when it was made, as its Age does."""
    site.MIDDLEWARE = BY_DJANGO
    first, kept = get("plain"), get("plain", NOW + 100)
    assert (control(kept), kept.headers["Age"]) == (control(first), "100")
    site.CACHE_MIDDLEWARE_SECONDS = 60
    assert control(get("plain", NOW + 1000)) == "max-age=60"


def test_pages_without_urls_stay_as_they_are() -> None:
    """Leave alone how long others keep a page without signed URLs, also out of a cache."""
    controls = [control(get("shared", now)) for now in (NOW, NOW + 50)]
    assert controls == ["s-maxage=86400, max-age=60"] * 2


def test_warnings_end(caplog: pytest.LogCaptureFixture) -> None:
    """Warn of so many routes only: paths without a route are as many as people ask for."""
    client = Client()
    with mock.patch.object(http, "MAX_WARNINGS", 1):
        for name in ("long", "by_django"):
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


@pytest.mark.parametrize("name", ["plain", "short", "by_the_rule", "patched"])
def test_no_warning(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Warn of nothing that is in order."""
    get(name)
    assert warnings_of(caplog) == []
