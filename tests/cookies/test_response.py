"""Set and delete signed cookies in one response, at places where browsers send them.

Modules: cookies/response.py, cookies/place.py, views/cookies.py
"""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st

from cfsigned_django.cookies import (
    SignedCookieScope,
    delete_signed_cookies,
    set_signed_cookies,
    signed_cookies,
)
from cfsigned_django.signing import PrivateKey
from cfsigned_django.testing import assert_cookies_open, assert_cookies_refuse
from cfsigned_django.views import SignedCookiesMixin
from tests.characters import CHARACTERS
from tests.storage_cases import KEY_ID, NOW, S3_BACKEND, at

PAGE = "app.example.com"
THREE = {"CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id"}


@pytest.fixture(autouse=True)
def _site(own_urls: None, site: Any) -> None:
    """Configure a site at app.example.com, with files at media.example.com."""
    site.STORAGES = {
        "default": {"BACKEND": S3_BACKEND},
        "other": {"BACKEND": S3_BACKEND, "OPTIONS": {"location": "사진"}},
        "local": {
            "BACKEND": S3_BACKEND,
            "OPTIONS": {"custom_domain": "localhost:8001", "url_protocol": "http:"},
        },
        "cloudfront": {
            "BACKEND": S3_BACKEND,
            "OPTIONS": {"custom_domain": "d111111abcdef8.cloudfront.net"},
        },
        "public": {"BACKEND": S3_BACKEND, "OPTIONS": {"querystring_auth": False}},
    }
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = ".Example.com"
    site.ALLOWED_HOSTS = ["*"]
    site.MIDDLEWARE = []


def page(host: str = PAGE, *, secure: bool = True) -> HttpRequest:
    """Return a request for a page at a host."""
    return RequestFactory().get("/", secure=secure, HTTP_HOST=host)


def headers(response: Any) -> list[str]:
    """Return the Set-Cookie headers as the WSGI handler of Django sends them."""
    return sorted(morsel.output(header="").strip() for morsel in response.cookies.values())


def two_folders(request: HttpRequest | None) -> HttpResponse:
    """Open two folders for a viewer, the second also where the page is embedded in others."""
    response = HttpResponse("page")
    set_signed_cookies(response, folder="videos/42", request=request)
    embedded: dict[str, Any] = {"partitioned": True, "samesite": "None"}
    set_signed_cookies(response, folder="photos", storage="other", request=request, **embedded)
    return response


async def two_from_anywhere(request: HttpRequest) -> HttpResponse:
    """Open two folders, from a coroutine, for a page at any host."""
    return two_folders(None)


@signed_cookies(folder=lambda request, name: None if name == "none" else f"videos/{name}")
def video(request: HttpRequest, name: str) -> HttpResponse:
    """Open the folder of a video."""
    return HttpResponse(name)


@signed_cookies("videos/*", expire=60)
def videos(request: HttpRequest) -> HttpResponse:
    """Open all videos."""
    return HttpResponse("videos")


@signed_cookies(folder="videos/7")
async def video_async(request: HttpRequest) -> HttpResponse:
    """Open the folder of a video, from a coroutine."""
    return HttpResponse("video")


class Album(SignedCookiesMixin):
    """Open the folders of an album."""

    cookie_options = {"expire": 60}

    def get_signed_folders(self) -> list[str]:
        """Return two folders."""
        return [f"albums/{self.kwargs['name']}", f"thumbs/{self.kwargs['name']}"]

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        """Show the album."""
        return HttpResponse(name)


urlpatterns = [
    path("album/<name>", Album.as_view()),
    path("two", two_folders),
    path("two_from_anywhere", two_from_anywhere),
    path("video/<name>", video),
    path("video_async", video_async),
    path("videos", videos),
]


