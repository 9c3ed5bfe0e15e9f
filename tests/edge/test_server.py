"""Serve over real sockets: requests read strictly, answers framed as HTTP asks."""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.edge import EdgeServer
from cfsigned_django.edge.server import (
    BadRequest,
    RequestHead,
    RequestTooLong,
    WsgiResponse,
    read_head,
)
from tests.edge.conftest import echo_origin

LIMIT = 20_480
SIMPLE = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[EdgeServer]:
    """Return a server that repeats its environ."""
    with EdgeServer(echo_origin).running() as server:
        yield server


def send(server: EdgeServer, text: str) -> bytes:
    """Send text over a connection of its own, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(text.encode("latin-1"))
        with connection.makefile("rb") as answer:
            return answer.read()


def seen(answer: bytes) -> dict[str, str]:
    """Return the environ in the body of the only answer."""
    environ: dict[str, str] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return environ


def test_environ(server: EdgeServer) -> None:
    """Hand the target on as it was sent, and fill in what WSGI wants of server and viewer."""
    target = "//a/../%2Fb%7E+%2B?x=%27&y=a+b?"
    environ = seen(send(server, LAST.replace("/last", target)))
    assert environ["RAW_URI"] == target
    assert environ["REMOTE_ADDR"] == environ["SERVER_NAME"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_several_on_a_connection(server: EdgeServer) -> None:
    """Answer one request after the other on the same connection."""
    answer = send(server, SIMPLE + SIMPLE.replace("GET", "HEAD") + LAST)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"Connection: keep-alive") == 2
    assert answer.count(b"Connection: close") == 1
    assert answer.count(b'"RAW_URI"') == 2


def test_longest_request(server: EdgeServer) -> None:
    """Serve a request whose line and headers have 20,480 bytes, and answer 413 to one more."""
    longest = LAST.replace("\r\n\r\n", "\r\nX: \r\n\r\n")
    padding = "a" * (20_480 - len(longest))
    assert send(server, longest.replace("X: ", f"X: {padding}")).startswith(b"HTTP/1.1 200")
    answer = send(server, longest.replace("X: ", f"X: {padding}a"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in answer


def test_answer_arrives_while_sending(server: EdgeServer) -> None:
    """Get the refusal to a viewer who goes on sending a while."""
    assert send(server, "GET /" + "a" * 400_000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("text", ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"])
def test_bad_request_on_a_connection(
    server: EdgeServer, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Answer 400 to what is not HTTP, and end the connection."""
    answer = send(server, text + LAST)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert answer.count(b"HTTP/1.1") == 1
    assert caplog.messages[0].startswith("400 BadRequest: ")


def test_body_is_no_request(server: EdgeServer) -> None:
    """Never read the body of one request as the next request."""
    smuggled = SIMPLE.replace("Host", f"Content-Length: {len(LAST)}\r\nHost") + LAST
    answer = send(server, smuggled)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"/last" not in answer


def test_many_viewers_at_once() -> None:
    """Serve viewers side by side: here each one waits for all the others."""
    count = 16
    barrier = threading.Barrier(count, timeout=10)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        barrier.wait()
        return echo_origin(environ, start_response)

    with EdgeServer(application).running() as server, ThreadPoolExecutor(count) as pool:
        targets = [f"/{number}" for number in range(count)]
        answers = pool.map(lambda target: send(server, LAST.replace("/last", target)), targets)
        assert [seen(answer)["RAW_URI"] for answer in answers] == targets


def test_close_ends_kept_connections() -> None:
    """End the connections that viewers keep open when the server stops."""
    with EdgeServer(echo_origin).running() as server:
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        connection.sendall(SIMPLE.encode())
        received = b""
        while b"/a" not in received:  # The answer is whole: only the connection is left to end.
            received += connection.recv(1000)
    with connection, connection.makefile("rb") as rest:
        rest.read()  # A connection that stays open raises TimeoutError.
        assert connection.recv(1) == b""


def test_error_in_application(caplog: pytest.LogCaptureFixture) -> None:
    """Answer 500, log the traceback, and serve the next viewer."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/a":
            raise KeyError("broken")
        return echo_origin(environ, start_response)

    with EdgeServer(application).running() as server:
        answer = send(server, SIMPLE.replace("/a", "/a?Signature=secret"))
        assert answer.startswith(b"HTTP/1.1 500 Internal Server Error")
        assert b"broken" not in answer
        assert send(server, LAST).startswith(b"HTTP/1.1 200 OK")
    assert caplog.messages == ["500 InternalError /a"]
    assert "KeyError: 'broken'" in caplog.text


class Body:
    """Yield chunks, then fail or go on; note that the server has closed it."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self.chunks, self.error, self.closed = chunks, error, threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield from self.chunks
            if self.error:
                raise self.error

    def close(self) -> None:
        """Note it."""
        self.closed.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", str(10**12))])
        return self


