"""Let no cache keep a response, or a page of the site, for longer than its signed URLs live."""

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
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.template.response import TemplateResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path
from django.utils.http import http_date, parse_http_date
from django.views.decorators.cache import cache_control, cache_page as cache_page_of_django

from cfsigned_django import http
from cfsigned_django.http import cache_page, patch_cache_control, watch_expiry
from tests.storage_cases import NOW, S3_BACKEND, at, verify

UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
CAP = "cfsigned_django.http.cap_cache_control"


# Views


def sign(expire: int = 300) -> str:
    """Return a signed URL."""
    return storages["default"].url("a.jpg", expire=expire)  # type: ignore[call-arg]


def plain(request: HttpRequest) -> HttpResponse:
    """Show a signed URL."""
    return HttpResponse(sign())


async def in_async(request: HttpRequest) -> HttpResponse:
    """Show a signed URL, from a coroutine."""
    return HttpResponse(sign(), headers={"Cache-Control": "max-age=600"})


def template(request: HttpRequest) -> TemplateResponse:
    """Show a signed URL that is signed when the response is rendered."""
    text = "{% load cfsigned %}{% signed_url 'a.jpg' expire=300 as url %}{{ url|safe }}"
    return TemplateResponse(request, engines["django"].from_string(text))


def without(request: HttpRequest) -> HttpResponse:
    """Show no URL, and say nothing."""
    return HttpResponse("none")


def with_cookie(request: HttpRequest) -> HttpResponse:
    """Show a signed URL to one viewer."""
    response = HttpResponse(sign(), headers={"Vary": "Cookie"})
    response.set_cookie("a", "b")
    return response


def stale(request: HttpRequest) -> HttpResponse:
    """Show a signed URL on a page that may be shown while another is fetched."""
    return HttpResponse(sign(), headers={"Cache-Control": "stale-while-revalidate=600"})


def missing(request: HttpRequest) -> HttpResponse:
    """Show a signed URL on a page of an error."""
    return HttpResponse(sign(), status=404)


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


def enter(request: HttpRequest) -> HttpResponse:
    """Make every visitor a member."""
    request.session["member"] = True
    return HttpResponse("welcome")


def for_members(request: HttpRequest) -> HttpResponse:
    """Show a signed URL to members only."""
    if not request.session.get("member"):
        return HttpResponse(status=403)
    return plain(request)


async def for_members_async(request: HttpRequest) -> HttpResponse:
    """Show a signed URL to members only, from a coroutine."""
    if not await request.session.aget("member"):
        return HttpResponse(status=403)
    return plain(request)


def redirect(request: HttpRequest) -> HttpResponse:
    """Lead to a signed URL."""
    return HttpResponseRedirect(sign())


def with_menu(request: HttpRequest) -> TemplateResponse:
    """Show a signed URL beside what a middleware adds to the page."""
    text = "{% load cfsigned %}{{ menu }} {% signed_url 'a.jpg' expire=300 as url %}{{ url|safe }}"
    return TemplateResponse(request, engines["django"].from_string(text), {})


class Menu:
    """Middleware that adds to each page that is not rendered yet."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Pass the request on."""
        return self.get_response(request)

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        """Add the menu."""
        if not response.is_rendered:
            response.context_data["menu"] = "menu"
        return response


def guest(request: HttpRequest) -> HttpResponse:
    """Begin a session for every visitor, and show a signed URL."""
    return HttpResponse(f"{request.session.setdefault('guest', uuid.uuid4().hex)} {sign()}")


async def guest_async(request: HttpRequest) -> HttpResponse:
    """Begin a session for every visitor, from a coroutine."""
    name = uuid.uuid4().hex
    await request.session.aset("guest", name)
    return HttpResponse(f"{name} {sign()}")


def say(request: HttpRequest) -> HttpResponse:
    """Have something said on the next page."""
    messages.success(request, "for one alone")
    return HttpResponse("said")


