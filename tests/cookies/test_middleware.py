"""Keep the signed cookies of a viewer valid, and take them away at the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import get_user_model, login, logout
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path

from cfsigned_django.cookies import SignedCookieScope
from cfsigned_django.http import cache_page
from cfsigned_django.signing import PrivateKey
from cfsigned_django.testing import assert_cookies_open, assert_cookies_refuse, forget_keys
from tests.keyring import make_key_pair
from tests.storage_cases import (
    KEY_GROUP_ID,
    NOW,
    OTHER_KEY_ID,
    S3_BACKEND,
    at,
    counted_signatures,
)

MARKER = "cfsigned_cookies"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
OURS = "cfsigned_django.middleware.SignedCookiesMiddleware"

#: How often the scope below was asked, and what it answers if that is not None.
asked: list[HttpRequest] = []
answers: dict[str, Any] = {}


class Courses(SignedCookieScope):
    """Open the courses that are in the session."""

    lifetime = timedelta(minutes=20)

    def get_folders(self, request: HttpRequest) -> Iterable[str]:
        """Return the folders of the courses."""
        asked.append(request)
        if error := answers.get("error"):
            raise error
        return [f"courses/{course}" for course in request.session.get("courses", ())]


class Avatars(SignedCookieScope):
    """Open the avatars to everybody who is logged in."""

    storage = "other"
    lifetime = timedelta(hours=1)

    def get_folders(self, request: HttpRequest) -> Iterable[str]:
        """Return the folder of the avatars."""
        return ["avatars"] if request.session.get("courses") else []


class OfUser(SignedCookieScope):
    """Open the folder of the user."""

    def get_folders(self, request: HttpRequest) -> Iterable[str]:
        """Return the one folder of the user."""
        return f"users/{request.user.pk}" if request.user.is_authenticated else ()


def view(request: HttpRequest) -> HttpResponse:
    """Show a page."""
    return HttpResponse("page")


async def view_async(request: HttpRequest) -> HttpResponse:
    """Show a page, from a coroutine."""
    return HttpResponse("page")


def enter(request: HttpRequest, courses: str) -> HttpResponse:
    """Let the session have these courses; a new one, as at a log-in."""
    request.session.flush()
    request.session["courses"] = [each for each in courses.split(",") if each != "-"]
    request.session.save()
    return HttpResponse("entered")


def buy(request: HttpRequest, course: str) -> HttpResponse:
    """Add a course to the session."""
    request.session["courses"] = [*request.session["courses"], course]
    return HttpResponse("bought")


def leave(request: HttpRequest) -> HttpResponse:
    """End the session, as a log-out does."""
    request.session.flush()
    return HttpResponse("left")


def log_in(request: HttpRequest, name: str) -> HttpResponse:
    """Log a user in."""
    login(request, get_user_model().objects.get(username=name))
    return HttpResponse("in")


def log_out(request: HttpRequest) -> HttpResponse:
    """Log the user out."""
    logout(request)
    return HttpResponse("out")


urlpatterns = [
    path("", view),
    path("async", view_async),
    path("kept", cache_page(600)(view)),
    path("enter/<courses>", enter),
    path("buy/<course>", buy),
    path("leave", leave),
    path("in/<name>", log_in),
    path("out", log_out),
    path("media/", include("cfsigned_django.urls")),
]


@pytest.fixture(autouse=True)
def _site(site: Any) -> None:
    """Configure a site with two scopes, and sessions in memory."""
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "other": {"BACKEND": S3_BACKEND, "OPTIONS": {"location": "public"}},
    }
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = "example.com"
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Courses", f"{__name__}.Avatars"]
    site.ALLOWED_HOSTS = ["*"]
    site.ROOT_URLCONF = __name__
    site.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    site.MIDDLEWARE = [SESSIONS, OURS]
    cache.clear()
    asked.clear()
    answers.clear()


def browser() -> Client:
    """Return a browser at app.example.com."""
    return Client(HTTP_HOST="app.example.com", HTTP_X_FORWARDED_PROTO="https")


def get(client: Client, url: str = "/", now: float = NOW) -> Any:
    """Return the page at that moment, over https."""
    with at(now):
        return client.get(url, secure=True)


def member(courses: str = "42", now: float = NOW) -> Client:
    """Return a browser whose viewer has courses, and the cookies for them."""
    client = browser()
    assert_cookies_open(get(client, f"/enter/{courses}", now), "courses/42/1.ts", now=int(now))
    asked.clear()
    return client


def test_two_scopes() -> None:
    """Set the cookies of all scopes, signed once, and nothing as long as they are good."""
    client = browser()
    with counted_signatures() as signatures:
        response = get(client, "/enter/42,43")
        for name in ("courses/42/1.ts", "courses/43/1.ts"):
            assert_cookies_open(response, name, now=NOW)
        assert_cookies_open(response, "avatars/1.png", storage="other", now=NOW)
        assert_cookies_refuse(response, "courses/44/1.ts", now=NOW)
        assert client.cookies[MARKER]["httponly"]
        asked.clear()
        for _ in range(3):
            response = get(client, now=NOW + 800)
            assert not response.cookies
            assert not response.has_header("Vary")
            assert not response.has_header("Cache-Control")
    assert asked == []
    assert len(signatures) == 3


@pytest.mark.parametrize(
    ("lifetime", "renew_at"), [(1200, 900), (86_400, 86_100), (300, 225)], ids=str
)
def test_renewal(lifetime: int, renew_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew the cookies in the last quarter of their life, and in its last five minutes."""
    for scope in (Courses, Avatars):
        monkeypatch.setattr(scope, "lifetime", lifetime)
    client = member()
    assert not get(client, now=NOW + renew_at - 1).cookies
    response = get(client, now=NOW + renew_at + 1)
    assert_cookies_open(response, "courses/42/1.ts", now=NOW + renew_at + lifetime - 1)
    assert not get(client, now=NOW + renew_at + 2).cookies


