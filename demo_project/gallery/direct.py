"""Uploads that do not pass through the site: the browser sends the file to S3.

The site signs the permission before, and checks afterwards what has arrived.
"""

from __future__ import annotations

import inspect
import posixpath
import re
from typing import Any

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cfsigned_django.storage import Upload, UploadError
from demo_project.gallery.forms import MEGABYTE, stem
from demo_project.gallery.models import Document

MAX_BYTES = 250 * MEGABYTE
#: The types that are allowed, with the ending of a name, and how such files begin.
TYPES = {
    "application/pdf": (".pdf", rb"%PDF-"),
    "image/jpeg": (".jpg", rb"\xff\xd8\xff"),
    "image/png": (".png", rb"\x89PNG\r\n\x1a\n"),
    "video/mp4": (".mp4", rb"....ftyp"),
}
KINDS = {ending: kind for kind, (ending, _begins) in TYPES.items()}
# Type checkers do not see the S3 client, nor the options that django-storages sets as attributes.
storage: Any = default_storage


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the form, and two functions of this module."""
    code = f"{inspect.getsource(permit)}\n\n{inspect.getsource(keep)}"
    context = {"accept": ",".join(TYPES), "code": code, "most": MAX_BYTES // MEGABYTE}
    return render(request, "gallery/upload.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Return the form that takes this file, or refuse its type or size."""
    name, kind, size = (request.POST.get(each, "") for each in ("name", "type", "size"))
    if kind not in TYPES:
        return HttpResponseBadRequest(
            _("“%(name)s” is refused. Send a PDF, JPEG, PNG or MP4.") % {"name": name}
        )
    if not (size.isdecimal() and len(size) < 12 and 0 < int(size) <= MAX_BYTES):
        return HttpResponseBadRequest(
            _("“%(name)s” is empty, or larger than %(most)s MB, the largest size allowed.")
            % {"name": name, "most": MAX_BYTES // MEGABYTE}
        )
    return JsonResponse(permit(stem(name) + TYPES[kind][0], kind, int(size)).to_dict())


@require_POST
def finish(request: HttpRequest) -> HttpResponse:
    """Keep the file, if it is what its type says, and show it with signed links."""
    name = request.POST.get("name", "")
    try:
        stored = keep(request.POST.get("token", ""))
    except UploadError:
        return HttpResponseBadRequest(_("There is no such upload."))
    if stored is None:
        return HttpResponseBadRequest(
            _("“%(name)s” is not what its type says, and was deleted.") % {"name": name}
        )
    ending = stored[stored.rindex(".") :]
    given = {
        "original_name": stem(name) + ending,
        "title": stem(name),
        "content_type": KINDS[ending],
        "size": storage.size(stored),
    }
    document, _created = Document.objects.get_or_create(file=stored, defaults=given)
    return render(request, "gallery/_paper.html", {"document": document})


def permit(name: str, kind: str, size: int) -> Upload:
    """Sign a form that takes one file: of this type and size, under a name of the site."""
    upload: Upload = storage.sign_upload(
        f"documents/{get_valid_filename(name)}",
        size=size,
        content_type=kind,
        expire=600,
        owner="document",
    )
    return upload


def keep(token: str) -> str | None:
    """Return the name of the file, which only the site can write; None if it is wrong."""
    name: str = storage.finish_upload(token, owner="document")
    place = {"Bucket": storage.bucket_name, "Key": posixpath.join(storage.location, name)}
    found = storage.connection.meta.client.get_object(**place, Range="bytes=0-15")
    begins = TYPES[KINDS[name[name.rindex(".") :]]][1]
    if re.match(begins, found["Body"].read(), re.DOTALL):
        return name
    storage.delete(name)
    return None
