"""Play a video: playlists whose URIs are signed, and what a player is told.

Modules: playback.py, views/playlists.py
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from logging import WARNING
from pathlib import Path
from traceback import walk_tb
from typing import Any
from urllib.parse import urljoin

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import Signer
from django.http import Http404, HttpRequest, JsonResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import include, path

from cfsigned_django import keyring
from cfsigned_django.playback import PlaylistGrant, playback
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import Denied, PrivateKey
from cfsigned_django.testing import assert_cookies_open, assert_signed
from cfsigned_django.views import SignedPlaylistView
from tests.cookies.test_middleware import answers, browser, get
from tests.keyring import make_key_pair
from tests.storage_cases import (
    FILE_BACKEND,
    KEY_GROUP_ID,
    KEY_ID,
    NOW,
    S3_BACKEND,
    at,
    counted_signatures,
    parameters_of,
    verify,
)

MASTER = """#EXTM3U
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="keys/1.key"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="한국어",URI="audio/ko +1.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2177116,AUDIO="aac"
720p/index.m3u8?v=2
#EXT-X-STREAM-INF:BANDWIDTH=5000000,AUDIO="aac"
https://media.example.com/private/courses/42/hd:a.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=187492,URI="720p/iframes.m3u8"
"""
SEGMENTS = """#EXTM3U
#EXT-X-TARGETDURATION:6
#EXT-X-MAP:URI="init.mp4"
#EXTINF:6,
seg 1.m4s
#EXTINF:6,
seg+2.m4s?part=1
#EXTINF:6,
https://ads.example.net/bumper.ts
#EXT-X-ENDLIST
"""
#: What is in the storage.
FILES = {
    "courses/42/master.m3u8": MASTER,
    "courses/42/720p/index.m3u8": SEGMENTS,
    "courses/42/720p/iframes.m3u8": SEGMENTS,
    "courses/42/hd:a.m3u8": SEGMENTS,
    "courses/42/audio/ko +1.m3u8": SEGMENTS,
    "courses/영상/첫 번째.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n나중.m3u8\n",
    "courses/영상/나중.m3u8": SEGMENTS,
    "courses/43/master.m3u8": MASTER,
    "courses/live/index.m3u8": SEGMENTS.replace("#EXT-X-ENDLIST\n", ""),
    "courses/up/index.m3u8": "#EXTM3U\n#EXTINF:6,\n../common/seg1.ts\n#EXT-X-ENDLIST\n",
    "courses/outside/index.m3u8": "#EXTM3U\n../../../other.m3u8\n",
    "courses/outside/encoded.m3u8": "#EXTM3U\n%2e%2e/..%2f../other.m3u8\n",
    "courses/outside/host.m3u8": "#EXTM3U\nhttps://media.example.com/other.m3u8\n",
    "courses/folder.m3u8/a.m3u8": SEGMENTS,
    "courses/beside/index.m3u8": "#EXTM3U\n../43/master.m3u8\n",
    "courses/bad/dash.m3u8": "<MPD/>",
    "courses/bad/fragment.m3u8": "#EXTM3U\na#1.ts\n",
    "courses/bad/long.m3u8": f"#EXTM3U\n{'a' * 8000}.ts\n",
    "courses/42/secret.m3u8": SEGMENTS,
    "root.m3u8": SEGMENTS,
}
#: What one test each puts there: a megabyte or so.
LARGE = {
    "courses/comments.m3u8": "#EXTM3U\n" + "#\n" * 200_000,
    "courses/bad/large.m3u8": "#EXTM3U\n" + "#" * 1024 * 1024,
    "courses/bad/many.m3u8": "#EXTM3U\n" + "a\n" * 200_000,
    "courses/bad/line.m3u8": "#EXTM3U\n#EXT-X-MAP:" + 'URI="a",' * 100_000,
    "courses/bad/variable.m3u8": "#EXTM3U\n" + "{$a}" * 200_000,
    "courses/bad/links.m3u8": "#EXTM3U\n" + "a.m3u8\n" * 1001,
}


def may_watch(request: HttpRequest, name: str) -> bool:
    """Admit a viewer who has a token in the query, and hide what is secret."""
    if "secret" in name:
        raise Http404
    return request.GET.get("token") == "a&b"


async def may_watch_async(request: HttpRequest, name: str) -> bool:
    """Do the same in a coroutine."""
    await asyncio.sleep(0)
    return may_watch(request, name)


class WholeVideo(SignedPlaylistView):
    """Open the folder of a whole video, for an hour, to one address."""

    expire = 3600
    ip_address = "192.0.2.7"

    def get_name(self, *, pk: int, file: str) -> str:  # type: ignore[override]
        """Return the name of a file of a row."""
        return f"courses/{pk}/{file}"

    def get_url_arguments(self, name: str) -> dict[str, Any]:
        """Sign for the folder of the video, whatever the playlist is in."""
        return super().get_url_arguments(name) | {"folder": "/".join(name.split("/")[:2])}


def api(request: HttpRequest) -> JsonResponse:
    """Return what a player needs for the video."""
    name = request.GET.get("name", "courses/42/master.m3u8")
    return JsonResponse(
        playback(
            request,
            name,
            poster="courses/posters/42.jpg",
            captions={"ko": "courses/42/ko.vtt"},
            expire=600,
            cookies="cast" not in request.GET,
        )
    )


urlpatterns = [
    path("sync/<path:name>", SignedPlaylistView.as_view(permission=may_watch)),
    path("async/<path:name>", SignedPlaylistView.as_view(permission=may_watch_async)),
    path("whole/<int:pk>/<path:file>", WholeVideo.as_view(permission=may_watch)),
    path("plain/<path:name>", SignedPlaylistView.as_view(permission=may_watch, storage="public")),
    path("api", api),
    path("", include("tests.cookies.test_middleware")),
]
EACH = pytest.mark.parametrize("view", ["sync", "async"])
BOTH = pytest.mark.parametrize("handler", ["wsgi", "asgi"])


@pytest.fixture(autouse=True)
def _site(own_urls: None, site: Any, tmp_path: Path) -> None:
    """Configure a site with these views, and store the playlists."""
    site.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "cfsigned_django.middleware.SignedCookiesMiddleware",
    ]
    site.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    site.ALLOWED_HOSTS = ["*"]
    site.AWS_LOCATION = "private"
    files = {"BACKEND": FILE_BACKEND, "OPTIONS": {"location": tmp_path}}
    site.STORAGES = {
        "default": files,
        "public": {**files, "OPTIONS": {"location": tmp_path, "querystring_auth": False}},
        "s3": {"BACKEND": S3_BACKEND},
    }
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "courses/bad/latin.m3u8").write_bytes("#EXTM3U\né.ts".encode("latin-1"))


def ask(url: str, handler: str = "wsgi", now: float = NOW) -> Any:
    """Return the answer at that moment, to a player that sends no cookies."""
    with at(now):
        if handler == "wsgi":
            return Client().get(url)
        return asyncio.run(AsyncClient().get(url))


def uris(response: Any) -> list[str]:
    """Return the URIs in a playlist, of lines and attributes."""
    assert response.status_code == 200
    text = response.content.decode()
    return re.findall(r'(?:URI="|^)([^"#\n][^"\n]*)', text, re.MULTILINE)


def follow(url: str, **arguments: Any) -> dict[str, list[str]]:
    """Return the signed URLs in each playlist that a player finds from this one on."""
    found: dict[str, list[str]] = {}
    waiting = [url]
    while waiting:
        url = waiting.pop()
        for uri in uris(ask(url, **arguments)):
            if "Signature=" in uri:
                found.setdefault(url, []).append(uri)
            elif not uri.startswith("https://ads."):
                waiting.append(urljoin(url, uri))
    return found


@EACH
@BOTH
def test_every_level_is_signed(view: str, handler: str) -> None:
    """Sign all files of a video, one signature a playlist, for a player without cookies."""
    url = f"/{view}/courses/42/master.m3u8?token=a%26b"
    with counted_signatures() as signatures:
        found = follow(url, handler=handler)
    assert (len(found), len(signatures)) == (5, 3)  # one for each folder
    assert sum(map(len, found.values())) == 1 + 4 * 3
    for playlist, signed in found.items():
        assert playlist.endswith("?token=a%26b")
        for each in signed:
            policy = verify("default", each, now=NOW)
            assert policy.date_less_than == NOW + 3600
            with pytest.raises(Denied):
                verify("default", each.replace("/courses/42/", "/courses/43/"), now=NOW)


@EACH
@BOTH
def test_answer(view: str, handler: str) -> None:
    """Answer as HLS; let one browser keep it for a minute, unless the playlist grows."""
    response = ask(f"/{view}/courses/42/720p/index.m3u8?token=a%26b", handler)
    base = "https://media.example.com/private/courses/42/720p"
    signature = uris(response)[0].partition("?")[2]
    assert response.content.decode() == (
        SEGMENTS.replace("init.mp4", f"{base}/init.mp4?{signature}")
        .replace("seg 1.m4s", f"{base}/seg%201.m4s?{signature}")
        .replace("seg+2.m4s?part=1", f"{base}/seg%2B2.m4s?part=1&{signature}")
    )
    assert response.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert "private" in response.headers["Cache-Control"]
    assert "max-age=60" in response.headers["Cache-Control"]
    assert response.headers["Vary"] == "Cookie, Authorization"
    for name, seconds in (("42/master", 60), ("live/index", 0)):  # Variants do not change.
        response = ask(f"/{view}/courses/{name}.m3u8?token=a%26b", handler)
        assert f"max-age={seconds}" in response.headers["Cache-Control"]


@EACH
@BOTH
def test_refusals(view: str, handler: str) -> None:
    """Answer 403 and 404 without a signature; 404 for what is not a playlist."""
    response = ask(f"/{view}/courses/42/master.m3u8", handler)
    assert (response.status_code, b"Signature" in response.content) == (403, False)
    for name in (
        *(
            "courses/42/secret.m3u8",
            "courses/42/none.m3u8",
            "courses/folder.m3u8",
            "courses/42",
            "courses/42/a.ts",
            "a.mpd",
        ),
        *("courses/42/master.m3u8/b.m3u8", "courses/42/a%2F%2E%2E%2Fb.m3u8", "courses//a.m3u8"),
        *(f"courses/{'a' * 1020}.m3u8", f"courses/{'a' * 8000}.m3u8"),
    ):
        assert ask(f"/{view}/{name}?token=a%26b", handler).status_code == 404


#: The name of a playlist, and what the reason must name.
BAD = [
    ("bad/dash", "#EXTM3U"),
    ("bad/fragment", "%23"),
    ("bad/long", "8192"),
    ("bad/latin", "UTF-8"),
    ("up/index", "get_url_arguments"),
    ("outside/index", "other.m3u8"),
    ("outside/encoded", "other.m3u8"),
    ("outside/host", "other.m3u8"),
]
BAD_AND_LARGE = [
    ("bad/large", "max_size"),
    ("bad/many", "max_size"),
    ("bad/line", "max_size"),
    ("bad/links", "1000"),
    ("bad/variable", "EXT-X-DEFINE"),
]


@EACH
def test_playlists_that_cannot_be_signed(
    view: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, subtests: pytest.Subtests
) -> None:
    """Answer 404 to a bad upload, never with a part of it; log once what is wrong."""
    # A coroutine reads them with the same function, in a thread.
    for source, reason in BAD + BAD_AND_LARGE if view == "sync" else BAD:
        folder, _, file = f"courses/{source}.m3u8".rpartition("/")
        large = LARGE.get(f"{folder}/{file}")
        # A new one: what is logged once stays logged.
        name = f"courses/{view} {source.replace('/', ' ')}/{file}"
        shutil.copytree(tmp_path / folder, (tmp_path / name).parent)
        if large:
            (tmp_path / name).write_text(large)
        caplog.clear()
        with subtests.test(source):
            responses = [ask(f"/{view}/{name}?token=a%26b") for _ in range(1 if large else 2)]

            assert {each.status_code for each in responses} == {404}
            assert not any(b"Signature=" in each.content for each in responses)
            (record,) = (each for each in caplog.records if each.name == "cfsigned_django.views")
            text = record.getMessage()
            assert (record.levelno, name in text, reason in text) == (WARNING, True, True)
            assert "Signature=" not in text
            assert len(text) < 2000


@pytest.mark.parametrize(
    ("name", "match"),
    [("sync/root", "folder"), ("plain/courses/42/master", "querystring_auth")],
)
def test_views_that_cannot_sign(name: str, match: str) -> None:
    """Raise if the site is wrong, not the file."""
    with pytest.raises(ValueError, match=match) as caught:
        ask(f"/{name}.m3u8?token=a%26b")
    # What an error report shows of each frame has no signature; the first one is this test.
    assert caught.tb is not None
    frames = [frame.f_locals for frame, _ in walk_tb(caught.tb.tb_next)]
    assert "Signature=" not in repr([each for each in frames if "site" not in each])


def test_many_comments(tmp_path: Path) -> None:
    """Count what is signed, not lines."""
    name = "courses/comments.m3u8"
    (tmp_path / name).write_text(LARGE[name])
    assert ask("/sync/courses/comments.m3u8?token=a%26b").status_code == 200


@pytest.mark.parametrize(("name", "size"), [("bad/large", 10), ("live/index", 2**30)])
def test_size_in_the_storage(
    name: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read no more than the limit of a compressed file, and nothing of one that is too large."""
    (tmp_path / "courses/bad/large.m3u8").write_text(LARGE["courses/bad/large.m3u8"])
    monkeypatch.setattr("django.core.files.base.File.size", size)
    assert ask(f"/sync/courses/{name}.m3u8?token=a%26b").status_code == 404


