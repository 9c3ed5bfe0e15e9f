"""The page of the film: who gets cookies, what the player is told, and what the edge was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.test import Client, override_settings

from cfsigned_django.signing import sign_playlist
from cfsigned_django.testing import assert_cookies_open, assert_cookies_refuse
from demo_project.gallery.video import FOLDER, GUEST, MEMBER, files
from demo_project.state import COOKIE_DOMAIN
from tests.demo_project.browsing import HOST

pytest.importorskip("PIL", reason="needs the demo extra: Pillow")

pytestmark = pytest.mark.django_db(transaction=True)

PIECE, STILL = f"{FOLDER}/360p/part0.m4s", "thumbs/0031.jpg"


@pytest.fixture
def app(site: Client) -> Client:
    """Return a client at the name that shares cookies with the edge, with film and accounts."""
    for name, file in files():
        storages["videos"].save(name, file)
    for name in (MEMBER, GUEST):
        User.objects.create_user(name)
    site.defaults["HTTP_HOST"] = f"app.{COOKIE_DOMAIN}"
    return site


def log_in(client: Client, name: str) -> Any:
    """Log in by the button of the page, and return the response."""
    return client.post("/video/log-in/", {"name": name})


def deleted(response: Any) -> set[str]:
    """Return the paths from which signed cookies are taken away."""
    morsels = response.cookies.values()
    return {each["path"] for each in morsels if each.key == "CloudFront-Policy" and not each.value}


def test_who_gets_cookies(app: Client) -> None:
    """Open film and stills to the member; take that away for another user, and at log-out."""
    assert_cookies_refuse(app.get("/video/"), PIECE, storage="videos")
    for name in (PIECE, STILL):
        assert_cookies_open(log_in(app, MEMBER), name, storage="videos")
        app.cookies.clear()
    log_in(app, MEMBER)
    response = log_in(app, GUEST)
    for name in (PIECE, STILL):
        assert_cookies_refuse(response, name, storage="videos")
    assert deleted(response) == {f"/{FOLDER}/", "/thumbs/"}
    log_in(app, MEMBER)
    app.get("/video/")
    response = app.post("/video/log-out/", headers={"x-requested-with": "fetch"})
    assert (response.status_code, deleted(response)) == (204, {f"/{FOLDER}/", "/thumbs/"})
    assert app.post("/video/log-out/", {"by": "playlist"}).headers["Location"].endswith("playlist")
    assert log_in(app, "demo").status_code == 404


def test_what_the_player_is_told(app: Client) -> None:
    """Answer with cookies, with a signed playlist, or with addresses that the edge refuses."""
    nobody = app.get("/video/answer/").json()
    assert nobody["url"].endswith(f"/{FOLDER}/master.m3u8")
    log_in(app, MEMBER)
    by_cookies = app.get("/video/answer/").json()
    assert by_cookies["cookies"]
    assert {key: by_cookies[key] for key in nobody} == nobody
    by_playlist = app.get("/video/answer/?by=playlist").json()
    assert not by_playlist["cookies"]
    assert "Signature=" in by_playlist["captions"]["ko"]
    master = app.get(by_playlist["url"]).content.decode()
    variant = urljoin(by_playlist["url"], "360p/index.m3u8")
    assert "\n360p/index.m3u8" in master
    assert f"/{PIECE}?" in app.get(variant).content.decode()


def test_the_page(app: Client) -> None:
    """Show stills by plain addresses; at another name, offer the playlist and name the address."""
    log_in(app, MEMBER)
    response = app.get("/video/")
    page = response.content.decode()
    assert f'/{STILL}"' in page
    assert "Signature=" not in page
    nonce = response.context["csp_nonce"]
    assert f'nonce="{nonce}"' in page
    assert f"'nonce-{nonce}'" in response.headers["Content-Security-Policy"]
    other = Client().get("/video/").content.decode()
    assert f'href="http://app.{COOKIE_DOMAIN}/video/"' in other
    assert STILL not in other


def test_the_log_of_the_edge(app: Client, tmp_path: Path) -> None:
    """Tell what the edge was asked of the film, line by line, without a line that is not whole."""
    written = tmp_path / "edge.log"
    first = f"10:00:00 200 /{PIECE}?Policy&Signature\n10:00:01 200 /pictures/a.jpg?Expires\n"
    refusal = f"10:00:02 403 MissingKey /{PIECE}: no Key-Pair-Id in the cookies\n"
    written.write_text(f"{first}{refusal}10:00:03 20")
    with override_settings(DEMO_EDGE_LOG=written):
        found = app.get("/video/log/?since=0").json()
        assert found["end"] == len(first + refusal)
        assert app.get(f"/video/log/?since={found['end']}").json()["asked"] == []
        assert app.get("/video/log/?since=-1").status_code == 400
    names = ("time", "status", "code", "name", "why")
    piece = "360p/part0.m4s"
    assert [tuple(each[name] for name in names) for each in found["asked"]] == [
        ("10:00:00", "200", "", piece, ""),
        ("10:00:02", "403", "MissingKey", piece, "no Key-Pair-Id in the cookies"),
    ]


def test_the_film_is_small_and_whole() -> None:
    """Keep the film below a megabyte, with each file that its playlists name and no other."""
    contents = {name: file.read() for name, file in files()}
    assert sum(map(len, contents.values())) < 500_000
    named = {f"{FOLDER}/{name}" for name in ("master.m3u8", "poster.webp", "en.vtt", "ko.vtt")}
    base = f"http://{HOST}/"

    def note(url: str) -> str:
        named.add(url.removeprefix(base))
        return url

    for name, content in contents.items():
        if name.endswith(".m3u8"):
            sign_playlist(content.decode(), base + name, note)
    assert named == set(contents)
