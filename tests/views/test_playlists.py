"""Serve playlists whose URIs are signed, for players without cookies."""

from __future__ import annotations

import re
from logging import WARNING
from pathlib import Path
from traceback import walk_tb
from typing import Any
from urllib.parse import urljoin

import pytest
from django.http import Http404, HttpRequest, JsonResponse
from django.test import Client
from django.urls import include, path

from cfsigned_django.logs import log_once
from cfsigned_django.playback import playback
from cfsigned_django.signing import Denied
from cfsigned_django.views import SignedPlaylistView
from tests.storage_cases import FILE_BACKEND, NOW, S3_BACKEND, at, counted_signatures, verify

MASTER = """#EXTM3U
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="keys/1.key"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="한국어",URI="audio/ko +1.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2177116,AUDIO="aac"
720p/index.m3u8?v=2
#EXT-X-STREAM-INF:BANDWIDTH=5000000,AUDIO="aac"
https://media.example.com/private/courses/42/hd:A.M3U8
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
    "courses/42/hd:A.M3U8": SEGMENTS,
    "courses/42/audio/ko +1.m3u8": SEGMENTS,
    "courses/43/master.m3u8": MASTER,
    "courses/live/index.m3u8": SEGMENTS.replace("#EXT-X-ENDLIST\n", ""),
    "courses/up/index.m3u8": "#EXTM3U\n#EXTINF:6,\n../common/seg1.ts\n#EXT-X-ENDLIST\n",
    "courses/outside/index.m3u8": "#EXTM3U\n../../../other.m3u8\n",
    "courses/outside/encoded.m3u8": "#EXTM3U\n%2e%2e/..%2f../other.m3u8\n",
    "courses/outside/host.m3u8": "#EXTM3U\nhttps://media.example.com/other.m3u8\n",
    "courses/folder.m3u8/a.m3u8": SEGMENTS,
    "courses/beside/index.m3u8": "#EXTM3U\n../43/master.m3u8\n",
    "courses/bad/dash.m3u8": "<MPD/>",
    "courses/bad/long.m3u8": f"#EXTM3U\n{'a' * 8000}.ts\n",
    "courses/bad/large.m3u8": "#EXTM3U\n" + "#" * 25_000,
    "courses/bad/many.m3u8": "#EXTM3U\n" + "a\n" * 1251,
    "courses/bad/links.m3u8": "#EXTM3U\n" + "a.m3u8\n" * 1001,
    "courses/42/secret.m3u8": SEGMENTS,
    "courses/42/index.txt": SEGMENTS,
    "root.m3u8": SEGMENTS,
}


def may_watch(request: HttpRequest, name: str) -> bool:
    """Admit a viewer who has a token in the query, and hide what is secret."""
    if "secret" in name:
        raise Http404
    return request.GET.get("token") == "a&b"


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
    path("playlists/<path:name>", SignedPlaylistView.as_view(permission=may_watch)),
    path("plain/<path:name>", SignedPlaylistView.as_view(permission=may_watch, storage="public")),
    path("api", api),
    path("", include("tests.cookies.test_middleware")),
]


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


def ask(url: str, now: float = NOW) -> Any:
    """Return the answer at that moment, to a player that sends no cookies."""
    with at(now):
        return Client().get(url)


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


def test_every_level_is_signed() -> None:
    """Sign all files of a video, one signature a playlist, for a player without cookies."""
    url = "/playlists/courses/42/master.m3u8?token=a%26b"
    with counted_signatures() as signatures:
        found = follow(url)
    assert (len(found), len(signatures)) == (5, 3)  # one for each folder
    assert sum(map(len, found.values())) == 1 + 4 * 3
    for playlist, signed in found.items():
        assert playlist.endswith("?token=a%26b")
        for each in signed:
            policy = verify("default", each, now=NOW)
            assert policy.date_less_than == NOW + 3600
            with pytest.raises(Denied):
                verify("default", each.replace("/courses/42/", "/courses/43/"), now=NOW)


def test_answer() -> None:
    """Answer as HLS; let one browser keep it for a minute, unless the playlist grows."""
    response = ask("/playlists/courses/42/720p/index.m3u8?token=a%26b")
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
        response = ask(f"/playlists/courses/{name}.m3u8?token=a%26b")
        assert f"max-age={seconds}" in response.headers["Cache-Control"]


def test_refusals() -> None:
    """Answer 403 and 404 without a signature; 404 for what is not a playlist."""
    response = ask("/playlists/courses/42/master.m3u8")
    assert (response.status_code, b"Signature" in response.content) == (403, False)
    for name in (
        *("courses/42/secret.m3u8", "courses/42/none.m3u8", "courses/folder.m3u8", "courses/42"),
        "courses/42/index.txt",
        *("courses/42/master.m3u8/b.m3u8", "courses//a.m3u8", f"courses/{'a' * 1020}.m3u8"),
    ):
        assert ask(f"/playlists/{name}?token=a%26b").status_code == 404


#: The name of a playlist, and what the reason must name, if 25 KB are the most.
BAD = [
    ("bad/dash", "#EXTM3U"),
    ("bad/long", "8192"),
    ("bad/latin", "UTF-8"),
    ("bad/large", "max_size"),
    ("bad/many", "max_size"),
    ("bad/links", "1000"),
    ("up/index", "get_url_arguments"),
    ("outside/index", "other.m3u8"),
    ("outside/encoded", "other.m3u8"),
    ("outside/host", "other.m3u8"),
]


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take smaller playlists than usual."""
    monkeypatch.setattr(SignedPlaylistView, "max_size", 25_000)