def test_folder_of_the_whole_video() -> None:
    """Sign for the folder, the lifetime and the address that a subclass decides."""
    with counted_signatures() as signatures:
        found = follow("/whole/42/master.m3u8?token=a%26b")
    assert (len(found), len(signatures)) == (5, 1)
    for each in chain.from_iterable(found.values()):
        policy = verify("default", each, now=NOW, viewer_ip="192.0.2.7")
        assert policy.resource == "https://media.example.com/private/courses/42/*"
        assert policy.ip_address == "192.0.2.7/32"


def test_link_to_another_folder() -> None:
    """Link a playlist of another folder without a signature: its own request asks for it."""
    (uri,) = uris(ask("/sync/courses/beside/index.m3u8?token=a%26b"))
    assert uri == "../43/master.m3u8?token=a%26b"


def test_names_in_another_script() -> None:
    """Sign and link names of any script: Django's test client of ASGI cannot ask for one."""
    with at(NOW):
        answer = playback(RequestFactory().get("/"), "courses/영상/첫 번째.m3u8")
    (signed,) = follow(answer["url"].removeprefix("http://testserver")).values()
    for each in signed:
        policy = verify("default", each, now=NOW)
        assert policy.resource.endswith("/courses/%EC%98%81%EC%83%81/*")


