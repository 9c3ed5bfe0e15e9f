"""Hold what the edge answers by itself, and the headers it adds to everything.

The XML bodies are CloudFront's, byte for byte. For the refusals that CloudFront
puts into an HTML page, the status is CloudFront's and the page is this
project's own: the text of the real page is not reproduced.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias
from wsgiref.types import StartResponse, WSGIEnvironment

from cfsigned_django.signing.encoding import MAX_URL_LENGTH
from cfsigned_django.signing.exceptions import Denied

#: "Maximum length of a request, including headers and query strings", in
#: bytes. AWS page: "Quotas" (cloudfront-limits).
MAX_REQUEST_LENGTH = 20_480

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
    "<p>The local edge of cfsigned_django wrote this page. CloudFront sends one of its own.</p>"
    "</body></html>\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Answer a request without asking the origin; ``reason`` is for the log only.

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
    """Return the headers by which a viewer can tell that an edge answered.

    This edge keeps no cache, so a file is always a miss. The last two have
    the form that they have in the wild; their values mean nothing.
    """
    return [
        ("X-Cache", "Error from cloudfront" if is_error else "Miss from cloudfront"),
        ("Via", "1.1 edge.localhost (CloudFront)"),
        ("X-Amz-Cf-Pop", "LOCAL1-P1"),
        ("X-Amz-Cf-Id", secrets.token_urlsafe(41) + "=="),
    ]


def denied(denial: Denied) -> Refusal:
    """Refuse a request that is not signed, or not well, as CloudFront does.

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


def bad_request(reason: str) -> Refusal:
    """Refuse what is no proper HTTP request."""
    return _page("400 Bad Request", "BadRequest", "This is not a request that can be read.", reason)


def unknown_host(reason: str) -> Refusal:
    """Refuse a request for a host that is not one of the distribution's domain names."""
    return _page("403 Forbidden", "UnknownHost", "No distribution has this domain name.", reason)


def method_not_allowed(reason: str) -> Refusal:
    """Refuse a method that the behavior does not allow: 403 and not 405, as CloudFront does."""
    return _page("403 Forbidden", "MethodNotAllowed", "This method is not allowed here.", reason)


def body_not_allowed(reason: str) -> Refusal:
    """Refuse a request to read that carries a body.

    AWS page: "Request and response behavior for Amazon S3 origins", on GET
    requests that include a body.
    """
    return _page("403 Forbidden", "BodyNotAllowed", "A request to read has no body.", reason)


def url_too_long(length: int) -> Refusal:
    """Refuse a URL over CloudFront's quota."""
    return _page(
        "413 Request Entity Too Large",
        "UrlTooLong",
        "The URL is too long.",
        f"the URL has {length} bytes, and CloudFront's quota is {MAX_URL_LENGTH}",
    )


def request_too_long() -> Refusal:
    """Refuse a request whose first line and headers are over CloudFront's quota."""
    return _page(
        "413 Request Entity Too Large",
        "RequestTooLong",
        "The request is too long.",
        f"request line and headers have over {MAX_REQUEST_LENGTH} bytes, CloudFront's quota",
    )


def foreign_origin(reason: str) -> Refusal:
    """Answer where CloudFront would ask an origin that this edge does not read."""
    return _page("502 Bad Gateway", "ForeignOrigin", "This edge does not read the origin.", reason)


def internal_error() -> Refusal:
    """Answer where this edge or its origin failed, which has no counterpart in CloudFront."""
    return _page("500 Internal Server Error", "InternalError", "The local edge failed.", "")


def _page(status: str, code: str, sentence: str, reason: str) -> Refusal:
    return Refusal(
        status=status,
        content_type="text/html; charset=utf-8",
        body=_PAGE.format(status=status, sentence=sentence).encode(),
        code=code,
        reason=reason,
    )