@pytest.mark.usefixtures("_small")
def test_playlists_that_cannot_be_signed(
    caplog: pytest.LogCaptureFixture, subtests: pytest.Subtests
) -> None:
    """Answer 404 to a bad upload, never with a part of it; log once what is wrong."""
    log_once.cache_clear()
    for source, reason in BAD:
        caplog.clear()
        name = f"courses/{source}.m3u8"
        with subtests.test(source):
            responses = [ask(f"/playlists/{name}?token=a%26b") for _ in range(2)]

            assert {each.status_code for each in responses} == {404}
            assert not any(b"Signature=" in each.content for each in responses)
            (record,) = (each for each in caplog.records if each.name == "cfsigned_django.views")
            text = record.getMessage()
            assert (record.levelno, name in text, reason in text) == (WARNING, True, True)
            assert "Signature=" not in text
            assert len(text) < 2000


@pytest.mark.parametrize(
    ("name", "match"),
    [("playlists/root", "folder"), ("plain/courses/42/master", "querystring_auth")],
)
def test_views_that_cannot_sign(name: str, match: str) -> None:
    """Raise if the site is wrong, not the file."""
    with pytest.raises(ValueError, match=match) as caught:
        ask(f"/{name}.m3u8?token=a%26b")
    # What an error report shows of each frame has no signature; the first one is this test.
    assert caught.tb is not None
    frames = [frame.f_locals for frame, _ in walk_tb(caught.tb.tb_next)]
    assert "Signature=" not in repr([each for each in frames if "site" not in each])


@pytest.mark.parametrize(("name", "size"), [("bad/large", 10), ("live/index", 2**30)])
@pytest.mark.usefixtures("_small")
def test_size_in_the_storage(name: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read no more than the limit of a compressed file, and nothing of one that is too large."""
    monkeypatch.setattr("django.core.files.base.File.size", size)
    assert ask(f"/playlists/courses/{name}.m3u8?token=a%26b").status_code == 404


def test_link_to_another_folder() -> None:
    """Link a playlist of another folder without a signature: its own request asks for it."""
    (uri,) = uris(ask("/playlists/courses/beside/index.m3u8?token=a%26b"))
    assert uri == "../43/master.m3u8?token=a%26b"