# What a player is told


def tell(url: str = "/api", client: Client | None = None, now: float = NOW) -> Any:
    """Return the answer of the API at that moment."""
    return get(client or browser(), url, now).json()


def moment(text: str) -> int:
    """Return a moment in Unix seconds."""
    parsed = datetime.fromisoformat(text)
    assert parsed.tzinfo == UTC
    return int(parsed.timestamp())


def test_playback_without_cookies() -> None:
    """Give URLs that work without cookies until they expire, for every level of the video."""
    answer = tell()
    assert (answer["cookies"], answer["refresh_url"]) == (False, None)
    assert moment(answer["expires_at"]) == NOW + 600
    assert_signed(answer["poster"], name="courses/posters/42.jpg", now=NOW)
    assert_signed(answer["captions"]["ko"], name="courses/42/ko.vtt", now=NOW)
    url = answer["url"].removeprefix("https://app.example.com")
    for now in (NOW, NOW + 599):
        found = follow(url, now=now)
        assert len(found) == 5
        for each in chain.from_iterable(found.values()):
            policy = verify("default", each, now=int(now))
            assert policy.date_less_than == NOW + 600
            assert policy.resource == "https://media.example.com/private/courses/42/*"
    response = ask(url)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert ask(url, now=NOW + 600).status_code == 403


