from __future__ import annotations

import sys

import pytest

from cfsigned_django.edge.server import WsgiResponse


class Wire:
    """Collect what a response sends."""

    def __init__(self, *, is_head_request: bool = False, keep_alive: bool = True) -> None:
        self.data = b""
        self.response = WsgiResponse(
            self.send, is_head_request=is_head_request, keep_alive=keep_alive
        )

    def send(self, data: bytes) -> None:
        """Append to what went out."""
        self.data += data

    @property
    def head(self) -> str:
        """Return status line and headers."""
        return self.data.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self) -> bytes:
        """Return what follows the empty line."""
        return self.data.partition(b"\r\n\r\n")[2]


def test_response() -> None:
    """Send status, headers, a date and the body, and keep the connection."""
    wire = Wire()
    wire.response.start("200 OK", [("Content-Length", "4"), ("X-Y", "\xe9")])
    wire.response.send_body([b"ab", b"", b"cd"])
    assert wire.head.startswith("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Y: \xe9\r\n")
    assert "\r\nConnection: keep-alive\r\nDate: " in wire.head
    assert wire.body == b"abcd"
    assert wire.response.may_keep_alive


def test_date_of_application() -> None:
    """Leave a date that the application has set."""
    wire = Wire()
    wire.response.start("200 OK", [("date", "then"), ("Content-Length", "0")])
    wire.response.send_body([])
    assert wire.head.lower().count("\r\ndate: ") == 1


def test_head_request() -> None:
    """Send no body in answer to HEAD, and count none as missing."""
    wire = Wire(is_head_request=True)
    wire.response.start("200 OK", [("Content-Length", "4")])
    wire.response.send_body([b"abcd"])
    assert wire.body == b""
    assert wire.response.may_keep_alive


@pytest.mark.parametrize("status", ["304 Not Modified", "204 No Content"])
def test_status_without_body(status: str) -> None:
    """Send no body with a status that has none."""
    wire = Wire()
    wire.response.start(status, [])
    wire.response.send_body([b"abcd"])
    assert wire.body == b""
    assert wire.response.may_keep_alive


def test_unknown_length() -> None:
    """End the connection after a body whose length nobody announced."""
    wire = Wire()
    wire.response.start("200 OK", [])
    wire.response.send_body([b"abcd"])
    assert "\r\nConnection: close\r\n" in wire.head
    assert wire.body == b"abcd"
    assert not wire.response.may_keep_alive


def test_too_short() -> None:
    """End the connection where less came than was announced."""
    wire = Wire()
    wire.response.start("200 OK", [("Content-Length", "4")])
    wire.response.send_body([b"ab"])
    assert not wire.response.may_keep_alive


def test_too_long() -> None:
    """Send no more than was announced: the rest would be read as the next response."""
    wire = Wire()
    wire.response.start("200 OK", [("Content-Length", "3")])
    wire.response.send_body([b"ab", b"cd", b"HTTP/1.1 200 OK"])
    assert wire.body == b"abc"
    assert wire.response.may_keep_alive


def test_empty_body() -> None:
    """Send the head of a response without any chunk."""
    wire = Wire()
    wire.response.start("200 OK", [("Content-Length", "0")])
    wire.response.send_body([])
    assert wire.head.startswith("HTTP/1.1 200 OK")


def test_write() -> None:
    """Take a body through the callable that start_response returns."""
    wire = Wire()
    write = wire.response.start("200 OK", [("Content-Length", "2")])
    write(b"a")
    wire.response.send_body([b"b"])
    assert wire.body == b"ab"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("200 OK\r\nX: y", []),
        ("200 OK", [("X", "a\r\nSet-Cookie: b=c")]),
        ("200 OK", [("X\n", "a")]),
        ("200 OK", [("X", "\x7f")]),
    ],
)
def test_header_injection(status: str, headers: list[tuple[str, str]]) -> None:
    """Refuse a status or a header that would begin a new line."""
    wire = Wire()
    with pytest.raises(ValueError, match="control character"):
        wire.response.start(status, headers)
    assert wire.data == b""


class TestStart:
    def test_never_called(self) -> None:
        """Refuse a body before start_response."""
        with pytest.raises(RuntimeError, match="before it called start_response"):
            Wire().response.send_body([b"a"])

    def test_twice(self) -> None:
        """Refuse a second call that is not about an error."""
        wire = Wire()
        wire.response.start("200 OK", [])
        with pytest.raises(RuntimeError, match="called twice"):
            wire.response.start("200 OK", [])

    def test_error_before_body(self) -> None:
        """Replace status and headers while none went out."""
        wire = Wire()
        wire.response.start("200 OK", [])
        try:
            raise KeyError("a")
        except KeyError:
            wire.response.start("500 Oops", [], sys.exc_info())
        wire.response.send_body([])
        assert wire.head.startswith("HTTP/1.1 500 Oops")

    def test_error_within_body(self) -> None:
        """Raise the error again where the head is on the wire already."""
        wire = Wire()
        wire.response.start("200 OK", [])(b"a")
        try:
            raise KeyError("a")
        except KeyError:
            exc_info = sys.exc_info()
        with pytest.raises(KeyError):
            wire.response.start("500 Oops", [], exc_info)