def test_public_pages_stay_public() -> None:
    """Ask no scope, and set nothing, for a viewer without a session and without a marker."""
    response = get(browser())
    assert not response.cookies
    assert not response.has_header("Vary")
    assert asked == []
    first = get(browser(), "/kept")
    assert get(browser(), "/kept").headers["Expires"] == first.headers["Expires"]


def test_viewer_without_folders() -> None:
    """Ask again after some minutes whether a viewer may open something by now."""
    client = browser()
    assert {*get(client, "/enter/-").cookies} <= {MARKER, "sessionid"}
    asked.clear()
    get(client, now=NOW + 100)
    assert asked == []
    get(client, now=NOW + 299)
    assert len(asked) == 1


def test_a_cached_page_still_renews() -> None:
    """Renew on a page that comes from cache_page, below the middleware."""
    client = member()
    get(client, "/kept")
    response = get(client, "/kept", now=NOW + 1000)
    assert_cookies_open(response, "courses/42/1.ts", now=NOW + 2000)


def test_asgi() -> None:
    """Set and renew on a server for ASGI, where scopes run in a thread."""
    # Django's client for ASGI has one host.
    with mock.patch("cfsigned_django.cookies.scopes.why_not_from", return_value=""):
        client = AsyncClient()
        with at(NOW):
            response = asyncio.run(client.get("/enter/42"))
            assert_cookies_open(response, "courses/42/1.ts", now=NOW)
            assert not asyncio.run(client.get("/async")).cookies
        with at(NOW + 1000):
            response = asyncio.run(client.get("/async"))
        assert_cookies_open(response, "courses/42/1.ts", now=NOW + 2100)


def gone(response: Any, path: str) -> bool:
    """Return whether a response deletes the cookies of a path."""
    return all(
        morsel["max-age"] == 0 for morsel in response.cookies.values() if morsel["path"] == path
    ) and any(morsel["path"] == path for morsel in response.cookies.values())


