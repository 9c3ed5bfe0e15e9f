"""Send one request as a viewer would, and name what answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.client import HTTPException, HTTPResponse
from typing import Final, TypeAlias
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

TIMEOUT_SECONDS: Final = 10
#: As much of a body as an error of CloudFront or S3 needs.
_BODY_BYTES: Final = 4096
_CODE = re.compile(rb"<Code>(\w+)</Code>")
_REQUEST_ID = re.compile(rb"<RequestId>")
_HTML = re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)


class NoAnswer(Exception):
    """Report that no HTTP answer came; the message says why, without the URL."""


class Voice(Enum):
    """Name who wrote an answer, as far as it shows."""

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
        """Tell whether the object came, or a part of it."""
        # 416: a Range beyond the end, which an empty object answers.
        return self.status in (200, 206, 304, 416)

    @property
    def code(self) -> str:
        """Return the code of an XML error, or an empty text."""
        found = _CODE.search(self.body)
        return found[1].decode() if found else ""

    @property
    def voice(self) -> Voice:
        """Tell who wrote an error. S3's errors have a RequestId, CloudFront's own have none."""
        if self.code and _REQUEST_ID.search(self.body):
            return Voice.S3
        if self.code:
            return Voice.CLOUDFRONT
        if _HTML.match(self.body) or "text/html" in self.headers.get("content-type", ""):
            return Voice.PAGE
        return Voice.OTHER

    @property
    def came_through_cloudfront(self) -> bool:
        """Tell whether a header says that CloudFront had the answer in hand."""
        names = ("x-cache", "via", "server", "x-amz-cf-id")
        return any("cloudfront" in self.headers.get(name, "").lower() for name in names) or (
            "x-amz-cf-id" in self.headers
        )


#: Sends a GET request for a URL, with headers. Raises :exc:`NoAnswer`.
Fetch: TypeAlias = Callable[[str, Mapping[str, str]], Answer]
#: Returns the time in Unix seconds.
Clock: TypeAlias = Callable[[], float]


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        """Leave a redirection to who asked: it is an answer like another."""


_opener = build_opener(_NoRedirects)


def fetch(url: str, headers: Mapping[str, str]) -> Answer:
    """Send a GET request for the first byte of an http or https URL; follow no redirection."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("An http or https URL is wanted.")
    sent = {"Range": "bytes=0-0", "User-Agent": "cfsigned_django", **headers}
    request = Request(url, headers=sent)  # noqa: S310
    try:
        with _open(request) as response:
            return _answer(
                response.status or 0, response.headers.items(), response.read(_BODY_BYTES)
            )
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        # Neither may hold the URL, and with it a signature.
        words = getattr(reason, "strerror", None) or getattr(reason, "verify_message", None)
    raise NoAnswer(str(words or type(reason).__name__))


def _open(request: Request) -> HTTPError | HTTPResponse:
    """Send a request; a refusal is an answer like another, and its body is read like another."""
    try:
        response: HTTPResponse = _opener.open(request, timeout=TIMEOUT_SECONDS)
    except HTTPError as refusal:
        return refusal
    return response


def _answer(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
    fields = {name.lower(): value for name, value in headers}
    return Answer(status=status, headers=fields, body=body)