def test_one_folder() -> None:
    """Send three cookies, until the browser is closed, to one folder of the domain."""
    response = HttpResponse()
    with at(NOW):
        set_signed_cookies(response, folder="videos/42", request=page())
    sent = {morsel.key: morsel.value for morsel in response.cookies.values()}
    assert sent.keys() == THREE
    assert sent["CloudFront-Key-Pair-Id"] == KEY_ID
    for header in headers(response):
        name, *attributes = header.split("; ")
        assert name.partition("=")[0] in THREE
        assert sorted(attributes) == [
            "Domain=example.com",
            "HttpOnly",
            "Path=/videos/42/",
            "SameSite=Lax",
            "Secure",
        ]
    assert response.headers["Cache-Control"] == "private"
    assert response.headers["Vary"] == "Cookie"
    policy = assert_cookies_open(response, "videos/42/hls/seg 1.ts", now=NOW + 3599)
    assert policy.resource == "https://media.example.com/videos/42/*"
    assert_cookies_refuse(response, "videos/43/seg1.ts", now=NOW)
    assert_cookies_refuse(response, "videos/42/seg1.ts", now=NOW + 3601)


@pytest.mark.parametrize("change", [set_signed_cookies, delete_signed_cookies])
def test_shared_caches(change: Callable[..., None]) -> None:
    """Take from the response what some shared caches obey before ``private``, and nothing else."""
    response = HttpResponse(
        headers={
            "Cache-Control": "public, max-age=600, S-MaxAge=600, s-maxage = 60, stale-if-error=9",
            "CDN-Cache-Control": "max-age=600",
            "Cloudflare-CDN-Cache-Control": "max-age=600",
            "Surrogate-Control": "max-age=600",
            "X-Cache-Control": "max-age=600",
        }
    )
    change(response, folder="videos")
    kept = {part.strip() for part in response.headers["Cache-Control"].split(",")}
    assert kept == {"private", "max-age=600", "stale-if-error=9"}
    names = {name for name in response.headers if name.endswith("Control")}
    assert names == {"Cache-Control", "X-Cache-Control"}


def test_conditions() -> None:
    """Put start, address and lifetime into the policy, and data into it as data."""
    response = HttpResponse()
    with at(NOW):
        set_signed_cookies(
            response,
            folder="albums/*",
            expire=timedelta(minutes=5),
            date_greater_than=NOW - 10,
            ip_address="203.0.113.0/24",
        )
    policy = assert_cookies_open(response, "albums/*/a.jpg", viewer_ip="203.0.113.9", now=NOW)
    assert (policy.date_less_than, policy.date_greater_than) == (NOW + 300, NOW - 10)
    assert_cookies_refuse(response, "albums/*/a.jpg", viewer_ip="192.0.2.1", now=NOW)
    assert_cookies_refuse(response, "albums/42/a.jpg", viewer_ip="203.0.113.9", now=NOW)


#: What a cache or another process makes of a response.
COPIES: dict[str, Callable[[HttpResponse], HttpResponse]] = {
    "itself": lambda each: each,
    "deepcopy": copy.deepcopy,
    "pickle": lambda each: pickle.loads(pickle.dumps(each)),  # noqa: S301
}


@pytest.mark.parametrize("carrier", ["wsgi", "asgi", *COPIES])
def test_several_folders(carrier: str) -> None:
    """All sets of one response arrive with their attributes, wherever the response goes."""
    if carrier == "wsgi":
        response: Any = Client().get("/two", secure=True, HTTP_HOST=PAGE)
    elif carrier == "asgi":
        response = asyncio.run(AsyncClient().get("/two_from_anywhere"))
    else:
        response = COPIES[carrier](two_folders(page()))
    sent = headers(response)
    assert len(sent) == 6
    assert len([each for each in sent if "SameSite=None" in each and "; Partitioned" in each]) == 3
    assert_cookies_open(response, "videos/42/1.ts")
    assert_cookies_open(response, "photos/1.jpg", storage="other")
    assert_cookies_refuse(response, "secret.jpg")


def test_other_attributes() -> None:
    """Take any SameSite, None leaves it to the browser; sign for URLs that need nothing."""
    response = HttpResponse()
    set_signed_cookies(response, folder="videos", samesite=None, storage="public")
    assert_cookies_open(response, "videos/1.mp4", storage="public")
    assert "SameSite" not in " ".join(headers(response))
    set_signed_cookies(response, "photos/*/small.jpg", samesite="Strict")
    assert_cookies_open(response, "photos/7/small.jpg")
    assert " ".join(headers(response)).count("Path=/photos/; SameSite=Strict") == 3


