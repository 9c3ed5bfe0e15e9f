"""Add the headers that limit what pages may load: the site's files, and those of the edge."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from cfsigned_django.storage.site_storages import find_storage


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Add a Content-Security-Policy to every page: no inline script runs without its nonce."""
    # Unsigned: if no key can sign, the admin must still open, to repair it.
    places = (urlsplit(find_storage(name).unsigned_url("any")) for name in ("default", "videos"))
    edge = " ".join(f"{place.scheme}://{place.netloc}" for place in places)
    policy = "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'nonce-{nonce}'",
            f"img-src 'self' data: {edge}",
            # A script gives the video its pieces in a blob; Safari plays the site's own playlist.
            f"media-src 'self' blob: {edge}",
            # The browser sends uploads to S3 itself.
            f"connect-src 'self' {edge} {getattr(settings, 'AWS_S3_ENDPOINT_URL', '')}",
            # The gallery gives each picture its proportions in a style attribute.
            "style-src-attr 'unsafe-inline'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )

    def middleware(request: HttpRequest) -> HttpResponse:
        nonce = vars(request)["csp_nonce"] = secrets.token_urlsafe(16)
        response = get_response(request)
        response.headers["Content-Security-Policy"] = policy.replace("{nonce}", nonce)
        return response

    return middleware
