"""Keep the signed cookies of a viewer valid, and take them away at the end.

Modules: middleware.py, cookies/renewal.py, cookies/scopes.py, cookies/place.py,
views/cookies.py
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Iterable
from datetime import timedelta
from itertools import count
from string import ascii_letters
from typing import Any
from unittest import mock

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model, login, logout
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path
from django.utils.asyncio import async_unsafe
from django.views.decorators.cache import cache_page
from django.views.generic import RedirectView

from cfsigned_django.cookies import SignedCookieScope, signed_cookies
from cfsigned_django.logs import log_once
from cfsigned_django.signing import PrivateKey
from cfsigned_django.testing import assert_cookies_open, assert_cookies_refuse, forget_keys
from tests.keyring import make_key_pair
from tests.storage_cases import (
    KEY_GROUP_ID,
    KEY_ID,
    NOW,
    OTHER_KEY_ID,
    S3_BACKEND,
    at,
    counted_signatures,
)

MARKER = "cfsigned_cookies"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
OURS = "cfsigned_django.middleware.SignedCookiesMiddleware"

#: How often the scopes below were asked, and what they answer instead.
asked: list[HttpRequest] = []
answers: dict[str, Any] = {}
#: What the view did that works.
done: list[str] = []


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
    """Open the avatars to every viewer who is logged in."""

    storage = "other"
    lifetime = timedelta(hours=1)

    def get_folders(self, request: HttpRequest) -> Iterable[str]:
        """Return the folder of the avatars."""
        return ["avatars"] if request.session.get("courses") else []


class Anything(SignedCookieScope):
    """Answer what a test says, and open the folders "f0", "f1"... without that."""

    def get_folders(self, request: HttpRequest) -> Any:
        """Return the answer, or raise it."""
        asked.append(request)
        answer = answers.get("anything", ())
        if isinstance(answer, BaseException):
            raise answer
        return answer(request) if callable(answer) else answer


def view(request: HttpRequest, **captured: str) -> HttpResponse:
    """Show a page."""
    return HttpResponse("page")


def work(request: HttpRequest) -> HttpResponse:
    """Do something that must not be done twice."""
    done.append(request.method or "")
    return HttpResponse("done", status=201)


async def view_async(request: HttpRequest) -> HttpResponse:
    """Show a page, from a coroutine."""
    return HttpResponse("page")


def enter(request: HttpRequest, courses: str) -> HttpResponse:
    """Start a new session with these courses, as a log-in does."""
    request.session.flush()
    request.session["courses"] = [each for each in courses.split(",") if each != "-"]
    request.session.save()
    return HttpResponse("entered")


def buy(request: HttpRequest, course: str) -> HttpResponse:
    """Add a course to the session."""
    request.session["courses"] = [*request.session["courses"], course]
    return HttpResponse("bought")


def log_in(request: HttpRequest, name: str) -> HttpResponse:
    """Log a user in."""
    login(request, get_user_model().objects.get(username=name))
    return HttpResponse("in")


def leave(request: HttpRequest) -> HttpResponse:
    """End the session, and log the user out if there is one."""
    logout(request)
    return HttpResponse("left")


urlpatterns = [
    path("", view),
    path("async", view_async),
    path("redirect", RedirectView.as_view(url="/elsewhere")),
    path("work", work),
    path("opens/<path:folder>", signed_cookies(folder=lambda request, folder: folder)(view)),
    path("admin/", admin.site.urls),
    path("kept", cache_page(600)(view)),
    path("enter/<courses>", enter),
    path("buy/<course>", buy),
    path("leave", leave),
    path("in/<name>", log_in),
    path("media/", include("cfsigned_django.urls")),
]


@pytest.fixture(autouse=True)
def _site(own_urls: None, site: Any) -> None:
    """Configure a site with two scopes, and sessions in memory."""
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "other": {"BACKEND": S3_BACKEND, "OPTIONS": {"location": "public"}},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = "example.com"
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Courses", f"{__name__}.Avatars"]
    site.ALLOWED_HOSTS = ["*"]
    site.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    site.MIDDLEWARE = [SESSIONS, OURS]
    cache.clear()
    for each in (asked, answers, done):
        each.clear()


def browser() -> Client:
    """Return a browser at app.example.com."""
    return Client(HTTP_HOST="app.example.com", HTTP_X_FORWARDED_PROTO="https")


def get(client: Client, url: str = "/", now: float = NOW) -> Any:
    """Return the page at that moment, over https."""
    with at(now):
        return client.get(url, secure=True)


def member(courses: str = "42") -> Client:
    """Return a browser whose viewer has courses, and the cookies for them."""
    client = browser()
    assert_cookies_open(get(client, f"/enter/{courses}"), "courses/42/1.ts", now=NOW)
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
        assert client.cookies[MARKER]["secure"]
        assert client.cookies[MARKER]["samesite"] == "Lax"
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
    """Renew the cookies in the last quarter of their life, and in its last five minutes.

    A page that comes from cache_page, below the middleware, renews them, too.
    """
    for scope in (Courses, Avatars):
        monkeypatch.setattr(scope, "lifetime", lifetime)
    client = member()
    assert not get(client, "/kept", NOW + renew_at - 1).cookies
    response = get(client, "/kept", NOW + renew_at + 1)
    assert_cookies_open(response, "courses/42/1.ts", now=NOW + renew_at + lifetime - 1)
    assert not get(client, "/kept", NOW + renew_at + 2).cookies


def test_public_pages_stay_public() -> None:
    """Ask no scope, and set nothing, for a viewer without a session and without a marker."""
    response = get(browser())
    assert not response.cookies
    assert not response.has_header("Vary")
    assert asked == []
    first = get(browser(), "/kept")
    assert get(browser(), "/kept").headers["Expires"] == first.headers["Expires"]


def test_viewer_without_folders() -> None:
    """Ask again after some minutes whether a viewer may open something; let no cache keep that."""
    client = browser()
    assert {*get(client, "/enter/-").cookies} <= {MARKER, "sessionid"}
    asked.clear()
    get(client, now=NOW + 100)
    assert asked == []
    response = get(client, now=NOW + 299)
    assert len(asked) == 1
    assert response.headers["Cache-Control"] == "private"


def gone(response: Any, path: str) -> bool:
    """Return whether a response deletes the cookies of a path."""
    return all(
        morsel["max-age"] == 0 for morsel in response.cookies.values() if morsel["path"] == path
    ) and any(morsel["path"] == path for morsel in response.cookies.values())


def test_session_that_ended() -> None:
    """Take the cookies away when the session is gone, at the next renewal at the latest.

    So a marker that was copied to another browser renews nothing.
    """
    client = member()
    cache.clear()
    response = get(client, now=NOW + 1000)
    assert gone(response, "/courses/42/")
    client = member()
    del client.cookies["sessionid"]
    assert gone(get(client, now=NOW + 10), "/courses/42/")


def test_on_a_machine_of_development(site: Any) -> None:
    """Set, renew and delete cookies that are not Secure, also after some that were."""
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = "site.localhost"
    site.AWS_S3_CUSTOM_DOMAIN, site.AWS_S3_URL_PROTOCOL = "cdn.site.localhost:8001", "http:"
    client = Client(HTTP_HOST="app.site.localhost")

    def secures(url: str, now: float, *, https: bool = False) -> set[bool]:
        with at(now):
            cookies = client.get(url, secure=https).cookies.values()
        return {bool(each["secure"]) for each in cookies if each.key == "CloudFront-Policy"}

    assert secures("/enter/42", NOW, https=True) == {True}
    assert secures("/", NOW + 1000) == {False}
    assert secures("/", NOW + 2000) == {False}
    assert secures("/leave", NOW + 2001) == {False}


def test_another_viewer() -> None:
    """Give another viewer of the same browser only what this one may open."""
    client = member("42,43")
    answers["error"] = OperationalError("down")
    assert gone(get(client, "/enter/43", now=NOW + 5), "/courses/43/")
    answers.clear()
    client = member("42,43")
    response = get(client, "/enter/43,44", now=NOW + 10)
    assert gone(response, "/courses/42/")
    assert_cookies_refuse(response, "courses/42/1.ts", now=NOW + 10)
    for name in ("courses/43/1.ts", "courses/44/1.ts"):
        assert_cookies_open(response, name, now=NOW + 1205)


@pytest.mark.django_db
def test_users_of_django(site: Any, django_assert_num_queries: Any) -> None:
    """Follow Django's own log-in and log-out, with sessions in the database.

    Make no query as long as the marker is good.
    """
    site.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    site.MIDDLEWARE = [SESSIONS, AUTH, OURS]
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Anything"]
    answers["anything"] = lambda request: f"users/{request.user.pk}" if request.user.pk else ()
    ann, bob = (get_user_model().objects.create_user(name) for name in ("ann", "bob"))
    client = browser()
    assert_cookies_open(get(client, "/in/ann"), f"users/{ann.pk}/1.jpg", now=NOW)
    with django_assert_num_queries(0):
        assert not get(client, now=NOW + 10).cookies
    response = get(client, "/in/bob", now=NOW + 20)
    assert gone(response, f"/users/{ann.pk}/")
    # Django makes the key of the new session after this response, so the next one opens.
    response = get(client, now=NOW + 21)
    assert_cookies_open(response, f"users/{bob.pk}/1.jpg", now=NOW + 21)
    response = get(client, "/leave", now=NOW + 30)
    assert gone(response, f"/users/{bob.pk}/")


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


def test_other_scopes(site: Any) -> None:
    """Ask again after a deployment with other scopes."""
    client = member()
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Courses"]
    response = get(client, now=NOW + 10)
    assert gone(response, "/public/avatars/")
    assert_cookies_open(response, "courses/42/1.ts", now=NOW + 10)


def test_no_database(caplog: pytest.LogCaptureFixture) -> None:
    """Keep the cookies that are good while a scope raises, and ask again in five minutes.

    A scope that raises does not say which cookies are its own: they stay until one has ended.
    """
    client = member()
    answers["error"] = OperationalError("down")
    for now in (NOW + 1000, NOW + 1301):
        response = get(client, now=now)
        assert response.status_code == 200
        assert "/courses/42/" not in paths_set(response)
        assert gone(response, "/courses/42/") == (now > NOW + 1200)
        assert MARKER in response.cookies
        assert not get(client, now=now + 299).cookies
    assert "OperationalError" in caplog.text
    answers.clear()
    assert_cookies_open(get(client, now=NOW + 1602), "courses/42/1.ts", now=NOW + 1602)
    assert gone(get(client, "/leave", now=NOW + 1603), "/courses/42/")


def refresh(client: Client, now: float = NOW, **more: Any) -> Any:
    """Ask for new cookies, as the script does."""
    with at(now):
        return client.post("/media/refresh/", secure=True, **more)


def test_refresh() -> None:
    """Ask the scopes once, at once, and say until when the cookies are valid."""
    client = member()
    get(client, "/buy/44", now=NOW + 10)
    response = refresh(client, NOW + 20)
    assert len(asked) == 1
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


# Whatever a scope answers, the response of the view goes out


def eight(prefix: str = "f", count: int = 8) -> list[str]:
    """Return names of folders."""
    return [f"{prefix}{number}" for number in range(count)]


def then_raise(request: HttpRequest) -> Iterable[str]:
    """Raise in the middle of an answer."""
    yield "good"
    raise OperationalError("secret of the database")


#: Names that no compression shortens, each almost as long as a Path may be.
RANDOM = ["".join(random.Random(seed).choices(ascii_letters, k=1000)) for seed in range(7)]

#: The answer, which folders are opened, and the status of refresh/: 409 for folders of this viewer,
#: 500 for the site itself, 200 if nothing is wrong.
ANSWERS: dict[str, tuple[Any, list[str], int]] = {
    "nothing": ([], [], 200),
    "eight folders": (eight(), eight(), 200),
    "one folder in another": (["good/a", "good", "good/b/c", "other"], ["good", "other"], 200),
    "nine folders": (eight(count=9), eight(), 409),
    "folders without an end": (lambda request: (f"f{n}" for n in count()), eight(), 409),
    "two dots": (["..", "good", "a/../b"], ["good"], 409),
    "an empty slug": (["albums/", "", "/albums", "good"], ["good"], 409),
    "a line feed": (["a\nb", "good"], ["a\nb", "good"], 200),
    "a lone surrogate": (["a\udc80", "good"], ["good"], 409),
    "None among others": (["good", None], ["good"], 409),
    "None": (None, [], 409),
    "a long name": (["x" * 100_000, "x" * 5000, "가" * 900, "가" * 120, "good"], ["good"], 409),
    "eight long names": (eight("가" * 100), eight("가" * 100), 200),
    "names without meaning": ([*RANDOM, "good"], [*RANDOM[:3], "good"], 409),
    "raised": (KeyError("secret of the site"), [], 500),
    "raised in the middle": (then_raise, [], 500),
    "raised what Django answers": (Http404("secret of the site"), [], 500),
    "raised a mistake of the settings": (ImproperlyConfigured("secret of the site"), [], 500),
    "raised a suspicion": (DisallowedHost("secret of the site"), [], 500),
}
#: A page, its status, and how it is requested.
PAGES: list[tuple[str, str, int]] = [
    ("get", "/", 200),
    ("get", "/redirect", 302),
    ("get", "/missing", 404),
    ("post", "/work", 201),
    ("get", "/admin/cfsigned_django/keypair/", 200),
]


def staff(site: Any, *scopes: str) -> Client:
    """Return the browser of a superuser, at a site with these scopes."""
    site.MIDDLEWARE = [SESSIONS, AUTH, MESSAGES, OURS]
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.{scope}" for scope in scopes]
    client = browser()
    client.force_login(get_user_model().objects.create_superuser("ann"))
    return client


def paths_set(response: Any) -> set[str]:
    """Return the paths for which a response sets signed cookies."""
    return {
        morsel["path"]
        for morsel in response.cookies.values()
        if morsel.key.startswith("CloudFront-") and morsel.value
    }


def opened_by(response: Any, folders: Iterable[str]) -> set[str]:
    """Return the folders of which the cookies of a response open a file."""
    found = set()
    for folder in folders:
        try:
            assert_cookies_open(response, f"{folder}/1.jpg", now=NOW)
        except AssertionError:
            continue
        found.add(folder)
    return found


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what was logged as an error of the cookies."""
    found = [each for each in caplog.records if each.name == "cfsigned_django.cookies"]
    return [each for each in found if each.levelno == logging.ERROR]


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.django_db
def test_a_response_is_never_replaced(
    kind: str, site: Any, ec_key: PrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    """Serve each page as without scopes, with all cookies that are good, and log why not more.

    A log-out takes back each set that was given: the marker remembers it.
    """
    answer, opened, refreshed = ANSWERS[kind]
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    client = staff(site, "Anything")
    answers["anything"] = answer
    given = set()
    for number, (method, url, status) in enumerate(PAGES[-2:], start=1):
        client.cookies.pop(MARKER, None)
        with at(NOW):
            response = getattr(client, method)(url, secure=True)
        assert response.status_code == status
        assert opened_by(response, [*opened, "good", "f8"]) == set(opened)
        assert len(paths_set(response)) == len(opened)
        assert len(response.cookies[MARKER].value) < 4000
        assert len(asked) == number
        given |= paths_set(response)
    assert done == ["POST"]
    assert asked[-1].path.startswith("/admin/")

    answer = refresh(client)
    assert answer.status_code == refreshed
    assert bool(answer.json()["expires_at"]) == bool(opened)
    assert bool(answer.json().get("error")) == (refreshed != 200)
    assert "secret" not in answer.content.decode()
    assert opened_by(answer, opened) == set(opened)

    records = errors(caplog)
    assert bool(records) == (refreshed != 200)
    for record in records:
        assert f"{__name__}.Anything" in record.getMessage()
        assert len(record.getMessage()) < 2000
        assert bool(record.exc_info) == (refreshed == 500)

    left = get(client, "/leave", now=NOW + 10)
    assert all(gone(left, path) for path in given)
    assert left.cookies[MARKER]["max-age"] == 0


def test_asgi(site: Any) -> None:
    """Set cookies on a server for ASGI too, where a scope may ask the database: in a thread."""

    @async_unsafe
    def folders(request: HttpRequest) -> list[str]:
        return eight()

    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Anything"]
    answers["anything"] = folders
    with mock.patch("cfsigned_django.cookies.scopes.why_not_from", return_value=""), at(NOW):
        client = AsyncClient()
        for url in ("/enter/-", "/async"):
            client.cookies.pop(MARKER, None)
            assert len(paths_set(asyncio.run(client.get(url)))) == 8


@pytest.mark.parametrize("raised", [SystemExit, asyncio.CancelledError])
def test_what_ends_a_process_passes(site: Any, raised: type[BaseException]) -> None:
    """Pass on what is raised to end a process or a task."""
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Anything"]
    answers["anything"] = raised()
    with pytest.raises(raised):
        get(browser(), "/enter/-")


@pytest.mark.parametrize(
    ("scope", "attribute", "value", "named"),
    [
        ("tests.cookies.nowhere.Scope", "storage", "default", "nowhere"),
        (f"{__name__}.Anything", "storage", "elsewhere", "elsewhere"),
        (
            f"{__name__}.Anything",
            "lifetime",
            property(lambda self: answers["lifetime"]),
            "lifetime",
        ),
        (f"{__name__}.Anything", "secure", object(), "TypeError"),
    ],
    ids=["nowhere", "no storage", "raises", "not in a cookie"],
)
def test_a_scope_that_is_broken(
    site: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    scope: str,
    attribute: str,
    value: object,
    named: str,
) -> None:
    """Set the cookies of the other scopes, and log the error of this one with its traceback."""
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [scope, f"{__name__}.Courses"]
    monkeypatch.setattr(Anything, attribute, value)
    answers["anything"] = ["bad"]
    response = get(browser(), "/enter/42")
    assert response.content == b"entered"
    assert paths_set(response) == {"/courses/42/"}
    assert [each.getMessage().partition(":")[0] for each in errors(caplog)] == [scope]
    assert named in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.django_db
def test_no_key_can_sign(site: Any, caplog: pytest.LogCaptureFixture, ec_key: PrivateKey) -> None:
    """Serve all pages while no key can sign, the one on which a key is made included.

    A viewer with cookies keeps them, also when they have ended, until log-out.
    """
    keys = {"AWS_CLOUDFRONT_KEY": site.AWS_CLOUDFRONT_KEY, "AWS_CLOUDFRONT_KEY_ID": KEY_ID}
    client = staff(site, "Anything", "Courses", "Avatars")
    answers["anything"] = eight()[:6]
    session = client.session
    session["courses"] = ["42"]
    session.save()
    assert len(paths_set(get(client))) == 8

    # A site whose key has to be made first.
    site.AWS_CLOUDFRONT_KEY_GROUP_ID, site.AWS_CLOUDFRONT_BY_HAND = KEY_GROUP_ID, True
    for name in keys:
        setattr(site, name, None)
    caplog.clear()
    newcomer = browser()  # of the same session, who has no cookies yet
    newcomer.cookies["sessionid"] = client.cookies["sessionid"].value
    for each in (client, newcomer):
        for now in (NOW + 10, NOW + 1300, NOW + 5000):
            for method, url, status in PAGES:
                with at(now):
                    response = getattr(each, method)(url, secure=True)
                assert response.status_code == status
                assert paths_set(response) == set()
                assert not any(gone(response, f"/{folder}/") for folder in eight())
    assert done == ["POST"] * 6
    answer = refresh(client, NOW + 5001)
    assert (answer.status_code, answer.json()["expires_at"]) == (500, None)
    assert KEY_GROUP_ID not in answer.json()["error"]
    assert KEY_GROUP_ID in (errors(caplog)[0].exc_text or "")
    for name, value in keys.items():
        setattr(site, name, value)
    assert len(paths_set(get(client, now=NOW + 5301))) == 8
    left = get(client, "/leave", now=NOW + 5302)
    assert all(gone(left, f"/{folder}/") for folder in (*eight()[:6], "courses/42"))


def test_one_storage_cannot_sign(site: Any) -> None:
    """Set what the other storage signs, and leave alone what the viewer has of this one."""
    client, other = member("42"), browser()
    for number in range(8):
        get(client, f"/buy/{number}", now=NOW + 1)
    broken = {"BACKEND": S3_BACKEND, "OPTIONS": {"location": "public", "cloudfront_key": "broken"}}
    site.STORAGES = site.STORAGES | {"other": broken}
    response = get(other, "/enter/" + ",".join(map(str, range(8))), now=NOW + 10)
    assert paths_set(response) == {f"/courses/{number}/" for number in range(8)}

    response = get(client, now=NOW + 1000)
    assert paths_set(response) == {f"/courses/{number}/" for number in (42, *range(6))}
    left = get(client, "/leave", now=NOW + 1001)
    assert gone(left, "/public/avatars/")


def test_old_cookies_in_the_way_of_new_ones(site: Any) -> None:
    """Delete cookies that nothing can renew, if a browser would send them with new ones."""
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Anything", f"{__name__}.Courses"]
    answers["anything"] = ["courses/42/hls", "f0"]
    client = browser()
    assert paths_set(get(client, "/enter/-")) == {"/courses/42/hls/", "/f0/"}
    get(client, "/buy/42", now=NOW + 1)
    answers["anything"] = KeyError("down")
    response = get(client, now=NOW + 3400)
    assert paths_set(response) == {"/courses/42/"}
    assert gone(response, "/courses/42/hls/")
    assert not gone(response, "/f0/")
    assert gone(get(client, "/leave", now=NOW + 3401), "/f0/")


def test_a_running_video_goes_on(site: Any) -> None:
    """Of more than eight folders, set those first that the viewer has and still may open."""
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Anything", f"{__name__}.Courses"]
    answers["anything"] = ["deep/1", *eight(count=6)]
    client = browser()
    assert len(paths_set(get(client, "/enter/42"))) == 8
    answers["anything"] = [*eight("new"), "f3", "deep", "f2", "f1"]
    response = get(client, now=NOW + 1000)
    had = {"/courses/42/", "/deep/", "/f1/", "/f2/", "/f3/"}
    assert paths_set(response) == had | {"/new0/", "/new1/", "/new2/"}
    for folder in ("/deep/1/", "/f0/", "/f4/", "/f5/"):
        assert gone(response, folder)


def test_two_folders_at_one_path(
    site: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set the first of two folders of which a browser would send both, and log the other one."""
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Anything"]
    monkeypatch.setattr(Anything, "path", "/")
    answers["anything"] = ["videos/1", "videos/2"]
    response = get(browser(), "/enter/-")
    assert opened_by(response, answers["anything"]) == {"videos/1"}
    assert "'videos/2'" in errors(caplog)[0].getMessage()
    assert refresh(browser()).status_code == 200


def test_a_view_sets_cookies_too(caplog: pytest.LogCaptureFixture) -> None:
    """Leave to a view what it opens, if a browser would send two sets."""
    client = member("42,43")
    response = get(client, "/opens/courses/42/hls", now=NOW + 1000)
    assert response.content == b"page"
    assert paths_set(response) == {"/courses/42/hls/", "/courses/43/", "/public/avatars/"}
    assert "'courses/42'" in errors(caplog)[0].getMessage()
    # The same folder does not count as a second one.
    get(client, "/opens/courses/42", now=NOW + 1900)
    assert len(errors(caplog)) == 1
    assert gone(get(client, "/leave", now=NOW + 1901), "/courses/42/")


def test_how_often_a_problem_is_logged(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Log one line for each reason and scope, and for a viewer at most every five minutes."""
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Anything", f"{__name__}.Courses"]
    client = browser()
    # A thousand folders that are wrong in the same way are one line.
    answers["anything"] = [*"." * 999, ".."]
    for url, now, lines in (("/enter/.", 0, 3), ("/", 299, 0), ("/", 301, 3)):
        caplog.clear()
        get(client, url, now=NOW + now)
        assert len(errors(caplog)) == lines


def test_many_cookies(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Warn once of headers that are longer than the buffer of many proxies."""
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = [f"{__name__}.Anything"]
    log_once.cache_clear()  # another test may have had as many
    for answers["anything"], warnings in ((eight()[:2], 0), (eight(), 1), (eight(), 1)):
        get(browser(), "/enter/-")
        assert caplog.text.count("proxy_buffer_size 16k") == warnings


def test_page_at_another_host() -> None:
    """Serve a page whose host cannot set the cookies; refresh/ names the setting."""
    elsewhere = Client(HTTP_HOST="app.example.org")
    entered = get(elsewhere, "/enter/42")
    assert (entered.status_code, paths_set(entered)) == (200, set())
    assert "AWS_CLOUDFRONT_COOKIE_DOMAIN" in refresh(elsewhere).json()["error"]
