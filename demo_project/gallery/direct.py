"""Uploads that do not pass through the site: the browser sends the file to S3.

The site signs the permission before, and checks afterwards what has arrived.
"""

from __future__ import annotations

import inspect
import posixpath
import re
import secrets
from pathlib import PurePosixPath
from typing import Any

from django.core import signing
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

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
# In seconds: to begin the upload, and to have it checked.
_TO_BEGIN = 600
_TO_FINISH = 3600
# Type checkers do not see the S3 client, nor the options that django-storages sets as attributes.
storage: Any = default_storage


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the form, and two functions of this module."""
    code = f"{inspect.getsource(permit)}\n\n{inspect.getsource(check)}"
    context = {"accept": ",".join(TYPES), "code": code, "most": MAX_BYTES // MEGABYTE}
    return render(request, "gallery/upload.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Return the URL to which this file may be sent, or refuse its type or size."""
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
    name = stem(name) + TYPES[kind][0]
    sent = f"tmp/uploads/{secrets.token_urlsafe(16)}/{get_valid_filename(name)}"
    token = signing.dumps([name, kind, sent], salt="gallery.direct")
    return JsonResponse({"url": permit(sent, kind, int(size)), "token": token})


@require_POST
def finish(request: HttpRequest) -> HttpResponse:
    """Keep the file, if it is what its type says, and show it with signed links."""
    refused = HttpResponseBadRequest(_("There is no such upload."))
    try:
        token = request.POST.get("token", "")
        name, kind, sent = signing.loads(token, salt="gallery.direct", max_age=_TO_FINISH)
        stored = check(sent, kind)
    except signing.BadSignature:
        return refused
    except storage.connection.meta.client.exceptions.NoSuchKey:
        return refused
    if stored is None:
        return HttpResponseBadRequest(
            _("“%(name)s” is not what its type says, and was deleted.") % {"name": name}
        )
    document = Document.objects.create(
        original_name=name,
        title=PurePosixPath(name).stem,
        content_type=kind,
        size=storage.size(stored),
        file=stored,
    )
    return render(request, "gallery/_paper.html", {"document": document})


def permit(sent: str, kind: str, size: int) -> str:
    """Sign a URL that takes one file: of this name, type and size."""
    allowed = {**in_bucket(sent), "ContentType": kind, "ContentLength": size}
    url: str = storage.connection.meta.client.generate_presigned_url(
        "put_object", Params=allowed, ExpiresIn=_TO_BEGIN
    )
    return url


def check(sent: str, kind: str) -> str | None:
    """Return the name of a checked copy, which only the site can write; None if it is wrong."""
    name = f"documents/{secrets.token_urlsafe(16)}/{PurePosixPath(sent).name}"
    s3 = storage.connection.meta.client
    s3.copy_object(
        CopySource=in_bucket(sent),
        MetadataDirective="REPLACE",
        **in_bucket(name),
        **storage.get_object_parameters(name) | {"ContentType": kind},
    )
    storage.delete(sent)
    begins = s3.get_object(**in_bucket(name), Range="bytes=0-15")["Body"].read()
    if storage.size(name) <= MAX_BYTES and re.match(TYPES[kind][1], begins, re.DOTALL):
        return name
    storage.delete(name)
    return None


def in_bucket(name: str) -> dict[str, str]:
    """Return where S3 has the file."""
    return {"Bucket": storage.bucket_name, "Key": posixpath.join(storage.location, name)}