def test_log_out() -> None:
    """Take all cookies away in the response of the log-out, with the paths that were set."""
    client = member("42,43")
    response = get(client, "/leave", now=NOW + 10)
    for folder in ("/courses/42/", "/courses/43/", "/public/avatars/"):
        assert gone(response, folder)
    assert response.cookies[MARKER]["max-age"] == 0
    assert asked == []


def test_session_that_ended() -> None:
    """Take the cookies away when the session is gone, at the next renewal at the latest."""
    client = member()
    cache.clear()
    response = get(client, now=NOW + 1000)
    assert gone(response, "/courses/42/")
    client = member()
    del client.cookies["sessionid"]
    assert gone(get(client, now=NOW + 10), "/courses/42/")


def test_another_viewer() -> None:
    """Give another viewer of the same browser only what this one may open."""
    client = member("42,43")
    response = get(client, "/enter/43,44", now=NOW + 10)
    assert gone(response, "/courses/42/")
    assert_cookies_refuse(response, "courses/42/1.ts", now=NOW + 10)
    for name in ("courses/43/1.ts", "courses/44/1.ts"):
        assert_cookies_open(response, name, now=NOW + 1205)


@pytest.mark.django_db
def test_users_of_django(site: Any) -> None:
    """Follow Django's own log-in and log-out, with sessions in the database."""
    site.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    site.MIDDLEWARE = [SESSIONS, AUTH, OURS]
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.OfUser"]
    ann, bob = (get_user_model().objects.create_user(name) for name in ("ann", "bob"))
    client = browser()
    assert_cookies_open(get(client, "/in/ann"), f"users/{ann.pk}/1.jpg", now=NOW)
    assert not get(client, now=NOW + 10).cookies
    response = get(client, "/in/bob", now=NOW + 20)
    assert gone(response, f"/users/{ann.pk}/")
    # Django makes the key of the new session after this response, so the next one opens.
    response = get(client, now=NOW + 21)
    assert_cookies_open(response, f"users/{bob.pk}/1.jpg", now=NOW + 21)
    response = get(client, "/out", now=NOW + 30)
    assert gone(response, f"/users/{bob.pk}/")


@pytest.mark.django_db
def test_good_marker_asks_nothing(site: Any, django_assert_num_queries: Any) -> None:
    """Make no query as long as the marker is good."""
    site.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    client = member()
    with django_assert_num_queries(0):
        get(client, now=NOW + 10)