def test_error_within_body(caplog: pytest.LogCaptureFixture) -> None:
    """End the connection in the middle of a body that fails, and close the body."""
    body = Body(b"first", error=OSError("disk"))
    with EdgeServer(body).running() as server:
        assert send(server, SIMPLE).endswith(b"\r\n\r\nfirst")
    assert body.closed.is_set()
    assert "OSError: disk" in caplog.text


def test_viewer_leaves(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Log nothing if a viewer hangs up in the middle of a download, and close the body."""
    body = Body(b"x" * 65536)
    with EdgeServer(body).running() as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(SIMPLE.encode())
            connection.recv(1000)
        assert body.closed.wait(10)
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("sent", [b"", b"GET /a HTTP"], ids=["nothing", "part of a request"])
def test_viewer_breaks_off(
    sent: bytes, server: EdgeServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Take a connection that is closed without a word, or reset within a request."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        if sent:  # Closing with a linger time of zero sends a reset.
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert send(server, LAST).startswith(b"HTTP/1.1 200 OK")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("error", "logged"), [(ConnectionResetError(), 0), (KeyError("a"), 1)])
def test_error_outside_of_a_request(
    error: Exception, logged: int, server: EdgeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Log what fails outside of a request, but not that a viewer has left before it began."""
    with mock.patch.object(EdgeServer, "finish_request", side_effect=error):
        assert send(server, "") == b""
    assert len(caplog.messages) == caplog.text.count("KeyError: 'a'") == logged


def test_port_in_use(server: EdgeServer) -> None:
    """Raise OSError where another program has the port."""
    with pytest.raises(OSError, match="in use"):
        EdgeServer(echo_origin, port=server.port)


def read(text: str) -> RequestHead:
    """Read a head whose lines are parted by bare newlines here."""
    head = read_head(io.BytesIO(text.replace("\n", "\r\n").encode("latin-1")), LIMIT)
    assert head is not None
    return head


def test_head() -> None:
    """Read method, target, version and fields, behind an empty line as RFC 9112 asks."""
    head = read("\nGET /a%2Fb?x=%27 HTTP/1.1\nHost: a.example\nX-Y:  z \n\n")
    assert (head.method, head.target, head.minor_version) == ("GET", "/a%2Fb?x=%27", 1)
    assert head.fields == (("host", "a.example"), ("x-y", "z"))


def test_heads_of_a_connection() -> None:
    """Leave the next request in the stream, and return None at its end; take bare newlines."""
    stream = io.BytesIO(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.0\nHost: a\n\n")
    heads = [read_head(stream, LIMIT) for _ in range(3)]
    assert [head and head.target for head in heads] == ["/1", "/2", None]
    assert [head and head.get("host") for head in heads] == [None, "a", None]


@pytest.mark.parametrize(
    "text",
    [
        *("GET /\n\n", "GET  / HTTP/1.1\n\n", "GET / HTTP/2.0\n\n", "get / HTTP/1.1\n\n"),
        *(f"GET /a{each}b HTTP/1.1\n\n" for each in " \t\x1b"),
        "GET / HTTP/1.1 \n\n",
        *(
            f"GET / HTTP/1.1\n{fields}\n\n"
            for fields in [
                *("no colon", "Host : a", ": a", "X: a\n folded", "X: a\x00b", "X: a\rb"),
                *("Host: a\nhost: b", "Content-Length: 1\nContent-Length: 2"),
            ]
        ),
        *("GET / HTTP/1.1\nHost: a", "GET / HTTP/1.1\nHost: a\n"),
    ],
)
def test_bad_request(text: str) -> None:
    """Refuse what two readers could understand in two ways."""
    with pytest.raises(BadRequest):
        read(text)


def test_limit_without_newline() -> None:
    """Stop reading at the limit though no line ever ends."""
    stream = io.BytesIO(b"a" * (10 * LIMIT))
    with pytest.raises(RequestTooLong):
        read_head(stream, LIMIT)
    assert stream.tell() == LIMIT + 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            "",
            {
                "RAW_URI": "/a%2Fb%20%ED%95%9C?x=%27",
                "PATH_INFO": "/a/b \xed\x95\x9c",
                "QUERY_STRING": "x=%27",
            },
        ),
        ("Cookie: a=1\nCookie: b=2\n", {"HTTP_COOKIE": "a=1; b=2"}),
        ("X-Y: 1\nx-y: 2\n", {"HTTP_X_Y": "1, 2"}),
        # A name with an underscore would pass for the one with a hyphen.
        ("If_None_Match: x\nRange: a\n", {"HTTP_IF_NONE_MATCH": None, "HTTP_RANGE": "a"}),
        ("Content-Length: 3\n", {"CONTENT_LENGTH": "3", "HTTP_CONTENT_LENGTH": None}),
        ("Content-Type: a/b\n", {"CONTENT_TYPE": "a/b", "HTTP_CONTENT_TYPE": None}),
    ],
)
def test_environ_of_a_head(fields: str, expected: dict[str, str | None]) -> None:
    """Give the raw target beside the decoded one, and fields as CGI has them, joined."""
    environ = read(f"GET /a%2Fb%20%ED%95%9C?x=%27 HTTP/1.1\n{fields}\n").environ()
    assert {name: environ.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET / HTTP/1.1\n\n", True),
        ("GET / HTTP/1.1\nConnection: Close\n\n", False),
        ("GET / HTTP/1.1\nConnection: x, close\n\n", False),
        ("GET / HTTP/1.0\n\n", False),
        ("GET / HTTP/1.0\nConnection: keep-alive\n\n", True),
        ("GET / HTTP/1.1\nContent-Length: 0\n\n", True),
        ("GET / HTTP/1.1\nContent-Length: 5\n\n", False),
        ("GET / HTTP/1.1\nTransfer-Encoding: chunked\n\n", False),
    ],
)
def test_keeps_alive(text: str, expected: bool) -> None:
    """Keep the connection as HTTP/1.1 and 1.0 have it, and never behind a body."""
    assert read(text).keeps_alive is expected


