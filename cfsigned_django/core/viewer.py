"""An HTTP client that requests a URL as a viewer does, and finds out which server answered.

The probe of a rotation and the live checks of the doctor and the setup use it.
It follows no redirects, reads only the beginning of a body, and keeps the URL,
which may contain a signature, out of its errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.client import HTTPException, HTTPResponse
from typing import Final, TypeAlias, cast
from urllib.parse import urlsplit

#: Enough for an error of CloudFront or S3: the RequestId of S3 follows a long message.
_BODY_BYTES: Final = 4096
_CODE = re.compile(rb"<Code>([\w.]+)</Code>")
_REQUEST_ID = re.compile(rb"<RequestId>")
_HTML = re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)


class NoAnswer(Exception):
    """There was no HTTP answer. The message gives the reason, without the URL."""

    is_temporary = True


class Responder(Enum):
    """The server that wrote an answer, as far as the answer shows."""

    CLOUDFRONT = "CloudFront"
    S3 = "S3"
    PAGE = "an HTML page"
    OTHER = "something else"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer. Names in ``headers`` are lowercase; ``body`` is the beginning of the body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_served(self) -> bool:
        # 416: the Range lies beyond the end, as in an empty object.
        return self.status in (200, 206, 304, 416)

    @property
    def is_redirect(self) -> bool:
        return self.status in (301, 302, 303, 307, 308)

    @property
    def code(self) -> str:
        """Return the code of an XML error of CloudFront or S3, or an empty string."""
        found = _CODE.search(self.body)
        return found[1].decode() if found else ""

    @property
    def responder(self) -> Responder:
        """Return which server wrote an error: S3 sends a RequestId with it, CloudFront does not."""
        if self.code and _REQUEST_ID.search(self.body):
            return Responder.S3
        if self.code:
            return Responder.CLOUDFRONT
        if _HTML.match(self.body) or "text/html" in self.headers.get("content-type", ""):
            return Responder.PAGE
        return Responder.OTHER

    @property
    def is_refused_by_status(self) -> bool:
        """Return whether a refusal lacks CloudFront's code: an error page may have replaced it.

        A distribution may have a custom error page for 403, and answer 404 instead.
        """
        is_page = self.responder is Responder.PAGE
        return not self.code and (self.status == 403 or (self.status == 404 and is_page))

    @property
    def came_through_cloudfront(self) -> bool:
        """Return whether a header shows that the answer passed through CloudFront."""
        names = ("x-cache", "via", "server", "x-amz-cf-id")
        return any("cloudfront" in self.headers.get(name, "").lower() for name in names) or (
            "x-amz-cf-id" in self.headers
        )


#: Sends a GET request for a URL, with headers. Raises :exc:`NoAnswer`.
Fetch: TypeAlias = Callable[[str, Mapping[str, str]], Answer]


def fetch(url: str, headers: Mapping[str, str], *, timeout: float = 10) -> Answer:
    """Request the first byte of an http or https URL. ``timeout`` is in seconds."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("Expected an http or https URL.")
    sent = {"Range": "bytes=0-0", "User-Agent": "cfsigned_django", **headers}
    place = urlsplit(url)
    host = place.hostname or ""
    if place.scheme == "http" and host.endswith(".localhost"):
        # Browsers find such names on this machine (RFC 6761, 6.3). Not every resolver knows them.
        sent["Host"] = place.netloc
        url = place._replace(netloc=place.netloc.lower().replace(host, "127.0.0.1")).geturl()
    try:
        with _open(url, sent, timeout) as response:
            return Answer(
                status=response.status or 0,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=response.read(_BODY_BYTES),
            )
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        # The full text may contain the URL, and with it a signature.
        words = getattr(reason, "strerror", None) or getattr(reason, "verify_message", None)
    raise NoAnswer(str(words or type(reason).__name__))


def _open(url: str, headers: dict[str, str], timeout: float) -> HTTPResponse:
    """Send a request. A redirect and an error are returned like any other answer."""
    # Not at the top: most processes load this module with the admin, and never request anything.
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class NoRedirects(HTTPRedirectHandler):
        def redirect_request(self, *args: object, **kwargs: object) -> None:
            """Return None, so that the caller gets the redirect itself."""

    request = Request(url, headers=headers)  # noqa: S310
    try:
        # Built for each request: it reads certificates, which would slow down every start.
        response: HTTPResponse = build_opener(NoRedirects).open(request, timeout=timeout)
    except HTTPError as refusal:
        return cast("HTTPResponse", refusal)  # It has the same attributes.
    return response