def with_messages(request: HttpRequest) -> HttpResponse:
    """Show what is to be said, and a signed URL."""
    return HttpResponse(" ".join([*map(str, messages.get_messages(request)), sign()]))


def with_token(request: HttpRequest) -> HttpResponse:
    """Show a form's token, and a signed URL."""
    return HttpResponse(f"{get_token(request)} {sign()}")


def never(request: HttpRequest) -> HttpResponse:
    """Show a signed URL with an Expires that is no date, as old sites say it."""
    return HttpResponse(sign(), headers={"Expires": "0"})


def by_prefix(request: HttpRequest) -> HttpResponse:
    """Show something else each time."""
    return HttpResponse(uuid.uuid4().hex)


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
    path("kept_by_django", cache_page_of_django(600)(plain)),
    path("kept_guest", cache_page(600)(guest)),
    path("kept_guest_async", cache_page(600)(guest_async)),
    path("say", say),
    path("kept_messages", cache_page(600)(with_messages)),
    path("kept_token", cache_page(600)(with_token)),
    path("kept_never", cache_page(600)(never)),
    path("kept_stale", cache_page(600)(stale)),
    path("kept_twice", cache_page(600, key_prefix="outer")(cache_page(600, reserve=0)(template))),
    path("kept_outside", cache_control(stale_while_revalidate=900)(cache_page(600)(plain))),
    path("enter", enter),
    path("kept_redirect", cache_page(600)(redirect)),
    path("kept_missing", cache_page(600)(missing)),
    path("kept_with_cookie", cache_page(600)(with_cookie)),
    path("kept_with_menu", cache_page(600)(with_menu)),
    path("kept_on_the_site", cache_page(600)(cache_control(max_age=0)(plain))),
    path("kept_in_browsers", cache_page(600)(cache_control(max_age=86_400)(without))),
    path("kept_by_shared", cache_page(600)(cache_control(max_age=60, s_maxage=600)(plain))),
    path("kept_for_members", cache_page(600)(for_members)),
    path("kept_for_members_async", cache_page(600)(for_members_async)),
    path("kept", cache_page(600)(plain)),
    path("kept_shared", cache_page(600, shared=True)(plain)),
    path("kept_shared_for_members", cache_page(600, shared=True)(guest)),
    path("kept_template", cache_page(600, reserve=0)(template)),
    path("kept_async", cache_page(600)(in_async)),
    path("kept_without", cache_page(600)(without)),
    path("kept_shortly", cache_page(100)(plain)),
    path("kept_private", cache_page(600)(cache_control(private=True)(plain))),
]


