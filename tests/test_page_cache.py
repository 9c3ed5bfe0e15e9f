"""Keep a page in the cache of the site for no longer than the signed URLs in it live."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import messages
from django.core.cache import cache
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.views.decorators.cache import cache_control

from cfsigned_django.http import cache_page
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

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


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
def _site(empty_cache: Any) -> None:
    """Let the site have these views, and sessions that need no database."""
    empty_cache.ROOT_URLCONF = __name__
    empty_cache.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"


@pytest.mark.parametrize(
    ("name", "age"),
    [("kept", 240), ("kept_template", 300), ("kept_async", 240), ("kept_shortly", 100)],
)
def test_cache_page(name: str, age: int, site: Any) -> None:
    """Keep a page for less than its URLs live, also in browsers, with and without middleware."""
    for middleware in ([CAP], []):
        site.MIDDLEWARE = middleware
        cache.clear()
        first = get(name)
        assert control(first) == f"max-age={age}"
        for now in (NOW, NOW + age - 1, NOW + age + 1, NOW + 1000):
            response = get(name, now)
            url = response.content.decode()
            assert verify(storages["default"], url, now=now).date_less_than > now  # type: ignore[arg-type]
            if now < NOW + age:
                assert response.content == first.content
                assert control(response) == f"max-age={NOW + age - now}"
            else:
                assert response.content != first.content


def test_cache_page_of_others() -> None:
    """Keep a page without URLs as long as asked for, and a private one not at all."""
    assert control(get("kept_without")) == "max-age=600"
    first = get("kept_private")
    assert control(first) == "private"
    assert get("kept_private", NOW + 1).content != first.content


@pytest.mark.parametrize("name", ["kept_for_members", "kept_for_members_async"])
def test_cache_page_of_a_member(name: str, site: Any) -> None:
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
def test_cache_page_of_a_newcomer(name: str, site: Any) -> None:
    """Keep no page that begins something for one viewer, who has no cookie yet."""
    site.MIDDLEWARE = [SESSIONS, "django.middleware.csrf.CsrfViewMiddleware", CAP]
    first, second = get(name), get(name)
    assert first.content.split()[0] != second.content.split()[0]
    assert first.cookies.keys() == second.cookies.keys() != set()


def test_cache_page_with_messages(site: Any) -> None:
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
def test_no_cache_holds_dead_links(name: str, middleware: list[str], site: Any) -> None:
    """Let nobody show a page after its URLs have ended: neither the site nor a viewer's cache."""
    site.MIDDLEWARE = middleware
    for now in range(NOW, NOW + 1200, 13):
        page = get(name, now)
        said = {
            key: int(value) for key, value in re.findall(r"([a-z-]+)=(\d+)", control(page) or "")
        }
        if name == "kept_outside" and not middleware:
            del said["stale-while-revalidate"]  # added round the decorator, with nothing to cap it
        shown_until = now + sum(said.values()) - int(page.headers.get("Age", 0))
        url, last = page.content.decode(), shown_until - 1
        assert verify(storages["default"], url, now=last).date_less_than > last  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"key_prefix": "a"}, {"cache": "other"}], ids=str)
def test_cache_page_has_a_place(options: dict[str, Any], site: Any) -> None:
    """Keep pages apart by prefix, and in the cache that is named."""
    memory = "django.core.cache.backends.locmem.LocMemCache"
    site.CACHES = {"default": {"BACKEND": memory}, "other": {"BACKEND": memory, "LOCATION": "b"}}
    request = RequestFactory().get("/")
    here, there = cache_page(600)(by_prefix), cache_page(600, **options)(by_prefix)
    first = here(request).content
    assert there(request).content != first
    assert here(request).content == first


def test_cache_page_for_everybody(site: Any) -> None:
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
def test_cache_page_for_one_viewer(viewer: dict[str, str]) -> None:
    """Show a page with signed URLs to nobody who has other cookies, or another token."""
    pages = [get("kept", NOW, Client()), get("kept", NOW + 1, Client(**viewer))]  # type: ignore[arg-type]
    assert pages[0].content != pages[1].content
    assert get("kept", NOW + 2, Client(**viewer)).content == pages[1].content  # type: ignore[arg-type]
    assert get("kept", NOW + 2).content == pages[0].content


def test_cache_page_keeps_no_cookie() -> None:
    """Keep no response that sets a cookie, even for a viewer who has cookies."""
    viewer = Client(HTTP_COOKIE="who=ann")
    first = get("kept_with_cookie", NOW, viewer)
    assert get("kept_with_cookie", NOW + 1, viewer).content != first.content
    assert control(first) is None


@pytest.mark.parametrize("name", ["kept_redirect", "kept_missing", "kept_with_cookie", "kept"])
def test_cache_page_of_what_is_no_page(name: str) -> None:
    """Let no cache keep a redirect, an error, the answer to a form, or a page with a cookie."""
    with at(NOW):
        response = Client().post("/kept") if name == "kept" else Client().get(f"/{name}")
    assert control(response) is None
    assert not response.has_header("Expires")


def test_cache_page_has_its_own_time() -> None:
    """Keep a page here for the time of the decorator, whatever browsers are told."""
    first = get("kept_on_the_site")
    assert control(first) == "max-age=0"
    assert get("kept_on_the_site", NOW + 239).content == first.content
    assert get("kept_on_the_site", NOW + 241).content != first.content
    assert control(get("kept_in_browsers")) == "max-age=600"
    later = get("kept_in_browsers", NOW + 400)
    assert (control(later), later.headers["Age"]) == ("max-age=600", "400")
    assert not get("kept_in_browsers", NOW + 601).has_header("Age")


def test_cache_page_counts_its_age_once() -> None:
    """Say how long a kept page lasts in one header: Django's Age would be taken off again."""
    get("kept")
    response = get("kept", NOW + 100)
    assert control(response) == "max-age=140"
    assert not response.has_header("Age")
    get("kept_by_shared")
    assert control(get("kept_by_shared", NOW + 100)) == "max-age=60, s-maxage=140"


def test_cache_page_of_a_template_response(site: Any) -> None:
    """Keep a page with what middleware added to it, and with the life of URLs in its template."""
    site.MIDDLEWARE = [f"{__name__}.Menu"]
    first = get("kept_with_menu")
    assert first.content.startswith(b"menu https://")
    assert control(first) == "max-age=240"
    assert get("kept_with_menu", NOW + 239).content == first.content
    assert get("kept_with_menu", NOW + 241).content != first.content
