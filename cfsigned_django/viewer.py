"""One HTTP client that requests a URL as a viewer does, and tells who answered.

The probe of a rotation and the live checks of the doctor and of the setup use
it. It follows no redirect, reads at most the beginning of a body, and keeps the
URL, which may hold a signature, out of its errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.client import HTTPException, HTTPResponse
from typing import Final, TypeAlias
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

#: As much of a body as an error of CloudFront or S3 needs: S3 names itself behind a long message.
_BODY_BYTES: Final = 4096
_CODE = re.compile(rb"<Code>([\w.]+)</Code>")
_REQUEST_ID = re.compile(rb"<RequestId>")
_HTML = re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)


class NoAnswer(Exception):
    """No HTTP answer came. The message gives the reason, without the URL."""


class Responder(Enum):
    """Who wrote an answer, as far as the answer shows it."""

    CLOUDFRONT = "CloudFront"
    S3 = "S3"
    PAGE = "an HTML page"
    OTHER = "something else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer; ``headers`` have lower-case names, ``body`` is its beginning."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_served(self) -> bool:
        """Return whether the object came, or a part of it."""
        # 416: a Range beyond the end, which an empty object answers.
        return self.status in (200, 206, 304, 416)

    @property
    def is_redirect(self) -> bool:
        """Return whether the answer sends the viewer to another URL."""
        return self.status in (301, 302, 303, 307, 308)

    @property
    def code(self) -> str:
        """Return the code of an XML error of CloudFront or S3, or an empty string."""
        found = _CODE.search(self.body)
        return found[1].decode() if found else ""

    @property
    def responder(self) -> Responder:
        """Return who wrote an error. S3's errors have a RequestId, CloudFront's own have none."""
        if self.code and _REQUEST_ID.search(self.body):
            return Responder.S3
        if self.code:
            return Responder.CLOUDFRONT
        if _HTML.match(self.body) or "text/html" in self.headers.get("content-type", ""):
            return Responder.PAGE
        return Responder.OTHER

    @property
    def came_through_cloudfront(self) -> bool:
        """Return whether a header shows that the answer passed CloudFront."""
        names = ("x-cache", "via", "server", "x-amz-cf-id")
        return any("cloudfront" in self.headers.get(name, "").lower() for name in names) or (
            "x-amz-cf-id" in self.headers
        )


#: Sends a GET request for a URL, with headers. Raises :exc:`NoAnswer`.
Fetch: TypeAlias = Callable[[str, Mapping[str, str]], Answer]


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        """Return the redirect to the caller, as an answer like another."""


def fetch(url: str, headers: Mapping[str, str], *, timeout: float = 10) -> Answer:
    """Send a GET request for the first byte of an http or https URL; ``timeout`` is in seconds."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("Expected an http or https URL.")
    sent = {"Range": "bytes=0-0", "User-Agent": "cfsigned_django", **headers}
    request = Request(url, headers=sent)  # noqa: S310
    try:
        with _open(request, timeout) as response:
            return Answer(
                status=response.status or 0,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=response.read(_BODY_BYTES),
            )
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        # Their whole text may hold the URL, and with it a signature.
        words = getattr(reason, "strerror", None) or getattr(reason, "verify_message", None)
    raise NoAnswer(str(words or type(reason).__name__))


def _open(request: Request, timeout: float) -> HTTPError | HTTPResponse:
    """Send a request. An error status is an answer like another, with a body to read."""
    try:
        # Made for each request: with certificates to read, it would slow each start of a site.
        response: HTTPResponse = build_opener(_NoRedirects).open(request, timeout=timeout)
    except HTTPError as refusal:
        return refusal
    return response