@pytest.mark.parametrize(
    ("place", "attributes"),
    [
        ({}, {"Domain=example.com", "Path=/videos/42/"}),
        (
            {"domain": "media.example.com", "path": "/videos/"},
            {"Domain=media.example.com", "Path=/videos/"},
        ),
    ],
)
def test_delete(place: dict[str, Any], attributes: set[str], site: Any) -> None:
    """Delete all that CloudFront reads, where it was set, even if nothing can sign."""
    site.AWS_CLOUDFRONT_KEY = "broken"
    response = HttpResponse()
    delete_signed_cookies(response, folder="videos/42", partitioned=True, **place)
    names = {morsel.key for morsel in response.cookies.values()}
    assert names == {*THREE, "CloudFront-Expires", "CloudFront-Hash-Algorithm"}
    for header in headers(response):
        parts = {"Max-Age=0", "Secure", "Partitioned"} | attributes
        assert parts <= set(header.split("; "))


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    # The Domain
    ("page elsewhere", {"request": page("app.example.org")}, "AWS_CLOUDFRONT_COOKIE_DOMAIN"),
    ("page next door", {"request": page("notexample.com")}, "AWS_CLOUDFRONT_COOKIE_DOMAIN"),
    ("no parent of the CDN", {"domain": "app.example.com"}, "AWS_S3_CUSTOM_DOMAIN"),
    ("one label", {"domain": "com"}, "browsers accept"),
    ("address", {"domain": "127.0.0.1"}, "browsers accept"),
    ("not one's own", {"domain": ".cloudfront.net", "storage": "cloudfront"}, "browsers accept"),
    # The Path
    ("wildcard in the Path", {"path": "/videos/*"}, "literally"),
    ("dots in the Path", {"path": "/videos/../"}, "literally"),
    ("no path", {"path": "videos/"}, "percent-encoded"),
    ("raw letters", {"path": "/비디오/"}, "percent-encoded"),
    ("line feed", {"path": "/videos/\n"}, "percent-encoded"),
    ("attribute in the Path", {"path": "/videos/;Domain=x"}, "literally"),
    ("Path beside the resource", {"path": "/photos/"}, "/photos/"),
    ("Path that only begins like it", {"path": "/video"}, "/video"),
    ("Path below the resource", {"path": "/videos/42/hls/"}, "/videos/42/hls/"),
    (
        "resource that its Path would not carry",
        {"folder": None, "resource": "videos/4*", "path": "/videos/4/"},
        "/videos/4/",
    ),
    # The scheme
    ("http page", {"request": page(secure=False)}, "SECURE_PROXY_SSL_HEADER"),
    ("open cookies", {"secure": False}, "AWS_S3_URL_PROTOCOL"),
    ("Partitioned and open", {"secure": False, "partitioned": True}, "Secure"),
    ("SameSite=None and open", {"secure": False, "samesite": "None"}, "Secure"),
    ("samesite", {"samesite": "lax"}, "samesite"),
    # What is opened, and for how long
    ("nothing", {"folder": None}, "folder"),
    ("empty folder", {"folder": ""}, "folder"),
    ("everything", {"folder": None, "resource": "*"}, "allow_any_resource"),
    ("too long", {"expire": 8 * 86_400}, "AWS_CLOUDFRONT_MAX_EXPIRE"),
    ("long name", {"folder": "x" * 4000}, "4096"),
    ("long Path", {"folder": "가" * 114}, "1024"),
    ("long Path that is given", {"folder": "x" * 1030, "path": f"/{'x' * 1030}/"}, "1024"),
    ("long name at a short Path", {"folder": "x" * 4000, "path": "/"}, "4096"),
    ("lone surrogate", {"folder": "a\udc80"}, "UTF-8"),
]