def make_response(*, is_head_request: bool = False) -> tuple[WsgiResponse, bytearray]:
    """Return a response, and what it sends."""
    sent = bytearray()
    return WsgiResponse(sent.extend, is_head_request=is_head_request, keep_alive=True), sent


@pytest.mark.parametrize(
    ("status", "headers", "is_head_request", "chunks", "body", "keep"),
    [
        ("200 OK", {"Content-Length": "4"}, False, [b"ab", b"", b"cd"], b"abcd", True),
        ("200 OK", {"date": "then", "Content-Length": "0", "X": "\xe9"}, False, [], b"", True),
        ("200 OK", {"Content-Length": "4"}, True, [b"abcd"], b"", True),
        ("304 Not Modified", {}, False, [b"abcd"], b"", True),
        ("204 No Content", {}, False, [b"abcd"], b"", True),
        ("200 OK", {}, False, [b"abcd"], b"abcd", False),
        ("200 OK", {"Content-Length": "4"}, False, [b"ab"], b"ab", False),
        # The rest would be read as the next response.
        ("200 OK", {"Content-Length": "3"}, False, [b"ab", b"cd", b"HTTP/1.1 200"], b"abc", True),
    ],
    ids=[
        *("as announced", "own date", "HEAD", "304", "204"),
        *("unknown length", "too short", "too long"),
    ],
)
def test_response(
    status: str,
    headers: dict[str, str],
    is_head_request: bool,
    chunks: list[bytes],
    body: bytes,
    keep: bool,
) -> None:
    """Send no more than was announced, and end the connection if less or nobody knows."""
    response, sent = make_response(is_head_request=is_head_request)
    write = response.start(status, list(headers.items()))
    for chunk in chunks[:1]:
        write(chunk)
    response.send_body(chunks[1:])
    head, _, rest = bytes(sent).partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert rest == body
    assert response.may_keep_alive is keep
    assert lines[0] == f"HTTP/1.1 {status}"
    assert lines[1 : len(headers) + 1] == [f"{name}: {value}" for name, value in headers.items()]
    assert sum(line.lower().startswith("date: ") for line in lines) == 1
    # What is too short is known only when the headers are gone.
    assert f"Connection: {'keep-alive' if keep or headers else 'close'}" in lines


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
    response, sent = make_response()
    with pytest.raises(ValueError, match="control"):
        response.start(status, headers)
    assert not sent


def test_start_response() -> None:
    """Refuse a body before start_response, and a second call that is not about an error."""
    response, sent = make_response()
    with pytest.raises(RuntimeError):
        response.send_body([b"a"])
    response.start("200 OK", [])
    with pytest.raises(RuntimeError):
        response.start("200 OK", [])
    assert not sent


def test_start_response_after_an_error() -> None:
    """Replace status and headers while none went out, and raise the error again afterwards."""
    response, sent = make_response()
    response.start("200 OK", [])
    exc_info: Any = (KeyError, KeyError("a"), None)
    response.start("500 Oops", [], exc_info)(b"a")
    assert sent.startswith(b"HTTP/1.1 500 Oops")
    with pytest.raises(KeyError):
        response.start("500 Oops", [], exc_info)
