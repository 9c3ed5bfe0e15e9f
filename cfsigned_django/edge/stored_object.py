"""Answer a request to read one object as S3 does: conditions, ranges, overrides, errors.

This is for origins that hold files and are not S3.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import BinaryIO
from urllib.parse import parse_qsl
from wsgiref.types import WSGIEnvironment

from cfsigned_django.edge.byte_range import ByteRange, NotSatisfiable, parse_range
from cfsigned_django.edge.conditions import Outcome, evaluate, range_applies

CHUNK_SIZE = 64 * 1024

_ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
    "<RequestId>{request_id}</RequestId><HostId>{host_id}</HostId></Error>"
)
# The query parameters of GetObject that replace headers of its answer.
_OVERRIDES = {
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-content-type": "Content-Type",
    "response-expires": "Expires",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """Describe one object: ``size`` in bytes, ``etag`` with its quotes, an aware date.

    ``open`` returns a file that can seek; it is called only where bytes of
    the object are asked for.
    """

    size: int
    content_type: str
    etag: str
    last_modified: datetime
    open: Callable[[], BinaryIO]
    content_encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold a status line, headers and an iterable body, as WSGI has them."""

    status: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Iterable[bytes] = ()


class FileBody:
    """Iterate over a part of a file in chunks; close the file when done or abandoned."""

    def __init__(self, file: BinaryIO, part: ByteRange) -> None:
        self._file = file
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        remaining = self._part.length
        self._file.seek(self._part.first)
        while remaining and (chunk := self._file.read(min(CHUNK_SIZE, remaining))):
            remaining -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the file; WSGI servers call this at the end of each request."""
        self._file.close()


def answer(stored: StoredObject, environ: WSGIEnvironment) -> Answer:
    """Return the answer to a GET or HEAD request for the object."""
    versions = (
        ("ETag", stored.etag),
        ("Last-Modified", format_datetime(stored.last_modified, usegmt=True)),
    )
    match evaluate(environ, etag=stored.etag, last_modified=stored.last_modified):
        case Outcome.NOT_MODIFIED:
            return Answer(status="304 Not Modified", headers=versions)
        case Outcome.FAILED:
            return s3_error(
                "412 Precondition Failed", "PreconditionFailed", "A precondition does not hold"
            )
    try:
        return _answer_bytes(stored, environ, (("Accept-Ranges", "bytes"), *versions))
    except NotSatisfiable:
        return s3_error(
            "416 Requested Range Not Satisfiable",
            "InvalidRange",
            "The requested range is not satisfiable",
            ("Content-Range", f"bytes */{stored.size}"),
        )
    except ValueError as error:
        return s3_error("400 Bad Request", "InvalidArgument", str(error))


def s3_error(status: str, code: str, message: str, *headers: tuple[str, str]) -> Answer:
    """Return an error in the shape of S3's.

    S3's "Access Denied" comes with a RequestId and a HostId, which tells it
    apart from CloudFront's "Access denied".
    """
    body = _ERROR.format(
        code=code,
        message=message,
        request_id=secrets.token_hex(8).upper(),
        host_id=secrets.token_urlsafe(32),
    ).encode()
    return Answer(
        status=status,
        headers=(
            ("Content-Type", "application/xml"),
            ("Content-Length", str(len(body))),
            *headers,
        ),
        body=(body,),
    )


def _answer_bytes(
    stored: StoredObject, environ: WSGIEnvironment, common: tuple[tuple[str, str], ...]
) -> Answer:
    described = {"Content-Type": stored.content_type}
    if stored.content_encoding:
        described["Content-Encoding"] = stored.content_encoding
    described.update(_read_overrides(environ.get("QUERY_STRING", "")))
    part = None
    if range_applies(environ, etag=stored.etag, last_modified=stored.last_modified):
        part = parse_range(environ.get("HTTP_RANGE", ""), stored.size)
    whole = ByteRange(first=0, last=stored.size - 1)
    is_head = environ["REQUEST_METHOD"] == "HEAD"
    if part is not None:
        described["Content-Range"] = part.content_range(stored.size)
    described["Content-Length"] = str((part or whole).length)
    return Answer(
        status="206 Partial Content" if part is not None else "200 OK",
        headers=(*described.items(), *common),
        body=() if is_head else FileBody(stored.open(), part or whole),
    )


def _read_overrides(query: str) -> dict[str, str]:
    """Return the headers that the query asks for.

    Raise ``ValueError`` for a value that cannot be a header: one with a
    control character would end the header and begin another.
    """
    headers = {}
    for name, value in parse_qsl(query):
        if name not in _OVERRIDES:
            continue
        if not value.isprintable() or any(ord(character) > 0xFF for character in value):
            raise ValueError("Header value cannot be represented using ISO-8859-1")
        headers[_OVERRIDES[name]] = value
    return headers