@pytest.mark.parametrize(
    ("arguments", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_refusals(arguments: dict[str, Any], named: str) -> None:
    """Refuse what no browser would send, or what is not meant, and set nothing."""
    response = HttpResponse()
    with pytest.raises(ValueError, match=named):
        set_signed_cookies(response, **{"folder": "videos/42"} | arguments)
    assert headers(response) == []
    assert not response.has_header("Vary")


#: What decides whether cookies are Secure: page, files, attributes, whether the request is given.
LOCAL = "cdn.site.localhost:8001"
SECURE: dict[str, tuple[str, str, dict[str, Any], bool | None, bool]] = {
    # Whether they are Secure with the request, None if it is refused; and without the request.
    "local": ("http://app.site.localhost:8000", f"http://{LOCAL}", {}, False, True),
    "localhost": ("http://localhost", "http://localhost:8001", {}, False, True),
    "loopback": ("http://127.0.0.1:8000", "http://127.0.0.1:8001", {}, False, True),
    "https page": ("https://app.site.localhost", f"http://{LOCAL}", {}, True, True),
    "https files": ("http://app.site.localhost", f"https://{LOCAL}", {}, True, True),
    "both https": ("https://app.site.localhost", f"https://{LOCAL}", {}, True, True),
    "SameSite=None": (
        "http://app.site.localhost",
        f"http://{LOCAL}",
        {"samesite": "None"},
        True,
        True,
    ),
    "Partitioned": (
        "http://app.site.localhost",
        f"http://{LOCAL}",
        {"partitioned": True},
        True,
        True,
    ),
    "already open": ("http://localhost", "http://localhost:8001", {"secure": False}, False, False),
    # A browser does not know that such a name is of this machine.
    "test": ("http://app.site.test", "http://cdn.site.test:8001", {}, None, True),
    "open, elsewhere": (
        "http://app.site.test",
        "http://cdn.site.test:8001",
        {"secure": False},
        False,
        False,
    ),
    "elsewhere": ("http://app.example.com", "https://media.example.com", {}, None, True),
}


@pytest.mark.parametrize(
    ("address", "files", "attributes", "with_request", "without"), SECURE.values(), ids=SECURE
)
def test_secure(
    site: Any,
    address: str,
    files: str,
    attributes: dict[str, Any],
    with_request: bool | None,
    without: bool,
) -> None:
    """Leave Secure out where WebKit would drop it, and only there; delete likewise."""
    protocol, _, domain = files.partition("//")
    options = {"custom_domain": domain, "url_protocol": protocol}
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    page_protocol, _, host = address.partition("//")
    names = host.partition(":")[0].split(".")
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = ".".join(names[1:]) if names[0] == "app" else None
    request = page(host, secure=page_protocol == "https:")
    for asked, expected in ((request, with_request), (None, without)):
        for change in (set_signed_cookies, delete_signed_cookies):
            response = HttpResponse()
            if expected is None and change is set_signed_cookies:
                with pytest.raises(ValueError, match="Serve it over https"):
                    change(response, folder="a", request=asked, **attributes)
                continue
            change(response, folder="a", request=asked, **attributes)
            secures = {bool(morsel["secure"]) for morsel in response.cookies.values()}
            assert secures == {expected is not False}


def test_host_only(site: Any) -> None:
    """Set host-only cookies if page and files have one host, whatever their ports."""
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = None
    response = HttpResponse()
    local: dict[str, Any] = {"storage": "local", "secure": False}
    set_signed_cookies(response, folder="a", request=page("localhost:8000", secure=False), **local)
    assert all("Domain" not in header for header in headers(response))
    assert_cookies_open(response, "a/1.jpg", storage="local")
    with pytest.raises(ValueError, match="AWS_CLOUDFRONT_COOKIE_DOMAIN"):
        set_signed_cookies(HttpResponse(), folder="a", request=page())
    # The host of the page gets what is set for a domain above it, too.
    response = HttpResponse()
    set_signed_cookies(response, folder="a", request=page("media.example.com"))
    with pytest.raises(ValueError, match="/a/b/"):
        set_signed_cookies(response, folder="a/b", domain="example.com")


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        ({"folder": "a"}, {"folder": "b"}, False),
        ({"folder": "a"}, {"folder": "a"}, False),
        ({"folder": "a"}, {"folder": "ab"}, False),
        ({"folder": "a/b"}, {"folder": "a"}, True),
        ({"folder": "a"}, {"folder": "a/b"}, True),
        ({"resource": "a/*"}, {"resource": "a/*.jpg"}, True),
        ({"resource": "a/1.jpg"}, {"resource": "a/2.jpg"}, True),
        ({"folder": "a"}, {"folder": "a", "domain": "media.example.com"}, True),
        ({"folder": "a", "domain": "media.example.com"}, {"folder": "a"}, True),
    ],
)
def test_overlap(first: dict[str, Any], second: dict[str, Any], is_refused: bool) -> None:
    """Refuse two policies of which a browser would send both, and CloudFront would read one."""
    response = HttpResponse()
    response.set_cookie("theme", "dark")
    set_signed_cookies(response, **first)
    before = headers(response)
    if is_refused:
        with pytest.raises(ValueError, match="/a/"):
            set_signed_cookies(response, **second)
        assert headers(response) == before
    else:
        set_signed_cookies(response, **second)