@pytest.fixture(autouse=True)
def _site(site: Any) -> Iterator[None]:
    """Let the site have these views, the middleware, sessions without a database, and no pages."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.ROOT_URLCONF = __name__
    site.MIDDLEWARE = [CAP]
    site.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    cache.clear()
    yield
    cache.clear()


def get(name: str, now: float = NOW, client: Client | None = None) -> Any:
    """Return the response at that moment; each client is a server of its own."""
    with at(now):
        return (client or Client()).get(f"/{name}")


def control(response: Any) -> str | None:
    """Return the header of the response."""
    return response.headers.get("Cache-Control")  # type: ignore[no-any-return]


def check_alive(response: Any, now: int) -> None:
    """Fail if CloudFront refuses the URL of the page at that moment."""
    url = response.content.decode()
    assert verify(storages["default"], url, now=now).date_less_than > now  # type: ignore[arg-type]


# The headers of one response


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
        first = get(name).content
        for now in range(NOW, NOW + 1200, 13):
            page = get(name, now)
            check_alive(page, now)
        assert page.content != first

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


class TestCachePage:
    """Pages in the cache of the site; the decorator needs no middleware."""

    @pytest.fixture(autouse=True)
    def _no_middleware(self, site: Any) -> None:
        site.MIDDLEWARE = []

    @pytest.mark.parametrize(
        ("name", "age"),
        [("kept", 240), ("kept_template", 300), ("kept_async", 240), ("kept_shortly", 100)],
    )
    def test_life(self, name: str, age: int, site: Any) -> None:
        """Keep a page for less than its URLs live, in browsers too, with and without middleware."""
        for middleware in ([CAP], []):
            site.MIDDLEWARE = middleware
            cache.clear()
            first = get(name)
            assert control(first) == f"max-age={age}"
            for now in (NOW, NOW + age - 1, NOW + age + 1, NOW + 1000):
                response = get(name, now)
                check_alive(response, now)
                if now < NOW + age:
                    assert response.content == first.content
                    assert control(response) == f"max-age={NOW + age - now}"
                else:
                    assert response.content != first.content

    def test_of_others(self) -> None:
        """Keep a page without URLs as long as asked for, and a private one not at all."""
        assert control(get("kept_without")) == "max-age=600"
        first = get("kept_private")
        assert control(first) == "private"
        assert get("kept_private", NOW + 1).content != first.content

    @pytest.mark.parametrize("name", ["kept_for_members", "kept_for_members_async"])
    def test_of_a_member(self, name: str, site: Any) -> None:
        """Keep the page of one who is logged in for that one: nobody else gets its links."""
        site.MIDDLEWARE = [SESSIONS, CAP]
        member = Client()
        member.get("/enter")
        with at(NOW):
            first = member.get(f"/{name}")
        with at(NOW + 1):
            assert member.get(f"/{name}").content == first.content
            assert Client().get(f"/{name}").status_code == 403
        assert first.headers["Vary"] == "Cookie, Authorization"

    @pytest.mark.parametrize("name", ["kept_guest", "kept_guest_async", "kept_token"])
    def test_of_a_newcomer(self, name: str, site: Any) -> None:
        """Keep no page that begins something for one viewer, who has no cookie yet."""
        site.MIDDLEWARE = [SESSIONS, "django.middleware.csrf.CsrfViewMiddleware", CAP]
        first, second = get(name), get(name)
        assert first.content.split()[0] != second.content.split()[0]
        assert first.cookies.keys() == second.cookies.keys() != set()

    def test_with_messages(self, site: Any) -> None:
        """Show what is said to one viewer to nobody else, and once."""
        site.MIDDLEWARE = [SESSIONS, "django.contrib.messages.middleware.MessageMiddleware", CAP]
        one = Client()
        one.get("/say")
        with at(NOW):
            assert b"for one alone" in one.get("/kept_messages").content
        for client in (Client(), one, one):
            with at(NOW + 1):
                page = client.get("/kept_messages")
            assert page.content.startswith(b"https://")
            assert page.headers["Vary"] == "Cookie, Authorization"
        with at(NOW + 2):
            assert one.get("/kept_messages").content == page.content

    @pytest.mark.parametrize("middleware", [[], [CAP]], ids=len)
    @pytest.mark.parametrize("name", ["kept_never", "kept_stale", "kept_twice", "kept_outside"])
    def test_no_cache_holds_dead_links(self, name: str, middleware: list[str], site: Any) -> None:
        """Let neither the site nor a viewer's cache show a page after its URLs have ended."""
        site.MIDDLEWARE = middleware
        for now in range(NOW, NOW + 1200, 13):
            page = get(name, now)
            said = {
                key: int(value)
                for key, value in re.findall(r"([a-z-]+)=(\d+)", control(page) or "")
            }
            if name == "kept_outside" and not middleware:
                del said[
                    "stale-while-revalidate"
                ]  # added round the decorator, with nothing to cap it
            shown_until = now + sum(said.values()) - int(page.headers.get("Age", 0))
            check_alive(page, shown_until - 1)

    @pytest.mark.parametrize("options", [{"key_prefix": "a"}, {"cache": "other"}], ids=str)
    def test_has_a_place(self, options: dict[str, Any], site: Any) -> None:
        """Keep pages apart by prefix, and in the cache that is named."""
        memory = "django.core.cache.backends.locmem.LocMemCache"
        site.CACHES = {
            "default": {"BACKEND": memory},
            "other": {"BACKEND": memory, "LOCATION": "b"},
        }
        request = RequestFactory().get("/")
        here, there = cache_page(600)(by_prefix), cache_page(600, **options)(by_prefix)
        first = here(request).content
        assert there(request).content != first
        assert here(request).content == first

    def test_for_everybody(self, site: Any) -> None:
        """Keep one copy for everyone if the view says so and does not read the session."""
        site.MIDDLEWARE = [SESSIONS, CAP]
        first = get("kept_shared")
        assert not first.has_header("Vary")
        assert get("kept_shared", NOW + 1).content == first.content
        for name in ("kept_shared_for_members", "kept_without"):
            assert get(name).has_header("Vary") == (name != "kept_without")

    @pytest.mark.parametrize(
        "viewer", [{"HTTP_COOKIE": "who=ann"}, {"HTTP_AUTHORIZATION": "Token ann"}], ids=list
    )
    def test_for_one_viewer(self, viewer: dict[str, str]) -> None:
        """Show a page with signed URLs to nobody who has other cookies, or another token."""
        pages = [get("kept", NOW, Client()), get("kept", NOW + 1, Client(**viewer))]  # type: ignore[arg-type]
        assert pages[0].content != pages[1].content
        assert get("kept", NOW + 2, Client(**viewer)).content == pages[1].content  # type: ignore[arg-type]
        assert get("kept", NOW + 2).content == pages[0].content

    def test_keeps_no_cookie(self) -> None:
        """Keep no response that sets a cookie, even for a viewer who has cookies."""
        viewer = Client(HTTP_COOKIE="who=ann")
        first = get("kept_with_cookie", NOW, viewer)
        assert get("kept_with_cookie", NOW + 1, viewer).content != first.content
        assert control(first) is None

    @pytest.mark.parametrize("name", ["kept_redirect", "kept_missing", "kept_with_cookie", "kept"])
    def test_of_what_is_no_page(self, name: str) -> None:
        """Let no cache keep a redirect, an error, the answer to a form, or a page with a cookie."""
        with at(NOW):
            response = Client().post("/kept") if name == "kept" else Client().get(f"/{name}")
        assert control(response) is None
        assert not response.has_header("Expires")

    def test_has_its_own_time(self) -> None:
        """Keep a page here for the time of the decorator, whatever browsers are told."""
        first = get("kept_on_the_site")
        assert control(first) == "max-age=0"
        assert get("kept_on_the_site", NOW + 239).content == first.content
        assert get("kept_on_the_site", NOW + 241).content != first.content
        assert control(get("kept_in_browsers")) == "max-age=600"
        later = get("kept_in_browsers", NOW + 400)
        assert (control(later), later.headers["Age"]) == ("max-age=600", "400")
        assert not get("kept_in_browsers", NOW + 601).has_header("Age")

    def test_counts_its_age_once(self) -> None:
        """Say how long a kept page lasts in one header: Django's Age would be taken off again."""
        get("kept")
        response = get("kept", NOW + 100)
        assert control(response) == "max-age=140"
        assert not response.has_header("Age")
        get("kept_by_shared")
        assert control(get("kept_by_shared", NOW + 100)) == "max-age=60, s-maxage=140"

    def test_of_a_template_response(self, site: Any) -> None:
        """Keep a page with what middleware added, and with the life of URLs in its template."""
        site.MIDDLEWARE = [f"{__name__}.Menu"]
        first = get("kept_with_menu")
        assert first.content.startswith(b"menu https://")
        assert control(first) == "max-age=240"
        assert get("kept_with_menu", NOW + 239).content == first.content
        assert get("kept_with_menu", NOW + 241).content != first.content
