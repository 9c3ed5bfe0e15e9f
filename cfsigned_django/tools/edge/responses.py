"""The responses of the edge itself, and the headers that it adds to every response.

The XML bodies are those that users of CloudFront report. If CloudFront refuses
with an HTML page, the edge sends CloudFront's status with a page of this
project: it does not reproduce the text of the real page.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias
from wsgiref.types import StartResponse, WSGIEnvironment

from cfsigned_django.signing.exceptions import Denied

#: The third argument of start_response (PEP 3333).
ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
)

_XML = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    "<Error><Code>{code}</Code><Message>{message}</Message></Error>"
)
_PAGE = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{status}</title></head>\n'
    "<body><h1>{status}</h1><p>{sentence}</p>"
    "<p>This page comes from the local edge of cfsigned_django. CloudFront's page differs.</p>"
    "</body></html>\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A response without a request to the origin; ``reason`` is for the log only.

    A refusal is a WSGI application.
    """

    status: str
    content_type: str
    body: bytes
    code: str
    reason: str

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = [
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Server", "CloudFront"),
        ]
        start_response(self.status, [*headers, *edge_headers(is_error=True)])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]


def edge_headers(*, is_error: bool) -> list[tuple[str, str]]:
    """Return the headers from which a viewer sees that an edge responded.

    This edge has no cache, so a file is always a miss. The last two headers
    have CloudFront's format; their values mean nothing.
    """
    return [
        ("X-Cache", "Error from cloudfront" if is_error else "Miss from cloudfront"),
        ("Via", "1.1 edge.localhost (CloudFront)"),
        ("X-Amz-Cf-Pop", "LOCAL1-P1"),
        ("X-Amz-Cf-Id", secrets.token_urlsafe(41) + "=="),
    ]


def denied(denial: Denied) -> Refusal:
    """Return the refusal of a request without a valid signature, as CloudFront sends it.

    The codes and messages are those of the AWS Knowledge Center's article on
    403 errors of signed URLs and signed cookies.
    """
    body = _XML.format(code=denial.code, message=denial.message)
    return Refusal(
        status="403 Forbidden",
        content_type="text/xml",
        body=body.encode(),
        code=denial.code,
        reason=denial.reason,
    )


#: Code -> CloudFront's status, and what the page says.
_PAGES = {
    "BadRequest": ("400 Bad Request", "This request is not valid HTTP."),
    "UnknownHost": ("403 Forbidden", "No distribution has this domain name."),
    "MethodNotAllowed": ("403 Forbidden", "This method is not allowed here."),
    # AWS page: "Request and response behavior for Amazon S3 origins", on GET requests that include
    # a body.
    "BodyNotAllowed": ("403 Forbidden", "A request to read must not have a body."),
    # AWS page: "Request and response behavior for Amazon S3 origins", on the maximum length of a
    # request and of a URL.
    "UrlTooLong": ("413 Request Entity Too Large", "The URL is too long."),
    "RequestTooLong": ("413 Request Entity Too Large", "The headers are too long."),
}


def page(code: str, reason: str) -> Refusal:
    """Return the refusal with this code of the table, as an HTML page."""
    status, sentence = _PAGES[code]
    return Refusal(
        status=status,
        content_type="text/html; charset=utf-8",
        body=_PAGE.format(status=status, sentence=sentence).encode(),
        code=code,
        reason=reason,
    )
