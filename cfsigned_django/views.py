"""Views of files: permanent addresses that answer with fresh signed URLs, and signed cookies."""

from __future__ import annotations

import json
import posixpath
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, cast
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.exceptions import (
    ImproperlyConfigured,
    PermissionDenied,
    SuspiciousFileOperation,
)
from django.core.files.storage import Storage
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views import View
from django.views.decorators.http import require_POST

from cfsigned_django.cookies import set_signed_cookies
from cfsigned_django.cookies.renewal import renew_cookies
from cfsigned_django.playback import PLAYLISTS, PlaylistGrant
from cfsigned_django.signing import InvalidPlaylist, InvalidUrl, sign_playlist
from cfsigned_django.signing.encoding import encode_url
from cfsigned_django.signing.signer import refuse_long_url
from cfsigned_django.storage.context import watch_expiry
from cfsigned_django.storage.registry import find_storage

#: Takes the request and the name of a file, and returns whether this viewer may see it.
Permission: TypeAlias = Callable[[HttpRequest, str], bool | Awaitable[bool]]

#: How many seconds a browser may cache a playlist: a player reads it once.
LONGEST_CACHE: Final = 60
#: The longest name of an S3 object, in bytes.
MAX_KEY_LENGTH: Final = 1024
#: The bytes that a line of a playlist has at least, on average.
SHORTEST_LINE: Final = 10


