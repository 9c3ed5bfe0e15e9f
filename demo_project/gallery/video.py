"""A film in HLS: by signed cookies, and by a signed playlist for players that send none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.request import split_domain_port
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cfsigned_django.cookies import SignedCookieScope
from cfsigned_django.playback import playback
from cfsigned_django.storage.site_storages import find_storage
from demo_project.gallery.thumbnails import FOLDER as STILLS, THUMBNAILS, log_end, logged

#: The folder holds this film and nothing else: one set of cookies, or one signature, opens it.
FOLDER: Final = "films/first-light"
MEMBER, GUEST = "mina", "jun"

_PLAYLIST: Final = f"{FOLDER}/master.m3u8"
_POSTER: Final = f"{FOLDER}/poster.webp"
_CAPTIONS: Final = {language: f"{FOLDER}/{language}.vtt" for language in ("en", "ko")}

_SOURCE = Path(__file__).parents[1] / "film"
_TYPES: Final = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".vtt": "text/vtt",
    ".webp": "image/webp",
}
# A line of the edge's log: time, status, what was refused, path, names of parameters, and why.
_LINE = re.compile(
    r"([0-9:]{8}) ([0-9]{3}) (?:(\w+) )?/(?:films/first-light|thumbs)/([^?\s:]+)[^\s:]*(?:: (.*))?"
)
# This many bytes of the log are read at most.
_LOG_BYTES: Final = 20_000


class FilmScope(SignedCookieScope):
    """A viewer who may watch gets two sets of cookies: for the film, and for the stills."""

    storage = "videos"

    def get_folders(self, request: HttpRequest) -> list[str]:
        """Return the folders for those who may watch, and none for others."""
        return [FOLDER, STILLS] if may_watch(request) else []


def may_watch(request: HttpRequest) -> bool:
    """Return whether this viewer may see the film: everyone who is logged in, but not the guest."""
    user = request.user
    return user.is_authenticated and user.get_username() != GUEST


def files() -> Iterator[tuple[str, SimpleUploadedFile]]:
    """Yield each file of the film with its name in the bucket."""
    for path in sorted(_SOURCE.rglob("*")):
        if path.suffix in _TYPES:
            file = SimpleUploadedFile(path.name, path.read_bytes(), _TYPES[path.suffix])
            yield f"{FOLDER}/{path.relative_to(_SOURCE).as_posix()}", file


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the film, who watches it, and what the edge is asked for meanwhile."""
    by_cookies = _by_cookies(request)
    here = request.user.get_username() or MEMBER  # whom the poster logs in
    context: dict[str, Any] = {
        "by": "cookies" if by_cookies else "playlist",
        "cookie_domain": settings.AWS_CLOUDFRONT_COOKIE_DOMAIN,  # type: ignore[misc]
        "cookies_address": f"http://{_app_host(request)}{request.path}",
        "shares_cookies": request.get_host() == _app_host(request),
        "csp_nonce": vars(request).get("csp_nonce"),
        "folder": FOLDER,
        "language": get_language(),
        "log_end": log_end(),
        "may_watch": may_watch(request),
        "member": MEMBER,
        "others": [name for name in (MEMBER, GUEST) if name != here],
        # Anyone may see it; the film takes a permission.
        "poster": find_storage("default").url(_POSTER),
        "stills": THUMBNAILS[30::84],
    }
    return render(request, "gallery/video.html", context)


@never_cache
@require_safe
def answer(request: HttpRequest) -> JsonResponse:
    """Tell the player where the film is."""
    by_cookies = _by_cookies(request)
    storage = "videos" if by_cookies else "default"
    if may_watch(request):
        found: Any = playback(
            request,
            _PLAYLIST,
            poster=_POSTER,
            captions=_CAPTIONS,
            storage=storage,
            cookies=by_cookies,
        )
        return JsonResponse(found)
    # What somebody can try who may not watch, and knows the addresses: the edge refuses it.
    address = find_storage(storage).unsigned_url
    captions = {language: address(name) for language, name in _CAPTIONS.items()}
    return JsonResponse(
        {
            "url": address(_PLAYLIST),
            "cookies": by_cookies,
            "captions": captions,
        }
    )


@never_cache
@require_safe
def log(request: HttpRequest) -> JsonResponse:
    """Return what the edge was asked for since a position in its log, and where the log ends."""
    lines = logged(request, _LOG_BYTES)
    whole = lines[: lines.rfind(b"\n") + 1]
    names = ("time", "status", "code", "name", "why")
    asked = [
        dict(zip(names, match.groups(""), strict=True))
        for line in whole.decode("utf-8", "replace").splitlines()
        if (match := _LINE.fullmatch(line))
    ]
    return JsonResponse({"asked": asked, "end": int(request.GET["since"]) + len(whole)})


@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    """Log in as one of the two accounts of the demo, which have no password."""
    name = request.POST.get("name", "")
    user = get_object_or_404(User.objects.filter(username__in=(MEMBER, GUEST)), username=name)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return _back(request)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """Log out: the middleware deletes the signed cookies in this response."""
    logout(request)
    if request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse(status=204)
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    by = "?by=playlist" if request.POST.get("by") == "playlist" else ""
    return HttpResponseRedirect(reverse("video") + by)


def _by_cookies(request: HttpRequest) -> bool:
    """Return whether cookies open the film: not at an address that cannot set them for the edge."""
    return request.GET.get("by") != "playlist" and request.get_host() == _app_host(request)


def _app_host(request: HttpRequest) -> str:
    domain: str = settings.AWS_CLOUDFRONT_COOKIE_DOMAIN  # type: ignore[misc]
    port = split_domain_port(request.get_host())[1]
    return f"app.{domain}:{port}" if port else f"app.{domain}"
