"""What a player is told about a video: a signed playlist, or files that its cookies open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import Signer
from django.test import Client, RequestFactory

from cfsigned_django.core import keyring
from cfsigned_django.playback import PlaylistGrant, playback
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.rotation.lifecycle import KeyStatus
from cfsigned_django.rotation.models import KeyPair
from cfsigned_django.signing import PrivateKey
from cfsigned_django.testing import assert_cookies_open, assert_signed
from tests.cookies.test_middleware import answers, browser, get
from tests.keyring import make_key_pair
from tests.storage_cases import (
    KEY_GROUP_ID,
    KEY_ID,
    NOW,
    S3_BACKEND,
    at,
    counted_signatures,
    parameters_of,
    verify,
)
from tests.views.test_playlists import _site as _site, ask, follow, urlpatterns as urlpatterns


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


def granted() -> str:
    """Return the path of a playlist in a new answer for a player without cookies."""
    url: str = tell()["url"]
    return url.removeprefix("https://app.example.com")


def test_grants() -> None:
    """Open no other folder and no other storage, and nothing with a grant that was changed."""
    url = granted()
    token = url.split("/")[3]
    for other in (
        url.replace("/courses/42/", "/courses/43/"),
        url.replace("/courses/42/master", "/courses/42x/master"),
        url.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B")),
        url.replace(token, Signer(salt="other").sign_object(["default", "courses/42", NOW + 60])),
        url.replace(token, Signer(salt="cfsigned_django.playlists").sign_object(["default"])),
    ):
        assert ask(other).status_code == 403
    assert ask(url.replace("/courses/42/master", "/courses/42/%2E%2E/43/master")).status_code == 404
    with at(NOW):
        assert PlaylistGrant.load(token) == PlaylistGrant(
            "default", "courses/42", NOW + 600, KEY_ID
        )


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

    KeyPair.objects.update(status=KeyStatus.REVOKED, active_in=None)
    keyring.forget()
    assert ask(url).status_code == 403  # The key of the settings signs.
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
    for now in (NOW + 1200, NOW + 1301):  # They have ended.
        with pytest.raises(ImproperlyConfigured):
            tell(client=client, now=now)


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
        ("root.M3U8", {}, "folder"),
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
    site.ROOT_URLCONF = "tests.views.test_files"
    with pytest.raises(ImproperlyConfigured, match=re.escape("cfsigned_django.urls")):
        playback(RequestFactory().get("/"), "courses/42/master.m3u8")
