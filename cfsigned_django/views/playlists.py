"""Views of HLS playlists, in which each URI becomes a signed URL."""

from __future__ import annotations

import posixpath
import time
from typing import Any, Final, cast
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.files.storage import Storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control

from cfsigned_django.playback import PLAYLISTS, PlaylistGrant
from cfsigned_django.signing import InvalidPlaylist, InvalidUrl, sign_playlist
from cfsigned_django.signing.encoding import encode_url
from cfsigned_django.signing.signer import refuse_long_url
from cfsigned_django.storage.registry import find_storage
from cfsigned_django.views.files import FileView

#: How many seconds a browser may cache a playlist: a player reads it once.
LONGEST_CACHE: Final = 60
#: The bytes that a line of a playlist has at least, on average.
SHORTEST_LINE: Final = 10


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
    from :meth:`get_url_arguments`. A URI outside the folder raises
    :exc:`~cfsigned_django.signing.InvalidPlaylist`, and so does a file that is not
    an HLS playlist in UTF-8, or is larger than ``max_size`` bytes.

    Playlists within a playlist (``.m3u8``, ``.m3u``) become relative links to
    this view, so that they are signed as well: the path of the view must end
    with the name. The links repeat the query of the request, for a permission
    that reads a token in it.

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

    async def _answer_async(self, name: str) -> HttpResponseBase:
        # The storage is read.
        answer: HttpResponseBase = await sync_to_async(self._answer)(name)
        return answer

    def _respond(self, name: str) -> HttpResponseBase:
        text = self._read(name)
        try:
            signed = self._sign(name, text)
        except (InvalidPlaylist, InvalidUrl) as error:
            # Without the frames below, whose variables an error report would show: a signature.
            raise InvalidPlaylist(f"The playlist {name} cannot be signed. {error}") from None
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
        # Each line may become a signed URL: a megabyte of short ones would make a large answer.
        if (
            data is None
            or len(data) > self.max_size
            or len(data.splitlines()) > self.max_size // SHORTEST_LINE
        ):
            raise InvalidPlaylist(
                f"The playlist {name} is too large: {self.max_size} bytes, or "
                f"{self.max_size // SHORTEST_LINE} lines, are read. If it is a playlist, pass a "
                "larger max_size to as_view()."
            )
        try:
            return bytes(data).decode()
        except UnicodeDecodeError:
            raise InvalidPlaylist(
                f"The playlist {name} is not UTF-8, as HLS requires. Convert it."
            ) from None

    def _sign(self, name: str, text: str) -> str:
        storage = find_storage(self.storage)
        arguments = self.get_url_arguments(name)
        base_url, _, signature = storage.url(name, **arguments).partition("?")
        folder_url = storage.resource_url(folder=arguments["folder"]).removesuffix("*")
        own_folder = posixpath.dirname(urlsplit(base_url).path)
        query = f"?{self.request.GET.urlencode()}" if self.request.GET else ""

        def sign(url: str) -> str:
            address = encode_url(url)
            if address.partition("?")[0].lower().endswith(PLAYLISTS):
                # A colon in a first segment would end a protocol.
                link = posixpath.relpath(urlsplit(address).path, own_folder).replace(":", "%3A")
                return link + query
            if not address.startswith(folder_url):
                raise InvalidPlaylist(
                    f"It refers to {address}, which is not in the folder {arguments['folder']!r} "
                    "that its signature opens. Return a folder with all files of the video from "
                    "get_url_arguments()."
                )
            return refuse_long_url(f"{address}{'&' if '?' in address else '?'}{signature}")

        return sign_playlist(text, base_url, sign)


class GrantedPlaylistView(SignedPlaylistView):
    """Return the playlists of a video to anyone with the URL from ``playback()``, until it ends."""

    grant: PlaylistGrant

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Read the grant in the path."""
        super().setup(request, *args, **kwargs)
        grant = PlaylistGrant.load(kwargs["token"])
        if grant is None:
            raise PermissionDenied
        self.grant, self.storage = grant, grant.storage

    def permission(self, request: HttpRequest, name: str) -> bool:
        """Let in if the playlist is in the folder of the grant."""
        return name.startswith(f"{self.grant.folder}/")

    def get_url_arguments(self, name: str) -> dict[str, Any]:
        """Sign for the folder of the grant, until the grant ends."""
        life = self.grant.expires - int(time.time())
        return {"folder": self.grant.folder, "expire": life, "expire_step": 0}

    def _respond(self, name: str) -> HttpResponseBase:
        response = super()._respond(name)
        # A Chromecast is another origin. The URL is the permission, so no cookie is involved.
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response
