"""What a page or an API says of a video: where a player finds it, and until when."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import timedelta
from typing import Any, Final, TypedDict, cast

from django.core.exceptions import ImproperlyConfigured
from django.core.files import File
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from cfsigned_django.cookies.renewal import find_opened
from cfsigned_django.storage.context import watch_expiry
from cfsigned_django.storage.site_storages import find_storage, url_of

#: How the name of an HLS playlist ends (RFC 8216, section 4).
PLAYLISTS: Final = (".m3u8", ".m3u")


class Playback(TypedDict):
    url: str
    cookies: bool
    poster: str | None
    captions: Any
    expires_at: str | None
    refresh_url: str | None


@dataclass(frozen=True, slots=True)
class PlaylistGrant:
    """The right to read the playlists of one folder, and the files in them, without cookies.

    It is part of a URL, as a signature is: for players that cannot log in.
    """

    #: An alias of STORAGES.
    storage: str
    folder: str
    #: Unix seconds.
    expires: int
    #: The key that signed when the grant was made: with its revocation, the grant ends.
    key_pair_id: str

    def dump(self) -> str:
        """Return the grant as text for a URL, signed with SECRET_KEY."""
        text: str = _grant_signer().sign_object(astuple(self))
        return text

    @classmethod
    def load(cls, text: str) -> PlaylistGrant | None:
        """Return the grant; None if this site did not sign it, or if it has expired."""
        try:
            grant = cls(*_grant_signer().unsign_object(text))
        except (BadSignature, TypeError, ValueError):  # TypeError: of another release
            return None
        return grant if time.time() < grant.expires else None


def _grant_signer() -> Signer:
    return Signer(salt="cfsigned_django.playlists")


def playback(
    request: HttpRequest,
    name: str,
    *,
    poster: str | None = None,
    captions: str | Iterable[str] | Mapping[str, str] | None = None,
    storage: str = "default",
    folder: str | None = None,
    expire: int | timedelta | None = None,
    cookies: bool = True,
) -> Playback:
    """Return what a player needs to know of a video. Check first that the viewer may see it.

    ``name``, ``poster`` and ``captions`` are names in the storage. Captions may
    be one name, several, or a mapping of languages to names; their URLs have
    the same shape.

    If the scopes of the site give this viewer cookies that open the video,
    ``"cookies"`` is True: its URL has no signature, and the player must send
    cookies with each request. Otherwise, and with ``cookies=False``, as for a
    Chromecast, anyone who has the URL can use it for ``expire`` (seconds or a
    timedelta). That of an HLS playlist leads to this site, which signs the
    playlist for all files in ``folder``, by default the folder of the playlist:
    it must hold nothing but this video.

    ``"expires_at"`` says when the first of the cookies and URLs expires (ISO
    8601, UTC). A POST to ``"refresh_url"`` renews the cookies; without cookies
    it is None, and the player asks for a new answer instead.

    Raise :exc:`ValueError` for a DASH manifest that no cookies open, and
    :exc:`ImproperlyConfigured` if the site does not include ``cfsigned_django.urls``.
    """
    found = find_storage(storage)
    name = str(name)
    opened = find_opened(request) if cookies else {}
    refresh_url = None
    with watch_expiry() as watch:

        def link(file: Any) -> str:
            address = found.unsigned_url(str(file))
            for start, end in opened.items():
                if address.startswith(start):
                    watch.note(end)
                    return address
            return url_of(found, str(file), expire=expire)

        uses_cookies = found.unsigned_url(name).startswith(tuple(opened))
        if uses_cookies:
            url, refresh_url = link(name), _own_url(request, "refresh")
        elif name.lower().endswith(".mpd"):
            raise ValueError(
                f"{name} is a DASH manifest, and only signed cookies open its segments. Give the "
                "viewer cookies for its folder, or offer HLS to players without cookies."
            )
        elif name.lower().endswith(PLAYLISTS):
            folder = posixpath.dirname(name) if folder is None else folder
            # As the view signs later: here for the errors, and for the time when that ends.
            url_of(found, name, folder=folder, expire=expire, expire_step=0)
            end = cast(int, watch.expires)
            token = PlaylistGrant(
                storage, folder, end, found.cfsigned.lease().signer.key_pair_id
            ).dump()
            url = _own_url(request, "playlist", token, name)
        else:
            url = link(name)
        shown = link(poster) if poster else None
        texts = _map_captions(captions, link)
    return {
        "url": url,
        "cookies": uses_cookies,
        "poster": shown,
        "captions": texts,
        "expires_at": watch.expires_at,
        "refresh_url": refresh_url,
    }


def _map_captions(
    captions: str | Iterable[str] | Mapping[str, str] | None, link: Callable[[Any], str]
) -> Any:
    if isinstance(captions, Mapping):
        return {language: link(name) for language, name in captions.items()}
    if captions is None or isinstance(captions, str | File):
        return link(captions) if captions else None
    return [link(name) for name in captions]


def _own_url(request: HttpRequest, view: str, *args: str) -> str:
    try:
        return request.build_absolute_uri(reverse(f"cfsigned:{view}", args=args))
    except NoReverseMatch:
        raise ImproperlyConfigured(
            'playback() needs path("media/", include("cfsigned_django.urls")) in the URLs of the '
            "site."
        ) from None
