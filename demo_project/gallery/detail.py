"""A file's page: the file, the ways to ask for it, and how its link was made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_noop
from django.views import View

from demo_project.gallery.anatomy import dissect
from demo_project.gallery.attempts import (
    altered,
    ask,
    attempts_for,
    may_ask,
    signing_storage,
    why_refused,
)
from demo_project.gallery.models import Document, Picture, Upload

# In bytes.
_PREVIEW = 1200
# For how many seconds after the page was made a link that starts later does not work yet.
START_IN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One kind of link: the code that makes it, and its purpose."""

    slug: str
    title: str
    story: str
    code: str
    make: Callable[[Upload, str], str]


def _plain(upload: Upload, _viewer: str) -> str:
    return signing_storage(upload.media).url(upload.media.name)


def _download(upload: Upload, _viewer: str) -> str:
    storage = signing_storage(upload.media)
    return storage.url(upload.media.name, download=upload.original_name)


def _address(upload: Upload, viewer: str) -> str:
    storage = signing_storage(upload.media)
    return storage.url(upload.media.name, ip_address=viewer)


def _later(upload: Upload, _viewer: str) -> str:
    storage = signing_storage(upload.media)
    start = int(time.time()) + START_IN
    return storage.url(upload.media.name, date_greater_than=start)


def _folder(upload: Upload, _viewer: str) -> str:
    storage = signing_storage(upload.media)
    folder = str(upload.media.name).partition("/")[0]
    return storage.url(upload.media.name, resource=f"{folder}/*")


RECIPES = (
    Recipe(
        slug="plain",
        title=gettext_noop("Plain"),
        story=gettext_noop(
            "A canned policy: CloudFront rebuilds it from the address and Expires, so the link "
            "stays short."
        ),
        code="storage.url(name)",
        make=_plain,
    ),
    Recipe(
        slug="download",
        title=gettext_noop("Download"),
        story=gettext_noop(
            "The name under which browsers save the file is signed as well. Names that are not "
            "ASCII are sent in filename*."
        ),
        code='storage.url(name, download="…")',
        make=_download,
    ),
    Recipe(
        slug="address",
        title=gettext_noop("Your address only"),
        story=gettext_noop(
            "A custom policy with an IPv4 address: from any other address, the link is refused."
        ),
        code='storage.url(name, ip_address="…")',
        make=_address,
    ),
    Recipe(
        slug="later",
        title=gettext_noop("Not yet"),
        story=gettext_noop(
            "A custom policy with a start: the link opens eight seconds after this page was made."
        ),
        code="storage.url(name, date_greater_than=start)",
        make=_later,
    ),
    Recipe(
        slug="folder",
        title=gettext_noop("The whole folder"),
        story=gettext_noop(
            "A custom policy with a wildcard: one signature opens every file in the folder."
        ),
        code='storage.url(name, resource="…/*")',
        make=_folder,
    ),
)


def find_recipe(slug: str) -> Recipe:
    """Return the recipe with this slug, or the first if there is none."""
    return next((recipe for recipe in RECIPES if recipe.slug == slug), RECIPES[0])


class DetailView(View):
    """GET shows the page; POST also requests a URL and shows the answer."""

    model: type[Upload]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page with freshly signed links."""
        upload = get_object_or_404(self.model._default_manager, pk=pk)
        return render(request, "gallery/detail.html", self._context(upload))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Request the URL in the form; a script gets only the answer, a browser the whole page."""
        upload = get_object_or_404(self.model._default_manager, pk=pk)
        url = request.POST.get("url", "").strip()
        slug = request.POST.get("attempt", "own")
        if not may_ask(url, upload.media):
            return HttpResponseBadRequest(
                _("Enter a link to this file, at the edge or in S3. No other request is sent.")
            )
        answer = _answer(url, upload)
        if request.headers.get("X-Requested-With") == "fetch":
            return render(request, "gallery/_answer.html", {"answer": answer})
        context = self._context(upload) | {"answer": answer, "answered": slug, "asked_url": url}
        return render(request, "gallery/detail.html", context)

    def _context(self, upload: Upload) -> dict[str, Any]:
        recipe = find_recipe(self.request.GET.get("link", ""))
        viewer = self.request.META["REMOTE_ADDR"]
        attempts = attempts_for(upload.media)
        return {
            "upload": upload,
            "attempts": attempts,
            "altered": altered(attempts[0].url),
            "recipes": RECIPES,
            "recipe": recipe,
            "anatomy": dissect(recipe.make(upload, viewer)),
            "preview": _preview(upload),
            "lasting": self.request.build_absolute_uri(reverse("media", args=[upload.media.name])),
        }


class PictureView(DetailView):
    """A picture's page."""

    model = Picture


class DocumentView(DetailView):
    """A document's page."""

    model = Document


def _preview(upload: Upload) -> str:
    """Return the beginning of a text; empty for everything else."""
    if not upload.content_type.startswith("text/"):
        return ""
    with upload.media.open("rb") as file:
        return bytes(file.read(_PREVIEW)).decode("utf-8", "ignore")


def _answer(url: str, upload: Upload) -> dict[str, Any]:
    """Return what the server at the URL answers, and why, for the template."""
    try:
        reply = ask(url)
    except OSError as error:
        return {"failure": _("No server answers at this address: %(why)s") % {"why": error}}
    reason, log = why_refused(url, upload.media, now=int(time.time()))
    return {"reply": reply, "reason": reason, "log": log}
