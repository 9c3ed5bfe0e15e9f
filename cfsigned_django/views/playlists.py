"""Views of HLS playlists, in which each URI becomes a signed URL."""

from __future__ import annotations

import logging
import posixpath
import time
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

from django.core.exceptions import PermissionDenied
from django.core.files.storage import InvalidStorageError, Storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control

from cfsigned_django.core.conf import whole_seconds
from cfsigned_django.logs import log_once
from cfsigned_django.playback import PLAYLISTS, PlaylistGrant
from cfsigned_django.signing import InvalidPlaylist, InvalidUrl
from cfsigned_django.signing.encoding import encode_url
from cfsigned_django.signing.playlist import sign_playlist
from cfsigned_django.signing.signer import join_signature
from cfsigned_django.storage.names import is_exact_name
from cfsigned_django.storage.site_storages import find_storage, url_of
from cfsigned_django.views.files import FileView

logger: Final = logging.getLogger("cfsigned_django.views")

#: How many seconds a browser may cache a playlist: a player reads it once.
LONGEST_CACHE: Final = 60
#: The bytes that a segment takes in a playlist at least: ``#EXTINF:6,`` and a name.
SHORTEST_SEGMENT: Final = 20
#: How many playlists a playlist may refer to. Each of the links repeats the query of the request.
MAX_LINKS: Final = 1000


class SignedPlaylistView(FileView):
    """Return an HLS playlist in which each URI is a signed URL.

    For players that send no cookies: iOS, AirPlay, Chromecast. ::

        path("hls/<path:name>", SignedPlaylistView.as_view(permission=may_watch))

    ``permission``, ``storage``, ``expire``, ``ip_address``, :meth:`get_name` and
    :meth:`get_url_arguments` are those of :class:`SignedRedirectView`. The
    permission is asked for each playlist, with its name.

    **The signature opens everything in the folder of the playlist**: each video
    needs a folder that holds nothing else. One whose playlists refer to files
    beside their own folder returns the folder of the whole video as ``"folder"``
    from :meth:`get_url_arguments`.

    Playlists within a playlist (``.m3u8``, ``.m3u``) become relative links to
    this view, so that they are signed as well: the path of the view must end
    with the name. The links repeat the query of the request, for a permission
    that reads a token in it.

    A file is answered 404, and logged once, if it is not an HLS playlist in
    UTF-8, is larger than ``max_size`` bytes, or refers to a file outside the
    folder, or to a playlist outside the storage. Nothing is raised: a person who
    may upload a playlist could fill the reports of errors.

    A player reads a playlist once and its segments for as long as it plays:
    ``expire`` must be longer than the video takes, with pauses. The browser may
    cache the playlist for a minute, but not one that is still growing. A name
    with another ending, and a file that is not in the storage, are answered 404.
    """

    #: The largest playlist that is read, in bytes: some 25,000 segments.
    max_size: int = 1024 * 1024

    def get_url_arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments of the one signature, among them the folder that it opens."""
        return super().get_url_arguments(name) | {"folder": posixpath.dirname(name)}

    def _checked(self, found: object) -> str:
        name = super()._checked(found)
        if not name.lower().endswith(PLAYLISTS):
            raise Http404("No playlist can have this name.")
        return name

    def _respond(self, name: str) -> HttpResponseBase:
        try:
            text = self._read(name)
            signed = self._sign(name, text)
        except (InvalidPlaylist, InvalidUrl) as error:
            text = "The playlist %r of the storage %r is answered 404; this is logged once. %s"
            log_once(logger.warning, text, name, self.storage, str(error))
            raise Http404("This file is not a playlist that can be signed.") from None
        response = HttpResponse(signed.encode(), content_type="application/vnd.apple.mpegurl")
        # A playlist of variants does not change, and one with an end does not grow.
        is_final = "#EXT-X-ENDLIST" in text or "#EXT-X-STREAM-INF" in text
        patch_cache_control(response, max_age=LONGEST_CACHE if is_final else 0)
        return response

    def _read(self, name: str) -> str:
        try:
            file = cast("Storage", find_storage(self.storage)).open(name, "rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise Http404("There is no such playlist.") from None
        with file:
            # The size comes first: an S3 file is fetched whole. A compressed one is larger inside.
            data = file.read(self.max_size + 1) if file.size <= self.max_size else None
        if data is None or len(data) > self.max_size:
            raise InvalidPlaylist(
                f"It has more than {self.max_size} bytes. If it is a playlist, pass a larger "
                "max_size to as_view()."
            )
        try:
            return bytes(data).decode()
        except UnicodeDecodeError:
            raise InvalidPlaylist("It is not UTF-8, as HLS requires. Convert it.") from None

    def _sign(self, name: str, text: str) -> str:
        storage = find_storage(self.storage)
        arguments = self.get_url_arguments(name)
        base_url, _, signature = url_of(storage, name, **arguments).partition("?")
        folder_url = storage.resource_url(folder=arguments["folder"]).removesuffix("*")
        own_folder = posixpath.dirname(urlsplit(base_url).path)
        storage_url = storage.unsigned_url("x").removesuffix("x")
        query = f"?{self.request.GET.urlencode()}" if self.request.GET else ""
        links: list[str] = []

        def sign(url: str) -> str:
            address = encode_url(url)
            path = address.partition("?")[0]
            if path.lower().endswith(PLAYLISTS):
                # A link elsewhere would carry the query, and its token, out of this view.
                if not path.startswith(storage_url) or not is_exact_name(
                    unquote(path.removeprefix(storage_url))
                ):
                    raise InvalidPlaylist(
                        f"It refers to the playlist {path[:200]}, which is not in the storage."
                    )
                links.append(path)
                if len(links) > MAX_LINKS:
                    raise InvalidPlaylist(f"It refers to more than {MAX_LINKS} playlists.")
                # A colon in a first segment would end a protocol.
                link = posixpath.relpath(urlsplit(path).path, own_folder).replace(":", "%3A")
                return link + query
            if not address.startswith(folder_url):
                raise InvalidPlaylist(
                    f"It refers to {path[:200]}, which is not in the folder "
                    f"{arguments['folder']!r} that its signature opens. Return a folder with all "
                    "files of the video from get_url_arguments()."
                )
            return join_signature(address, signature)

        # A megabyte of short URIs would make an answer of fifty.
        return sign_playlist(text, base_url, sign, max_uris=self.max_size // SHORTEST_SEGMENT)


def granted_playlist(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """Return a playlist to anyone with the URL from ``playback()``, until its grant ends."""
    grant = PlaylistGrant.load(token)
    if grant is None:
        raise PermissionDenied
    try:
        storage = find_storage(grant.storage)
    except InvalidStorageError:  # It was taken out of STORAGES, or signs no more.
        raise PermissionDenied from None
    if grant.key_pair_id in storage.cfsigned.lease().revoked_ids:
        raise PermissionDenied
    life = grant.expires - int(time.time())
    longest = whole_seconds(storage.max_expire) or life
    arguments = {"folder": grant.folder, "expire": min(life, longest), "expire_step": 0}
    view = SignedPlaylistView.as_view(
        permission=lambda request, name: name.startswith(f"{grant.folder}/"),
        storage=grant.storage,
        get_url_arguments=lambda name: arguments,
    )
    response = view(request, name=name)
    # A Chromecast is another origin. The URL is the permission, so no cookie is involved.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
