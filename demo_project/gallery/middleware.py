"""Add the headers that limit what pages may load: the site's files, and pictures of the edge."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse

from cfsigned_django.storage import SignedUrlMixin


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Add a Content-Security-Policy to every page: no inline script ever runs."""
    storage: object = default_storage
    assert isinstance(storage, SignedUrlMixin)  # noqa: S101 - what the settings say
    # Unsigned: if no key can sign, the admin must still open, to repair it.
    place = urlsplit(storage.unsigned_url("any"))
    edge = f"{place.scheme}://{place.netloc}"
    policy = "; ".join(
        (
            "default-src 'self'",
            f"img-src 'self' data: {edge}",
            # The gallery gives each picture its proportions in a style attribute.
            "style-src-attr 'unsafe-inline'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers["Content-Security-Policy"] = policy
        return response

    return middleware
