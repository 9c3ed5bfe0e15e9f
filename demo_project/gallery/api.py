"""The same links as JSON, for scripts: `storage.url()` in a view."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from demo_project.gallery.anatomy import expiry
from demo_project.gallery.attempts import signing_storage
from demo_project.gallery.models import Document, Picture, Upload


@require_safe
def files(request: HttpRequest) -> JsonResponse:
    """List all files with links that last `?expire=` seconds, by default as long as any."""
    longest = settings.AWS_QUERYSTRING_EXPIRE  # type: ignore[misc]
    expire = request.GET.get("expire", str(longest))
    if not (expire.isascii() and expire.isdecimal()) or not 1 <= int(expire) <= longest:
        return JsonResponse({"error": f"expire must be 1 to {longest} seconds."}, status=400)
    uploads = [*Picture.objects.all(), *Document.objects.all()]
    return JsonResponse({"files": [_links(upload, int(expire)) for upload in uploads]})


def _links(upload: Upload, expire: int) -> dict[str, Any]:
    storage = signing_storage(upload.media)
    url = storage.url(upload.media.name, expire=expire)
    return {
        "name": upload.original_name,
        "content_type": upload.content_type,
        "size": upload.size,
        "url": url,
        "download_url": storage.url(
            upload.media.name, expire=expire, download=upload.original_name
        ),
        "expires": expiry(url),
    }