class _FileView(View):
    """A view of one file, which asks a permission first: the part that the views below share."""

    http_method_names = ["get", "head"]

    permission: Permission | None = None
    storage: str = "default"
    expire: int | timedelta | None = None
    ip_address: str | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """Return the view. Raise :exc:`ImproperlyConfigured` if it has no permission."""
        permission = initkwargs.get("permission", cls.permission)
        if not callable(permission):
            raise ImproperlyConfigured(
                f"{cls.__name__} has no permission. Pass as_view() a callable that takes the "
                "request and the name of the file, and returns True to let the viewer in."
            )
        view = super().as_view(**initkwargs)
        is_async = _is_async(permission) or _is_async(cls.get_name)
        return markcoroutinefunction(view) if is_async else view

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Make the view async if the permission, or get_name(), is a coroutine function."""
        super().setup(request, *args, **kwargs)
        # Django reads this attribute. Not an attribute of the class: each URL has its permission.
        self.__dict__["view_is_async"] = _is_async(self.permission) or _is_async(self.get_name)

    def get_name(self, **kwargs: Any) -> Any:
        """Return the name of the file for what the path captured; an empty one is answered 404.

        It may be a coroutine function, which makes the view async, and may
        raise :exc:`~django.http.Http404`. The permission is asked afterwards.
        """
        return kwargs["name"]

    def get_url_arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments with which the URL of the file is signed."""
        return {"expire": self.expire, "ip_address": self.ip_address}

    def get(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the answer for the file that the path means."""
        if self.view_is_async:
            return self._get_async(request, **kwargs)
        name = self._checked(self.get_name(**kwargs))
        ask: Any = self.permission
        return self._answer(name, ask(request, name))

    async def _get_async(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        name = self._checked(await _result(self.get_name(**kwargs)))
        ask: Any = self.permission
        return await self._answer_async(name, await _result(ask(request, name)))

    def _checked(self, found: object) -> str:
        """Return the name, or raise Http404 if no file can have it: permission is asked later."""
        name = "" if found is None else str(found)  # A file field is a name, too.
        # A storage would normalize ./a, //a or \\a, and sign a name that was not asked about.
        if "\\" in name or {"", ".", ".."} & set(name.split("/")):
            raise Http404("No file can have this name.")
        try:
            find_storage(self.storage).unsigned_url(name)
        except (SuspiciousFileOperation, InvalidUrl, UnicodeError):
            raise Http404("No file can have this name.") from None
        return name

    def _answer(self, name: str, permitted: object) -> HttpResponseBase:
        # Only True: a callable that forgets to return lets nobody in.
        if permitted is not True:
            raise PermissionDenied
        try:
            with watch_expiry() as watch:
                response = self._respond(name)
        except InvalidUrl:
            raise Http404("The name is too long for a URL.") from None
        life = 0 if watch.expires is None else watch.expires - int(time.time())
        # This lowers a max-age that the response has, and never raises it.
        patch_cache_control(response, private=True, max_age=max(0, life // 2))
        # Two people may use one browser, one after the other.
        patch_vary_headers(response, ["Cookie", "Authorization"])
        return response

    async def _answer_async(self, name: str, permitted: object) -> HttpResponseBase:
        return self._answer(name, permitted)

    @abstractmethod
    def _respond(self, name: str) -> HttpResponseBase:
        """Return the response for a viewer whom the permission lets in."""
        ...


class SignedRedirectView(_FileView):
    """Redirect a viewer with permission to a fresh signed URL, with status 302.

    For e-mails, rich text, API clients, and anything else that stores an address
    for longer than a signed URL is valid.

    ::

        path(
            "media/<path:name>",
            SignedRedirectView.as_view(permission=may_see, storage="default"),
            name="media",
        )

    ``permission(request, name)`` is called for each request, and is required.
    ``True`` lets the viewer in; anything else is answered with 403. It may
    raise :exc:`~django.http.Http404` to hide that the file exists. If it is a
    coroutine function, the view is async. A subclass may define it as a
    method.

    ``expire`` (seconds or a timedelta), ``download`` (the name under which
    browsers save the file), ``inline`` (that of a file which they show) and
    ``ip_address`` (an IPv4 address or range) are passed to the ``url()`` of the
    storage. A subclass that decides them per request overrides
    :meth:`get_url_arguments`, and one whose path has something else than the
    name, such as a primary key, overrides :meth:`get_name`.

    A name that no file can have, such as one with ``..`` or ``//``, is
    answered with 404: the URL opens exactly the name that ``permission`` was
    called with. Only S3 knows whether the file exists, after the redirect.
    Only GET and HEAD are allowed. The browser may cache the answer for half
    the lifetime of the URL; no other cache may. For that long, a viewer who
    loses permission still gets in, as with the URL itself.
    """

    download: str | None = None
    inline: str | None = None

    def get_url_arguments(self, name: str) -> dict[str, Any]:
        """Return the arguments with which the URL of the file is signed."""
        return super().get_url_arguments(name) | {
            "download": self.download,
            "inline": self.inline,
        }

    def _respond(self, name: str) -> HttpResponseBase:
        return HttpResponseRedirect(
            find_storage(self.storage).url(name, **self.get_url_arguments(name))
        )


class SignedPlaylistView(_FileView):
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
        if not name.lower().endswith(PLAYLISTS) or len(name.encode()) > MAX_KEY_LENGTH:
            raise Http404("No playlist can have this name.")
        return name

    async def _answer_async(self, name: str, permitted: object) -> HttpResponseBase:
        # The storage is read.
        answer: HttpResponseBase = await sync_to_async(self._answer)(name, permitted)
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


class SignedCookiesMixin(View):
    """Set signed cookies in each response of a view that succeeds: put it before the view.

    ``cookie_options`` are further arguments of
    :func:`cfsigned_django.cookies.set_signed_cookies`, such as ``expire``.
    """

    cookie_options: Mapping[str, Any] = {}

    def get_signed_folders(self) -> Iterable[str]:
        """Return the folders that this viewer may open with the files of this page."""
        raise NotImplementedError(f"{type(self).__name__} must define get_signed_folders().")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the response of the view, with the cookies if its status is below 400."""
        response = super().dispatch(request, *args, **kwargs)
        if isinstance(response, Awaitable):
            return self._opened_async(response)
        return self._opened(response)

    async def _opened_async(self, response: Awaitable[HttpResponseBase]) -> HttpResponseBase:
        return self._opened(await response)

    def _opened(self, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code < 400:
            for folder in self.get_signed_folders():
                set_signed_cookies(
                    response, folder=folder, request=self.request, **self.cookie_options
                )
        return response


@require_POST
def refresh_cookies(request: HttpRequest) -> HttpResponseBase:
    """Ask the scopes anew which folders this viewer may open, and set the cookies of those.

    ``{% signed_cookies_script %}`` calls this when a file is refused, and so may
    a player or an app. The answer is JSON: ``expires_at`` says until when the
    cookies are valid (ISO 8601, UTC), null if the viewer may open nothing.
    CSRF protection is Django's.
    """
    response = JsonResponse({})
    end = renew_cookies(request, response)
    at = None if end is None else datetime.fromtimestamp(end, UTC).isoformat()
    response.content = json.dumps({"expires_at": at})
    return response


async def _result(found: Any) -> Any:
    """Return what a plain function returned, or what a coroutine function returns."""
    return await found if isinstance(found, Awaitable) else found


def _is_async(permission: Any) -> bool:
    """Return whether a callable, a function or an object, is a coroutine function."""
    return iscoroutinefunction(permission) or iscoroutinefunction(type(permission).__call__)
