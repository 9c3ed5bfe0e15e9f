"""No cache keeps a response, or a page of the site, for longer than its signed URLs live."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import uuid
from collections.abc import Callable, Iterator
from functools import partial
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

MENU = f"{__name__}.add_menu"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
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


def with_cookie(request: HttpRequest, vary: str = "Cookie") -> HttpResponse:
    """Show a signed URL to one viewer."""
    response = HttpResponse(sign(), headers={"Vary": vary})
    response.set_cookie("a", "b")
    return response


def add_menu(get_response: Any) -> Any:
    """Return middleware that adds to each page that is not rendered yet."""

    class Menu:
        def __call__(self, request: HttpRequest) -> Any:
            return get_response(request)

        def process_template_response(self, request: HttpRequest, response: Any) -> Any:
            if not response.is_rendered:
                response.context_data["menu"] = "menu "
            return response

    return Menu()


def enter(request: HttpRequest) -> HttpResponse:
    """Make every visitor a member, and have something said on the next page."""
    request.session["member"] = True
    messages.success(request, "for one alone", fail_silently=True)
    return HttpResponse("welcome")


def for_members(request: HttpRequest) -> HttpResponse:
    """Show a signed URL to members only."""
    is_member = request.session.get("member")
    return HttpResponse(sign()) if is_member else HttpResponse(status=403)


async def for_members_async(request: HttpRequest) -> HttpResponse:
    """Do the same in a coroutine."""
    is_member = await request.session.aget("member")
    return HttpResponse(sign()) if is_member else HttpResponse(status=403)


def guest(request: HttpRequest) -> HttpResponse:
    """Begin a session for every visitor, and show a signed URL."""
    return HttpResponse(f"{request.session.setdefault('guest', uuid.uuid4().hex)} {sign()}")


def with_messages(request: HttpRequest) -> HttpResponse:
    """Show what is to be said, and a signed URL."""
    return HttpResponse(" ".join([*map(str, messages.get_messages(request)), sign()]))


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
    "redirect": lambda request: HttpResponseRedirect(sign()),
    "never": page({"Expires": "0"}),  # no date, as old sites say it
    "stale": aged("stale-while-revalidate=600"),
    "long": aged("max-age=600"),
    "short": aged("max-age=60"),
    "at_once": aged("max-age=0"),
    "by_shared": aged("max-age=60, s-maxage=600"),
    "private": aged("private"),
    "in_browsers": cache_control(max_age=86_400)(without),
    "by_django": cache_page_of_django(600)(page()),
    "shared": cache_page_of_django(60)(cache_control(s_maxage=86_400)(without)),
    "enter": enter,
    "members": for_members,
    "members_async": for_members_async,
    "guest": guest,
    "messages": with_messages,
    "token": lambda request: HttpResponse(f"{get_token(request)} {sign()}"),
}
#: What cache_page() keeps with other arguments, or in another order of decorators.
KEPT: dict[str, Any] = {
    "shortly": cache_page(100)(page()),
    "without_reserve": cache_page(600, reserve=0)(template),
    "twice": cache_page(600, key_prefix="outer")(cache_page(600, reserve=0)(template)),
    "outside": cache_control(stale_while_revalidate=900)(cache_page(600)(page())),
    "for_all": cache_page(600, shared=True)(page()),
    "for_all_with_cookie": cache_page(600, shared=True)(partial(with_cookie, vary="Accept")),
    "for_all_guests": cache_page(600, shared=True)(guest),
    "for_all_messages": cache_page(600, shared=True)(with_messages),
}
#: For how many seconds such a page is kept whose URLs live for 300 s.
AGES = {"plain": 240, "without_reserve": 300, "async": 240, "shortly": 100}
urlpatterns = [
    path("long/<int:second>", lambda request, second: aged("max-age=600")(request)),
    *(path(name, view) for name, view in VIEWS.items()),
    *(path(f"kept/{name}", cache_page(600)(view)) for name, view in VIEWS.items()),
    *(path(f"kept/{name}", view) for name, view in KEPT.items()),
]


@pytest.fixture(autouse=True)
def _site(own_urls: None, site: Any) -> Iterator[None]:
    """Give the site these views, the middleware, sessions without a database, and no pages."""
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND}}
    site.MIDDLEWARE = [CAP]
    site.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
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


def check_alive(response: Any, now: int) -> None:
    """Fail if CloudFront refuses the URL of the page at that moment."""
    url = response.content.decode().split()[-1]
    assert verify("default", url, now=now).date_less_than > now


@pytest.mark.parametrize(
    ("middleware", "name"),
    [
        *((BY_DJANGO, name) for name in ("plain", "template", "long", "patched", "stale")),
        *(([], f"kept/{name}") for name in ("never", "stale", "twice", "outside")),
        *(([CAP], f"kept/{name}") for name in ("never", "stale", "twice", "outside")),
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
        if name == "kept/outside" and not middleware:
            del ages["stale-while-revalidate"]  # added round the decorator: nothing can cap it
        left = sum(map(int, ages.values())) - int(page.headers.get("Age", 0))
        check_alive(page, now + max(0, left - 1))
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


@pytest.mark.parametrize("name", ["async", "long"])
def test_async_handler(name: str) -> None:
    """Cap what a view returns under an async handler."""
    with at(NOW):
        assert control(asyncio.run(AsyncClient().get(f"/{name}"))) == "max-age=300"


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
        ("max-age=300", 0, 0, "max-age=300"),
        ("no-store", 0, 0, "no-store"),
        ("max-age=600", 400, 0, "max-age=0"),
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
    assert parse_http_date(response.headers["Expires"]) == NOW + capped


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


@pytest.mark.parametrize("name", ["plain", "short", "kept/plain", "kept/shortly", "patched"])
def test_no_warning(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Warn of nothing that is in order."""
    get(name)
    assert warnings_of(caplog) == []


