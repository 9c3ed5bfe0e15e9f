"""Subclasses whose url() takes less than the package's: what was not given is not handed on.

Modules: storage/site_storages.py, shortcuts.py, views/files.py, views/names.py,
views/playlists.py, playback.py
"""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.urls import include, path

from cfsigned_django.playback import playback
from cfsigned_django.shortcuts import sign_html, signed_url, signed_urls
from cfsigned_django.testing import InMemorySignedStorage, assert_signed
from cfsigned_django.views import SignedPlaylistView, SignedRedirectView, SignedUrlsView
from tests.storage_cases import ORIGIN, file_of

PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n1.ts\n#EXT-X-ENDLIST\n"


class NameOnly(InMemorySignedStorage):
    """A storage as Django documents it: its url() takes a name."""

    def url(self, name: str | None) -> str:  # type: ignore[override]
        """Return the URL of a file."""
        return super().url(name)


class WithExpire(InMemorySignedStorage):
    """A storage whose url() has some of the arguments of django-storages."""

    def url(self, name: str | None, expire: int | None = None) -> str:  # type: ignore[override]
        """Return the URL of a file."""
        return super().url(name, expire=expire)


def get(url: str) -> str:
    """Return where a view leads, or the first URI of the playlist that it shows."""
    response: Any = Client().get(urlsplit(url).path, secure=True)
    return str(response.headers.get("Location") or response.content.decode().split("\n")[3])


def in_block() -> str:
    """Return the URL of a field within a block."""
    with signed_urls(folder="a"):
        return str(file_of("a/1.jpg").url)


def post_names() -> str:
    """Return the URL from the view for many files."""
    names = {"names": ["a/1.jpg"]}
    response: Any = Client().post("/many", names, "application/json", secure=True)
    return str(response.json()["urls"]["a/1.jpg"])


def sign_text(text: str) -> str:
    """Return the URL within a text that is signed."""
    return unescape(sign_html(text, folder="a").split('"')[1])


def play(name: str) -> str:
    """Return the address that a player is told."""
    return playback(RequestFactory().get("/"), name, cookies=False)["url"]


#: What a site calls -> the call, and the argument that it gives to url(), if it gives one.
CALLS: dict[str, tuple[Callable[[], str], str]] = {
    "signed_url(expire=)": (lambda: signed_url("a/1.jpg", expire=60), "expire"),
    "block and file.url": (in_block, ""),
    "sign_html()": (lambda: sign_text(f'<img src="{ORIGIN}/a/1.jpg">'), ""),
    "SignedRedirectView(expire=)": (lambda: get("/brief/a/1.jpg"), "expire"),
    "SignedUrlsView": (post_names, ""),
    "playback() of a playlist": (lambda: get(play("a/1.m3u8")), "folder"),
    "SignedPlaylistView": (lambda: get("/playlist/a/1.m3u8"), "folder"),
}

anyone = {"permission": lambda request, name: True}
urlpatterns = [
    path("brief/<path:name>", SignedRedirectView.as_view(**anyone, expire=60)),
    path("playlist/<path:name>", SignedPlaylistView.as_view(**anyone)),
    path("many", SignedUrlsView.as_view(**anyone)),
    path("media/", include("cfsigned_django.urls")),
]


@pytest.mark.parametrize(("cls", "takes"), [(NameOnly, ""), (WithExpire, "expire")])
def test_calls(
    cls: type[Any], takes: str, own_urls: None, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sign with what was given; what url() does not take is an error with the way out."""
    site.STORAGES = {"default": {"BACKEND": f"{__name__}.{cls.__name__}"}}
    monkeypatch.setattr(cls, "open", lambda self, name, mode: ContentFile(PLAYLIST, name))
    found, expected = {}, {}
    for name, (call, argument) in CALLS.items():
        try:
            assert_signed(call())
        except TypeError as error:
            named = (f"{cls.__name__}.url()", argument, "def url(self, name, *args, **kwargs)")
            found[name] = "named" if all(each in str(error) for each in named) else str(error)
        else:
            found[name] = "signed"
        is_taken = argument in ("", takes)
        expected[name] = "signed" if is_taken else "named"
    assert found == expected


def test_command(site: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Print the URL of a storage whose url() takes a name, unless a lifetime is given."""
    site.STORAGES = {"default": {"BACKEND": f"{__name__}.NameOnly"}}
    call_command("cfsigned_sign", "a/1.jpg")
    assert_signed(capsys.readouterr().out.strip())
    with pytest.raises(CommandError, match=r"NameOnly\.url\(\)"):
        call_command("cfsigned_sign", "a/1.jpg", expire=60)


def test_other_mistakes(site: Any) -> None:
    """Leave a TypeError as it is if url() takes the arguments."""

    class Broken(InMemorySignedStorage):
        def url(self, name: str | None, *args: Any, **kwargs: Any) -> str:
            return str(name + 1)  # type: ignore[operator]

    with pytest.raises(TypeError, match="concatenate"):
        signed_url("a/1.jpg", storage=Broken(), expire=60)
