"""A file's page: the file, the ways to ask for it, and how its link was made."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views import View

from demo_project.gallery.anatomy import dissect
from demo_project.gallery.attempts import attempts_for, may_ask, why_refused
from demo_project.gallery.edge_client import ask
from demo_project.gallery.models import Document, Picture, Upload
from demo_project.gallery.recipes import RECIPES, find_recipe

# In bytes.
_PREVIEW = 1200


class DetailView(View):
    """GET shows the page; POST asks the edge for a URL and shows its answer as well."""

    model: type[Upload]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page with freshly signed links."""
        upload = get_object_or_404(self.model._default_manager, pk=pk)
        return render(request, "gallery/detail.html", self._context(upload))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the URL in the form; a script gets the answer alone, a browser the page."""
        upload = get_object_or_404(self.model._default_manager, pk=pk)
        url = request.POST.get("url", "").strip()
        slug = request.POST.get("attempt", "own")
        if not may_ask(url, upload.media):
            return HttpResponseBadRequest(
                "Only links to this very file, at the edge or at S3, are asked for."
            )
        answer = _answer(url, upload)
        if request.headers.get("X-Requested-With") == "fetch":
            return render(request, "gallery/_answer.html", {"answer": answer})
        context = self._context(upload) | {"answer": answer, "answered": slug, "asked_url": url}
        return render(request, "gallery/detail.html", context)

    def _context(self, upload: Upload) -> dict[str, Any]:
        recipe = find_recipe(self.request.GET.get("link", ""))
        viewer = self.request.META["REMOTE_ADDR"]
        return {
            "upload": upload,
            "attempts": attempts_for(upload.media),
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
        return {"failure": f"Nobody answers at this address: {error}"}
    return {"reply": reply, "why": why_refused(url, upload.media, now=int(time.time()))}