# Pages in the cache of the site


@pytest.mark.parametrize(
    ("middleware", "name", "age"),
    [
        (BY_DJANGO, "plain", 300),
        *(([], f"kept/{name}", age) for name, age in AGES.items()),
        *(([CAP], f"kept/{name}", age) for name, age in AGES.items()),
        ([MENU], "kept/template", 240),
    ],
    ids=str,
)
def test_life(middleware: list[str], name: str, age: int, site: Any) -> None:
    """Keep a page for less than its URLs live, in browsers too, with what middleware added."""
    site.MIDDLEWARE = middleware
    first = get(name)
    assert control(first) == f"max-age={age}"
    assert first.content.startswith(b"menu https:" if middleware == [MENU] else b"https:")
    for now in (NOW, NOW + age - 1, NOW + age + 1, NOW + 1000):
        response = get(name, now)
        check_alive(response, now)
        assert (response.content == first.content) == (now < NOW + age)
        if now < NOW + age:
            assert control(response) == f"max-age={NOW + age - now}"


class TestCachePage:
    """The decorator, which needs no middleware."""

    @pytest.fixture(autouse=True)
    def _no_middleware(self, site: Any) -> None:
        site.MIDDLEWARE = []

    def test_of_others(self) -> None:
        """Keep a page without URLs as long as asked for, and a private one not at all."""
        assert control(get("kept/without")) == "max-age=600"
        first = get("kept/private")
        assert control(first) == "private"
        assert get("kept/private", NOW + 1).content != first.content

    @pytest.mark.parametrize("name", ["members", "members_async"])
    def test_of_a_member(self, name: str, site: Any) -> None:
        """Cache the page of a logged-in viewer for that viewer only."""
        site.MIDDLEWARE = [SESSIONS, CAP]
        member = Client()
        member.get("/enter")
        first = get(f"kept/{name}", NOW, member)
        assert get(f"kept/{name}", NOW + 1, member).content == first.content
        assert get(f"kept/{name}", NOW + 1).status_code == 403
        assert first.headers["Vary"] == "Cookie, Authorization"

    @pytest.mark.parametrize("name", ["guest", "token"])
    def test_of_a_newcomer(self, name: str, site: Any) -> None:
        """Keep no page that begins something for one viewer, who has no cookie yet."""
        site.MIDDLEWARE = [SESSIONS, "django.middleware.csrf.CsrfViewMiddleware", CAP]
        first, second = get(f"kept/{name}"), get(f"kept/{name}")
        assert first.content.split()[0] != second.content.split()[0]
        assert first.cookies.keys() == second.cookies.keys() != set()

    def test_with_messages(self, site: Any) -> None:
        """Show messages only to their viewer, and once."""
        site.MIDDLEWARE = [SESSIONS, MESSAGES, CAP]
        one = Client()
        one.get("/enter")
        assert b"for one alone" in get("kept/messages", NOW, one).content
        for client in (Client(), one, one):
            page = get("kept/messages", NOW + 1, client)
            assert page.content.startswith(b"https://")
            assert page.headers["Vary"] == "Cookie, Authorization"
        assert get("kept/messages", NOW + 2, one).content == page.content

    @pytest.mark.parametrize("options", [{"key_prefix": "a"}, {"cache": "other"}], ids=str)
    def test_has_a_place(self, options: dict[str, Any], site: Any) -> None:
        """Keep pages apart by prefix, and in the cache that is named."""
        memory = "django.core.cache.backends.locmem.LocMemCache"
        site.CACHES = {
            "default": {"BACKEND": memory},
            "other": {"BACKEND": memory, "LOCATION": "b"},
        }
        request = RequestFactory().get("/")
        here, there = cache_page(600)(without), cache_page(600, **options)(without)
        first = here(request).content
        assert there(request).content != first
        assert here(request).content == first

    def test_for_everybody(self, site: Any) -> None:
        """Keep one copy for everyone if the view says so and reads no session and no messages."""
        site.MIDDLEWARE = [SESSIONS, MESSAGES, CAP]
        site.MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
        first = get("kept/for_all")
        assert not first.has_header("Vary")
        assert get("kept/for_all", NOW + 1).content == first.content
        for name in ("for_all_guests", "for_all_messages"):
            assert get(f"kept/{name}").has_header("Vary")
        assert not get("kept/without").has_header("Vary")

    @pytest.mark.parametrize(
        "viewer", [{"HTTP_COOKIE": "who=ann"}, {"HTTP_AUTHORIZATION": "Token ann"}], ids=list
    )
    def test_for_one_viewer(self, viewer: dict[str, Any]) -> None:
        """Show no cached page with signed URLs to a viewer with other cookies or another token."""
        pages = [get("kept/plain"), get("kept/plain", NOW + 1, Client(**viewer))]
        assert pages[0].content != pages[1].content
        assert get("kept/plain", NOW + 2, Client(**viewer)).content == pages[1].content
        assert get("kept/plain", NOW + 2).content == pages[0].content

    @pytest.mark.parametrize(
        "name", ["redirect", "missing", "with_cookie", "for_all_with_cookie", "plain"]
    )
    def test_of_what_is_no_page(self, name: str) -> None:
        """Keep no redirect, no error, no page with a cookie and no answer to a form anywhere."""
        found = set()
        for now in (NOW, NOW + 1):
            viewer = Client(HTTP_COOKIE="who=ann")
            with at(now):
                ask = viewer.post if name == "plain" else viewer.get
                response = ask(f"/kept/{name}")
            assert control(response) is None
            assert not response.has_header("Expires")
            found.add((response.content, response.headers.get("Location")))
        assert len(found) == 2

    def test_has_its_own_time(self) -> None:
        """Keep a page here for the time of the decorator, whatever browsers are told."""
        first = get("kept/at_once")
        assert control(first) == "max-age=0"
        assert get("kept/at_once", NOW + 239).content == first.content
        assert get("kept/at_once", NOW + 241).content != first.content
        assert control(get("kept/in_browsers")) == "max-age=600"
        later = get("kept/in_browsers", NOW + 400)
        assert (control(later), later.headers["Age"]) == ("max-age=600", "400")
        assert not get("kept/in_browsers", NOW + 601).has_header("Age")

    def test_counts_its_age_once(self) -> None:
        """Say how long a kept page lasts in one header: Django's Age would be taken off again."""
        get("kept/by_shared")
        response = get("kept/by_shared", NOW + 100)
        assert control(response) == "max-age=60, s-maxage=140"
        assert not response.has_header("Age")