def test_grants() -> None:
    """Open no other folder and no other storage, and nothing with a grant that was changed."""
    url = tell()["url"].removeprefix("https://app.example.com")
    token = url.split("/")[3]
    for other in (
        url.replace("/courses/42/", "/courses/43/"),
        url.replace("/courses/42/master", "/courses/42x/master"),
        url.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B")),
        url.replace(token, "x"),
        url.replace(token, Signer(salt="other").sign_object(["default", "courses/42", NOW + 60])),
        url.replace(token, Signer(salt="cfsigned_django.playlists").sign_object(["default"])),
    ):
        assert ask(other).status_code == 403
    assert ask(url.replace("/courses/42/master", "/courses/42/%2E%2E/43/master")).status_code == 404
    with at(NOW):
        assert PlaylistGrant.load(token) == PlaylistGrant(
            "default", "courses/42", NOW + 600, KEY_ID
        )


def granted() -> str:
    """Return the path of a playlist in a new answer for a player without cookies."""
    url: str = tell()["url"]
    return url.removeprefix("https://app.example.com")


def test_grant_that_outlives_the_settings(site: Any) -> None:
    """Sign for no longer than the limit is now; refuse a grant whose storage is gone."""
    url = granted()
    site.AWS_CLOUDFRONT_MAX_EXPIRE = 60
    site.AWS_QUERYSTRING_EXPIRE = 60
    for each in chain.from_iterable(follow(url).values()):
        assert verify("default", each, now=NOW).date_less_than == NOW + 60
    for each in chain.from_iterable(follow(url, now=NOW + 580).values()):
        assert verify("default", each, now=NOW + 580).date_less_than == NOW + 600

    site.STORAGES = {"s3": {"BACKEND": S3_BACKEND}}
    assert ask(url).status_code == 403


