"""A thousand thumbnails on one page, with one signature, and with one for each."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.views.decorators.http import require_safe
from PIL import Image

from cfsigned_django.storage import SignedUrlMixin
from demo_project.gallery.anatomy import expiry

COUNT = 1000
FOLDER = "thumbs"
#: All thumbnails in one picture, row by row: the same hills, each a minute and a half later.
SHEET = Path(__file__).parents[1] / "collection" / "day.webp"
_COLUMNS, _SIDE = 40, 72
# The part of the day that the first one shows, shortly before dawn.
_FIRST = 0.19

_LINK = re.compile(r'src="([^"]+)"')
_SIGNATURE = re.compile(r"Signature=([^&]+)")
# A line of the edge's log: time, status, path.
_ASKED = re.compile(rb"^[0-9:]{8} [0-9]{3} .*/%s/" % FOLDER.encode(), re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """The picture of one moment of the day."""

    number: int

    @property
    def file_name(self) -> str:
        """The name in the folder."""
        return f"{self.number:04}.jpg"

    @property
    def name(self) -> str:
        """The name in the bucket."""
        return f"{FOLDER}/{self.file_name}"

    @property
    def title(self) -> str:
        """The time of day."""
        minutes = int((_FIRST + (self.number - 1) / COUNT) % 1 * 24 * 60)
        return f"{minutes // 60:02}:{minutes % 60:02}"


THUMBNAILS = tuple(Thumbnail(number=number) for number in range(1, COUNT + 1))


def contents(wanted: Iterable[Thumbnail]) -> Iterator[tuple[Thumbnail, bytes]]:
    """Cut thumbnails from the sheet, and yield each with its file, a JPEG of about a kilobyte."""
    with Image.open(SHEET) as opened:
        sheet = opened.convert("RGB")
    for thumbnail in wanted:
        row, column = divmod(thumbnail.number - 1, _COLUMNS)
        x, y = column * _SIDE, row * _SIDE
        file = io.BytesIO()
        sheet.crop((x, y, x + _SIDE, y + _SIDE)).save(file, "JPEG", quality=82)
        yield thumbnail, file.getvalue()


@require_safe
def one_signature(request: HttpRequest) -> HttpResponse:
    """Show the page with one signature for all its links, which stay the same for a while."""
    return _page(request, "one")


@require_safe
def one_for_each(request: HttpRequest) -> HttpResponse:
    """Show the page as most sites make it: with a signature for each link, at each visit."""
    return _page(request, "each")


@require_safe
def asked(request: HttpRequest) -> JsonResponse:
    """Return how many requests for thumbnails the edge has logged since a position in its log."""
    return JsonResponse({"asked": len(_ASKED.findall(logged(request)))})


def _page(request: HttpRequest, kind: str) -> HttpResponse:
    template = get_template("gallery/_thumbnails.html")
    began = time.perf_counter()
    pictures = template.render({"thumbnails": THUMBNAILS, "kind": kind})
    seconds = time.perf_counter() - began
    links = [unescape(link) for link in _LINK.findall(pictures)]
    signatures = {found[1] for link in links if (found := _SIGNATURE.search(link))}
    context: dict[str, Any] = {
        "kind": kind,
        "pictures": pictures,
        "links": f"{len(links):,}",
        "signatures": f"{len(signatures):,}",
        "milliseconds": max(1, round(seconds * 1000)),
        # Until then, the page is made with the same links.
        "same_until": expiry(links[0]) - _lifetime(),
        "log_end": log_end(),
    }
    return render(request, "gallery/thumbnails.html", context)


def _lifetime() -> int:
    """Return for how many seconds each link to a thumbnail works at least."""
    storage: object = storages["thumbnails"]
    assert isinstance(storage, SignedUrlMixin)  # noqa: S101 - what the settings say
    return int(storage.querystring_expire)


def log_end() -> int:
    """Return where the edge's log ends, in bytes."""
    log: Path = settings.DEMO_EDGE_LOG  # type: ignore[misc]
    return log.stat().st_size


def logged(request: HttpRequest, most: int = -1) -> bytes:
    """Return what the edge has logged since the place `?since=`, at most `most` bytes of it."""
    since = request.GET.get("since", "")
    if not (since.isascii() and since.isdecimal()):
        raise BadRequest("since must be a place in the log, in bytes.")
    with settings.DEMO_EDGE_LOG.open("rb") as file:  # type: ignore[misc]
        file.seek(int(since))
        return bytes(file.read(most))
