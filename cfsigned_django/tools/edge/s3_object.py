"""Respond to a request to read one object as S3 does: conditions, ranges, overrides, errors.

This module is for origins that have files and are not S3.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import BinaryIO
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

CHUNK_SIZE = 64 * 1024

_ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
    "<RequestId>{request_id}</RequestId><HostId>{host_id}</HostId></Error>"
)
# The query parameters of GetObject that replace headers of its response.
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
    """One object: ``size`` is in bytes, ``etag`` includes its quotes, the date is aware.

    ``open`` returns a seekable file; it is called only if bytes of the object
    are requested.
    """

    size: int
    content_type: str
    etag: str
    last_modified: datetime
    open: Callable[[], BinaryIO]
    content_encoding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Response:
    """A status line, headers and an iterable body. It is a WSGI application."""

    status: str
    headers: tuple[tuple[str, str], ...] = ()
    body: Iterable[bytes] = ()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(self.status, [*self.headers])
        return () if environ["REQUEST_METHOD"] == "HEAD" else self.body


class FileBody:
    """A part of a file as an iterable of chunks; ``close`` closes the file."""

    def __init__(self, file: BinaryIO, part: range) -> None:
        self._file = file
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        remaining = len(self._part)
        self._file.seek(self._part.start)
        while remaining and (chunk := self._file.read(min(CHUNK_SIZE, remaining))):
            remaining -= len(chunk)
            yield chunk

    def close(self) -> None:
        """Close the file; WSGI servers call this at the end of each request."""
        self._file.close()


def answer(stored: StoredObject, environ: WSGIEnvironment) -> S3Response:
    """Return the response to a GET or HEAD request for the object."""
    versions = (
        ("ETag", stored.etag),
        ("Last-Modified", format_datetime(stored.last_modified, usegmt=True)),
    )
    if _is_not_modified(stored, environ):
        return S3Response(status="304 Not Modified", headers=versions)
    try:
        return _answer_bytes(stored, environ, (("Accept-Ranges", "bytes"), *versions))
    except ValueError as error:
        return s3_error("400 Bad Request", "InvalidArgument", str(error))


def s3_error(status: str, code: str, message: str, *headers: tuple[str, str]) -> S3Response:
    """Return an error in the format of S3.

    S3's "Access Denied" has a RequestId and a HostId; CloudFront's "Access
    denied" has neither.
    """
    body = _ERROR.format(
        code=code,
        message=message,
        request_id=secrets.token_hex(8).upper(),
        host_id=secrets.token_urlsafe(32),
    ).encode()
    return S3Response(
        status=status,
        headers=(("Content-Type", "application/xml"), ("Content-Length", str(len(body))), *headers),
        body=(body,),
    )


def _answer_bytes(
    stored: StoredObject, environ: WSGIEnvironment, common: tuple[tuple[str, str], ...]
) -> S3Response:
    described = {"Content-Type": stored.content_type}
    if stored.content_encoding:
        described["Content-Encoding"] = stored.content_encoding
    described.update(_read_overrides(environ.get("QUERY_STRING", "")))
    part = None
    if _range_applies(stored, environ):
        part = parse_range(environ.get("HTTP_RANGE", ""), stored.size)
    if part is not None and not part:
        return s3_error(
            "416 Requested Range Not Satisfiable",
            "InvalidRange",
            "The requested range is not satisfiable",
            ("Content-Range", f"bytes */{stored.size}"),
        )
    status, sent = "200 OK", range(stored.size)
    if part is not None:
        status, sent = "206 Partial Content", part
        described["Content-Range"] = f"bytes {part[0]}-{part[-1]}/{stored.size}"
    described["Content-Length"] = str(len(sent))
    body = () if environ["REQUEST_METHOD"] == "HEAD" else FileBody(stored.open(), sent)
    return S3Response(status=status, headers=(*described.items(), *common), body=body)


def _read_overrides(query: str) -> dict[str, str]:
    """Return the headers that the query sets.

    Raise ``ValueError`` for a value that cannot be a header: a control
    character could end the header and begin another.
    """
    headers = {}
    for name, value in parse_qsl(query):
        if name not in _OVERRIDES:
            continue
        if not value.isprintable() or any(ord(character) > 0xFF for character in value):
            raise ValueError("Header value cannot be represented using ISO-8859-1")
        headers[_OVERRIDES[name]] = value
    return headers


# No object size has more than 18 digits, and Python refuses to read more than 4300.
_SINGLE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


def parse_range(header: str, size: int) -> range | None:
    """Return the bytes that a viewer requested, or None for the whole object.

    A header that is not valid is ignored, and so is one with several ranges:
    "Amazon S3 doesn't support retrieving multiple ranges of data per GET
    request" (API_GetObject). The range is empty if it begins after the end of
    the object.
    """
    match = _SINGLE_RANGE.fullmatch(header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        suffix = min(int(match[2]), size)
        first, last = size - suffix, size - 1
    else:
        first, last = int(match[1]), int(match[2] or size - 1)
        if match[2] and last < first:
            return None
    return range(first, min(last + 1, size))


def _is_not_modified(stored: StoredObject, environ: WSGIEnvironment) -> bool:
    """Return whether the viewer already has this version (304).

    A date that is not valid is ignored, as RFC 9110 requires. Browsers send no
    If-Match and no If-Unmodified-Since to read an object.
    """
    if_none_match = environ.get("HTTP_IF_NONE_MATCH")
    if if_none_match is not None:
        tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return "*" in tags or stored.etag in tags
    since = _parse_date(environ.get("HTTP_IF_MODIFIED_SINCE", ""))
    return since is not None and stored.last_modified.replace(microsecond=0) <= since


def _range_applies(stored: StoredObject, environ: WSGIEnvironment) -> bool:
    """Return whether If-Range, if it is sent, still names this version of the object."""
    if_range = environ.get("HTTP_IF_RANGE")
    if if_range is None or if_range == stored.etag:
        return True
    return _parse_date(if_range) == stored.last_modified.replace(microsecond=0)


def _parse_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
