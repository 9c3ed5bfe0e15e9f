"""The files of the site as JSON, for an app; and the page that shows how the answer is made."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cfsigned_django.http import watch_expiry
from cfsigned_django.shortcuts import signed_url
from demo_project.gallery.models import Document, Picture, Upload


def describe(uploads: Iterable[Upload], expire: int) -> dict[str, Any]:
    """Return the files with links that last for this many seconds, and when the first one ends."""
    with watch_expiry() as watch:
        files = [
            {
                "name": upload.original_name,
                "content_type": upload.content_type,
                "size": upload.size,
                "url": signed_url(upload.media, expire=expire),
                "download_url": signed_url(
                    upload.media, expire=expire, download=upload.original_name
                ),
            }
            for upload in uploads
        ]
    return {"files": files, "expires_at": watch.expires_at}


@require_safe
def files(request: HttpRequest) -> JsonResponse:
    """List all files with links that last `?expire=` seconds, by default as long as possible."""
    longest = settings.AWS_QUERYSTRING_EXPIRE  # type: ignore[misc]
    expire = request.GET.get("expire", str(longest))
    if not (expire.isascii() and expire.isdecimal()) or not 1 <= int(expire) <= longest:
        return JsonResponse({"error": f"expire must be 1 to {longest} seconds."}, status=400)
    return JsonResponse(describe([*Picture.objects.all(), *Document.objects.all()], int(expire)))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the function above, and its answer for the newest files."""
    newest = [*Picture.objects.all()[:1], *Document.objects.all()[:1]]
    longest = settings.AWS_QUERYSTRING_EXPIRE  # type: ignore[misc]
    answer = json.dumps(describe(newest, longest), ensure_ascii=False, indent=2)
    context = {"code": inspect.getsource(describe), "answer": answer}
    return render(request, "gallery/api.html", context)
