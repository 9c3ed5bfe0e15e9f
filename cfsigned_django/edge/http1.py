"""Read the head of an HTTP/1.1 request strictly, and keep its target as it was sent.

The servers of the standard library decode the path, join repeated slashes or
have other limits than CloudFront; a signature is checked against raw bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

_REQUEST_LINE = re.compile(r"([A-Z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")


class BadRequest(Exception):
    """Report a request that cannot be read as HTTP/1.1 (400)."""


class RequestTooLong(Exception):
    """Report a request line and headers over the limit (413)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """Hold a request line and the header fields, in order, names in lower case."""

    method: str
    target: str
    minor_version: int
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """Return the value of a field, several of the same name joined, or None."""
        values = [value for field, value in self.fields if field == name]
        return ("; " if name == "cookie" else ", ").join(values) if values else None

    @property
    def has_body(self) -> bool:
        """Say whether bytes of a body follow the head."""
        return self.get("transfer-encoding") is not None or self.get("content-length") not in (
            None,
            "0",
        )

    @property
    def keeps_alive(self) -> bool:
        """Say whether the connection may carry a further request."""
        options = {option.strip().lower() for option in (self.get("connection") or "").split(",")}
        if self.has_body or "close" in options:
            return False
        return self.minor_version == 1 or "keep-alive" in options

    def environ(self) -> WSGIEnvironment:
        """Return the part of a WSGI environ that comes from the request."""
        path, _, query = self.target.partition("?")
        names = dict.fromkeys(name for name, _ in self.fields)
        # A name with an underscore would be the same variable as the one with
        # a hyphen: a viewer must not be able to send one for the other.
        headers = {
            f"HTTP_{name.upper().replace('-', '_')}": self.get(name)
            for name in names
            if "_" not in name and name not in ("content-length", "content-type")
        }
        return {
            **headers,
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.target,
            "CONTENT_TYPE": self.get("content-type") or "",
            "CONTENT_LENGTH": self.get("content-length") or "",
            "SERVER_PROTOCOL": f"HTTP/1.{self.minor_version}",
        }


def read_head(stream: BufferedIOBase, limit: int) -> RequestHead | None:
    """Read one request line and its header fields; None where the viewer has hung up.

    Raise :exc:`BadRequest` or :exc:`RequestTooLong` (more than ``limit`` bytes).
    """
    lines = list(_read_lines(stream, limit))
    if not lines:
        return None
    request_line = _REQUEST_LINE.fullmatch(lines[0])
    if request_line is None:
        raise BadRequest("the request line is not that of HTTP/1.1")
    fields = []
    for line in lines[1:]:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise BadRequest("a header line is not of the form name: value")
        fields.append((field[1].lower(), field[2]))
    names = [name for name, _ in fields]
    if names.count("host") > 1 or names.count("content-length") > 1:
        raise BadRequest("Host or Content-Length is there twice")
    return RequestHead(
        method=request_line[1],
        target=request_line[2],
        minor_version=int(request_line[3]),
        fields=tuple(fields),
    )


def _read_lines(stream: BufferedIOBase, limit: int) -> Iterator[str]:
    """Yield the lines up to the empty one that ends the head, without their line ends."""
    count = 0
    while True:
        line = stream.readline(limit - count + 1)
        count += len(line)
        if count > limit:
            raise RequestTooLong
        if not line:
            if count:
                raise BadRequest("the connection ended within the headers")
            return
        text = line.decode("latin-1").removesuffix("\n").removesuffix("\r")
        if not text and count == len(line):
            # RFC 9112, 2.2: an empty line before the request line is ignored.
            continue
        if not text:
            return
        yield text