@pytest.mark.django_db
def test_rotation(site: Any, ec_key: PrivateKey) -> None:
    """Renew when another key pair signs, after a rotation and after a revocation."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    forget_keys()
    client = member()
    row = make_key_pair(ec_key, OTHER_KEY_ID, status="active", active_in=KEY_GROUP_ID)
    forget_keys()
    response = get(client, now=NOW + 10)
    assert_cookies_open(response, "courses/42/1.ts", now=NOW + 10)
    assert len([m for m in response.cookies.values() if m["path"] == "/courses/42/"]) == 4
    assert not get(client, now=NOW + 20).cookies
    # Back to a key that signs with SHA1: the cookie that says SHA256 goes.
    row.delete()
    forget_keys()
    response = get(client, now=NOW + 30)
    assert_cookies_open(response, "courses/42/1.ts", now=NOW + 30)
    deleted = {m.key for m in response.cookies.values() if m["max-age"] == 0}
    assert deleted == {"CloudFront-Hash-Algorithm"}


def test_marker_of_others() -> None:
    """Renew if the marker is foreign, tampered with, or from another release."""
    client, signer = member(), signing.Signer(salt="cfsigned_django.cookies")
    good = client.cookies[MARKER].value
    marker = signer.unsign_object(good)
    longer = [[*each, "more"] for each in marker[-1]]
    for value in (
        *("", "x", "a:b", "null", '["a"]', good[:-1] + ("A" if good[-1] != "A" else "B")),
        *map(signer.sign_object, ([*marker, 1], [*marker[:-1], longer], [*marker[:-1], 1])),
    ):
        client.cookies[MARKER] = value
        assert_cookies_open(get(client, now=NOW + 10), "courses/42/1.ts", now=NOW + 1205)


def test_marker_of_another_browser() -> None:
    """Give nobody access for a copied marker, which itself opens nothing."""
    one, other = member(), browser()
    other.cookies[MARKER] = one.cookies[MARKER].value
    response = get(other, now=NOW + 10)
    assert gone(response, "/courses/42/")
    assert_cookies_refuse(response, "courses/42/1.ts", now=NOW + 10)


def test_other_scopes(site: Any) -> None:
    """Ask again after a deployment with other scopes."""
    client = member()
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Courses"]
    response = get(client, now=NOW + 10)
    assert gone(response, "/public/avatars/")
    assert_cookies_open(response, "courses/42/1.ts", now=NOW + 10)


@pytest.mark.parametrize("error", [OperationalError, ImproperlyConfigured])
def test_no_database(site: Any, caplog: pytest.LogCaptureFixture, error: type[Exception]) -> None:
    """Keep the cookies that are good while the database is down; fail when they have ended.

    A scope may ask the database, and so does the search for the key that signs.
    """
    client, key = member(), site.AWS_CLOUDFRONT_KEY
    if error is OperationalError:
        answers["error"] = error("down")
    else:
        site.AWS_CLOUDFRONT_KEY = "broken"
    assert not get(client, now=NOW + 1000).cookies
    assert error.__name__ in caplog.text
    with pytest.raises(error):
        get(client, now=NOW + 1201)
    answers.clear()
    site.AWS_CLOUDFRONT_KEY = key
    assert_cookies_open(get(client, now=NOW + 1300), "courses/42/1.ts", now=NOW + 1300)


@pytest.mark.parametrize("skew", [-30, 30])
def test_clock_skew(skew: int) -> None:
    """Lose nobody if the clocks of two machines differ by 30 s."""
    client, last = member(), NOW
    for moment in range(NOW, NOW + 4000, 50):
        here = moment + (skew if moment % 100 else 0)
        response = get(client, now=here)
        if response.cookies:
            last = here
        assert moment < last + 1200


def test_too_many_folders() -> None:
    """Refuse more sets than CloudFront takes, and say which folder contains them all."""
    client = browser()
    with pytest.raises(ValueError, match="'courses'"):
        get(client, "/enter/" + ",".join(map(str, range(8))))


def test_page_at_another_host(caplog: pytest.LogCaptureFixture) -> None:
    """Serve pages at hosts that cannot set the cookies, without cookies, and log why once."""
    client = Client(HTTP_HOST="app.example.org")
    for _ in range(2):
        response = get(client, "/enter/42")
        assert response.status_code == 200
        assert_cookies_refuse(response, "courses/42/1.ts", now=NOW)
    assert caplog.text.count("AWS_CLOUDFRONT_COOKIE_DOMAIN") == 1


def refresh(client: Client, now: float = NOW, **more: Any) -> Any:
    """Ask for new cookies, as the script does."""
    with at(now):
        return client.post("/media/refresh/", secure=True, **more)


def test_refresh() -> None:
    """Ask the scopes at once, and say until when the cookies are valid."""
    client = member()
    get(client, "/buy/44", now=NOW + 10)
    response = refresh(client, NOW + 20)
    assert_cookies_open(response, "courses/44/1.ts", now=NOW + 20)
    assert json.loads(response.content) == {"expires_at": "2026-03-31T23:53:40+00:00"}
    assert response.headers["Cache-Control"] == "private"
    assert refresh(browser()).json() == {"expires_at": None}
    with at(NOW):
        assert client.get("/media/refresh/", secure=True).status_code == 405


def test_refresh_is_protected(site: Any) -> None:
    """Refuse a request without the token of CSRF."""
    site.MIDDLEWARE = [SESSIONS, "django.middleware.csrf.CsrfViewMiddleware", OURS]
    client = Client(enforce_csrf_checks=True, HTTP_HOST="app.example.com")
    assert refresh(client).status_code == 403