def test_what_the_assertions_say() -> None:
    """Fail with what the cookies open, or with CloudFront's code if they do not open the file."""
    response, other = HttpResponse(), HttpResponse()
    set_signed_cookies(response, folder="videos/42")
    set_signed_cookies(other, folder="videos/43", path="/", domain="media.example.com")
    with pytest.raises(AssertionError, match="MissingKey"):
        assert_cookies_open(response, "photos/1.jpg")
    with pytest.raises(AssertionError, match=r"videos/42/\*"):
        assert_cookies_refuse(response, "videos/42/1.ts")
    response.cookies.update(other.cookies)
    with pytest.raises(AssertionError, match="two cookies CloudFront-"):
        assert_cookies_open(response, "videos/42/1.ts")


def test_classes_that_name_no_folders() -> None:
    """Name the method that a scope, or a view with the mixin, lacks."""
    with pytest.raises(NotImplementedError, match="Scope must define get_folders"):
        type("Scope", (SignedCookieScope,), {})().get_folders(page())
    view: Any = type("Page", (SignedCookiesMixin,), {"get": lambda self, request: HttpResponse()})
    with pytest.raises(NotImplementedError, match="Page must define get_signed_folders"):
        view.as_view()(page())


def test_decorator_and_mixin() -> None:
    """Open the folders that a view names, for as long as it says; raise for a bad name."""

    def get(url: str) -> Any:
        return Client().get(url, secure=True, HTTP_HOST=PAGE)

    with at(NOW):
        assert_cookies_open(get("/video/7"), "videos/7/1.ts", now=NOW + 61)
        assert_cookies_open(get("/video_async"), "videos/7/1.ts", now=NOW)
        assert headers(get("/video/none")) == []
        for url, names in (
            ("/videos", ["videos/7/1.ts"]),
            ("/album/7", ["albums/7/1.jpg", "thumbs/7/1.jpg"]),
        ):
            response = get(url)
            for name in names:
                assert_cookies_open(response, name, now=NOW + 59)
                assert_cookies_refuse(response, name, now=NOW + 61)
        for url in ("/video/.", "/album/."):
            with pytest.raises(ValueError, match="folder"):
                get(url)


SEGMENT = st.text(CHARACTERS, min_size=1, max_size=8).filter(
    lambda text: not {"/", "\\", "\0"} & set(text) and text.strip(".") != ""
)


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(folder=st.lists(SEGMENT, min_size=1, max_size=3), name=SEGMENT, other=SEGMENT)
def test_any_folder(
    folder: list[str], name: str, other: str, ec_key: PrivateKey, site: Any
) -> None:
    """Open exactly the files in a folder, whatever it and they are called."""
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    response, opened = HttpResponse(), "/".join(folder)
    set_signed_cookies(response, folder=opened)
    for inside in (f"{opened}/{name}", f"{opened}/{other}/{name}"):
        assert_cookies_open(response, inside)
    for outside in (f"{other}/{name}", f"{opened}{other}", f"{opened}{other}/{name}", name):
        if not outside.startswith(f"{opened}/"):
            assert_cookies_refuse(response, outside)