@pytest.fixture
def _key_group(site: Any) -> Iterator[None]:
    """Make the site sign with the ACTIVE key pair of a key group."""
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    keyring.register(find_active_signer, interval=60)
    yield
    keyring.register(find_active_signer, interval=60)


@pytest.mark.django_db
@pytest.mark.usefixtures("_key_group")
def test_grant_whose_key_was_revoked(ec_key: PrivateKey, rsa_key: PrivateKey) -> None:
    """End a grant with the key that signed when it was made; not with a rotation, nor another's."""
    make_key_pair(rsa_key, "KLEAKED", status=KeyStatus.REVOKED)
    first = make_key_pair(ec_key, "K1", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    url = granted()
    assert len(follow(url)) == 5

    KeyPair.objects.filter(pk=first.pk).update(status=KeyStatus.RETIRING, active_in=None)
    make_key_pair(rsa_key, "K2", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    keyring.forget()
    found = follow(url)
    assert len(found) == 5
    assert {parameters_of(each)["Key-Pair-Id"] for each in chain(*found.values())} == {"K2"}

    KeyPair.objects.filter(pk=first.pk).update(status=KeyStatus.REVOKED)
    keyring.forget()
    assert ask(url).status_code == 403
    assert len(follow(granted())) == 5


@pytest.mark.django_db
@pytest.mark.usefixtures("_key_group")
def test_grant_of_the_key_of_the_settings(
    site: Any, ec_key: PrivateKey, rsa_key: PrivateKey
) -> None:
    """End it, too, once that key was imported and revoked."""
    url = granted()
    make_key_pair(rsa_key, KEY_ID, status=KeyStatus.REVOKED)
    make_key_pair(ec_key, "K2", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    keyring.forget()
    assert ask(url).status_code == 403


@pytest.mark.django_db
@pytest.mark.usefixtures("_key_group")
def test_grant_without_the_database(ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on with what is known if the database does not answer."""
    make_key_pair(ec_key, "K0", status=KeyStatus.REVOKED)
    make_key_pair(ec_key, "K1", status=KeyStatus.ACTIVE, active_in=KEY_GROUP_ID)
    url = granted()
    revoked = PlaylistGrant("default", "courses/42", NOW + 600, "K0").dump()
    monkeypatch.setattr(KeyPair._meta, "db_table", "gone")
    keyring.forget()
    assert len(follow(url)) == 5
    assert ask(f"/media/playlist/{revoked}/courses/42/master.m3u8").status_code == 403


def member(courses: str) -> Client:
    """Return a browser whose viewer has courses, and the cookies for their folders."""
    client = browser()
    get(client, f"/enter/{courses}")
    return client


@pytest.fixture
def _scopes(site: Any) -> None:
    site.AWS_CLOUDFRONT_COOKIE_DOMAIN = "example.com"
    site.AWS_CLOUDFRONT_COOKIE_SCOPES = ["tests.cookies.test_middleware.Courses"]


@pytest.mark.usefixtures("_scopes")
def test_playback_with_cookies() -> None:
    """Rely on cookies for what they open, and sign what they do not."""
    client = member("42")
    with counted_signatures() as signatures:
        answer = tell(client=client, now=NOW + 100)
    assert answer["cookies"] is True
    base = "https://media.example.com/private/courses/42"
    assert answer["url"] == f"{base}/master.m3u8"
    assert answer["captions"] == {"ko": f"{base}/ko.vtt"}
    assert_signed(answer["poster"], name="courses/posters/42.jpg", now=NOW)
    assert len(signatures) == 1
    assert moment(answer["expires_at"]) == NOW + 700  # the poster
    assert answer["refresh_url"] == "https://app.example.com/media/refresh/"

    assert tell("/api?cast", client)["cookies"] is False
    assert tell("/api?name=courses/43/master.m3u8", client)["cookies"] is False
    assert tell("/api?name=courses/42.m3u8/a.m3u8", client)["cookies"] is False


@pytest.mark.usefixtures("_scopes")
def test_cookies_that_are_about_to_be_set(site: Any) -> None:
    """Rely on cookies that the same response sets; not on those that no response has set yet."""
    client = member("42,posters")
    answer = tell(client=client, now=NOW + 100)
    assert moment(answer["expires_at"]) == NOW + 1200
    response = get(client, "/api", NOW + 1000)
    assert_cookies_open(response, "courses/42/master.m3u8", now=NOW + 2000)
    assert moment(response.json()["expires_at"]) == NOW + 2200

    get(client, "/buy/43", NOW + 1001)
    assert tell("/api?name=courses/43/master.m3u8", client, NOW + 1001)["cookies"] is False


@pytest.mark.usefixtures("_scopes")
def test_cookies_that_cannot_be_set(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rely on no cookies that the middleware does not set, and on those that the browser has."""
    others = ",".join(map(str, range(8)))
    for courses, uses_cookies in ((f"42,{others}", True), (f"{others},42", False)):
        client = member(courses)
        for now in (NOW + 100, NOW + 1000):
            assert tell(client=client, now=now)["cookies"] is uses_cookies

    client = member("42,posters")
    monkeypatch.setitem(answers, "error", KeyError("down"))
    assert tell(client=client, now=NOW + 100)["cookies"] is False
    monkeypatch.delitem(answers, "error")
    # Without a key, only cookies that were set before open anything.
    site.AWS_CLOUDFRONT_KEY = "broken"
    for now in (NOW + 100, NOW + 1000, NOW + 1001):
        answer = tell(client=client, now=now)
        assert answer["cookies"] is True
        assert moment(answer["expires_at"]) == NOW + 1200
    with pytest.raises(ImproperlyConfigured):
        tell(client=client, now=NOW + 1301)


def test_other_files() -> None:
    """Sign a file that is not a playlist by itself; refuse what only cookies could open."""
    request = RequestFactory().get("/", headers={"host": "app.example.com"})
    with at(NOW):
        answer = playback(request, "courses/42.mp4", captions=["a.vtt", "b.vtt"])
        assert_signed(answer["url"], name="courses/42.mp4", now=NOW)
        for url, name in zip(answer["captions"], ("a.vtt", "b.vtt"), strict=True):
            assert_signed(url, name=name, now=NOW)
        assert answer["poster"] is None
        only = playback(request, "courses/42.mp4", captions="a.vtt", poster="")
        assert_signed(only["captions"], name="a.vtt", now=NOW)
        assert only["poster"] is None
        assert playback(request, "a.mp4")["captions"] is None
        assert playback(request, "a.mp4", storage="public")["expires_at"] is None
        whole = playback(request, "courses/42/720p/index.m3u8", folder="courses/42")["url"]
        grant = PlaylistGrant.load(whole.split("/")[5])
        assert grant == PlaylistGrant("default", "courses/42", NOW + 3600, KEY_ID)


@pytest.mark.parametrize(
    ("name", "arguments", "match"),
    [
        ("courses/42/manifest.mpd", {}, "DASH"),
        ("root.m3u8", {}, "folder"),
        ("courses/42/a.m3u8", {"folder": "courses/43"}, "does not cover"),
        ("courses/42/a.m3u8", {"expire": 10**6}, "AWS_CLOUDFRONT_MAX_EXPIRE"),
        ("courses/42/a.m3u8", {"storage": "public"}, "querystring_auth"),
    ],
)
def test_mistakes(name: str, arguments: dict[str, Any], match: str) -> None:
    """Refuse when the answer is made, not when the player asks for the playlist."""
    with pytest.raises(ValueError, match=match):
        playback(RequestFactory().get("/"), name, **arguments)


def test_site_without_the_endpoints(site: Any) -> None:
    """Say which line is missing in the URLs of the site."""
    site.ROOT_URLCONF = "tests.test_views"
    with pytest.raises(ImproperlyConfigured, match=re.escape("cfsigned_django.urls")):
        playback(RequestFactory().get("/"), "courses/42/master.m3u8")
