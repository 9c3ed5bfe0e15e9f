"""Serve over real sockets: requests read strictly, answers framed as HTTP asks."""

from __future__ import annotations

import http.client
import io
import json
import logging
import socket
import struct
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.edge.server import (
    BadRequest,
    RequestHead,
    RequestTooLong,
    WsgiResponse,
    read_head,
)
from cfsigned_django.signing import PrivateKey, Signer
from tests.edge import EXPIRES, KEY_ID
from tests.edge.conftest import echo_origin
from tests.edge.serving import LAST, SIMPLE, Send, run


@pytest.fixture
def send() -> Iterator[Send]:
    """Return a function that sends bytes to a server which repeats its environ."""
    with run(echo_origin) as (_, send):
        yield send


def seen(answer: bytes) -> dict[str, str]:
    """Return the environ in the body of the only answer."""
    environ: dict[str, str] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return environ


class TestRequests:
    @pytest.mark.parametrize(
        "target",
        [
            "/a%2Fb%7E+%2B?x=%27&y=a+b",
            "//a//b",
            "/../a/./b",
            "/%ED%95%9C%EA%B8%80.pdf",
            "/a?",
            "/a?b?c",
        ],
    )
    def test_raw_target(self, send: Send, target: str) -> None:
        """Hand the target on as it was sent."""
        environ = seen(send(LAST.replace("/last", target)))
        assert environ["RAW_URI"] == target

    def test_environ(self, send: Send) -> None:
        """Fill in what WSGI wants of server and viewer."""
        environ = seen(send(LAST))
        assert environ["REMOTE_ADDR"] == environ["SERVER_NAME"] == "127.0.0.1"
        assert environ["wsgi.url_scheme"] == "http"
        assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"

    def test_several_on_a_connection(self, send: Send) -> None:
        """Answer one request after the other on the same connection."""
        answer = send(SIMPLE + SIMPLE.replace("GET", "HEAD") + LAST)
        assert answer.count(b"HTTP/1.1 200 OK") == 3
        assert answer.count(b"Connection: keep-alive") == 2
        assert answer.count(b"Connection: close") == 1
        assert answer.count(b'"RAW_URI"') == 2

    def test_http_client(self) -> None:
        """Work with the standard library's client on a connection that is kept."""
        with run(echo_origin) as (server, _):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            for method in ("GET", "HEAD", "GET"):
                connection.request(method, "/a")
                response = connection.getresponse()
                assert response.status == 200
                assert bool(response.read()) is (method == "GET")
            connection.close()


class TestRefusals:
    def test_longest_request(self, send: Send) -> None:
        """Serve a request whose line and headers have 20,480 bytes, and answer 413 to one more."""
        longest = LAST.replace("\r\n\r\n", "\r\nX: \r\n\r\n")
        padding = "a" * (20_480 - len(longest))
        assert send(longest.replace("X: ", f"X: {padding}")).startswith(b"HTTP/1.1 200")
        answer = send(longest.replace("X: ", f"X: {padding}a"))
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"Connection: close" in answer

    def test_answer_arrives_while_sending(self, send: Send) -> None:
        """Get the refusal to a viewer who goes on sending a while."""
        assert send("GET /" + "a" * 400_000).startswith(b"HTTP/1.1 413 ")

    @pytest.mark.parametrize("text", ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"])
    def test_bad_request(self, send: Send, text: str, caplog: pytest.LogCaptureFixture) -> None:
        """Answer 400 to what is not HTTP, and end the connection."""
        answer = send(text + LAST)
        assert answer.startswith(b"HTTP/1.1 400 Bad Request")
        assert answer.count(b"HTTP/1.1") == 1
        assert caplog.messages[0].startswith("400 BadRequest: ")

    def test_body_is_no_request(self, send: Send) -> None:
        """Never read the body of one request as the next request."""
        smuggled = SIMPLE.replace("Host", f"Content-Length: {len(LAST)}\r\nHost") + LAST
        answer = send(smuggled)
        assert answer.count(b"HTTP/1.1 200") == 1
        assert b"/last" not in answer


def test_many_viewers_at_once() -> None:
    """Serve viewers side by side: here each one waits for all the others."""
    count = 16
    barrier = threading.Barrier(count, timeout=10)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        barrier.wait()
        return echo_origin(environ, start_response)

    with run(application) as (_, send), ThreadPoolExecutor(count) as pool:
        targets = [f"/{number}" for number in range(count)]
        answers = pool.map(send, [LAST.replace("/last", target) for target in targets])
        assert [seen(answer)["RAW_URI"] for answer in answers] == targets


def test_close_ends_kept_connections() -> None:
    """End the connections that viewers keep open when the server stops."""
    with run(echo_origin) as (server, _):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        connection.sendall(SIMPLE.encode())
        received = b""
        while b"/a" not in received:  # The answer is whole: only the connection is left to end.
            received += connection.recv(1000)
    with connection, connection.makefile("rb") as rest:
        rest.read()  # A connection that stays open raises TimeoutError.
        assert connection.recv(1) == b""


def test_distribution_behind_socket(ec_key: PrivateKey, caplog: pytest.LogCaptureFixture) -> None:
    """Serve a signed URL and refuse the same one an hour later, over a real connection."""
    clock = [float(EXPIRES - 3600)]
    distributions: list[Distribution] = []
    with run(lambda *arguments: distributions[0](*arguments)) as (server, send):
        host = f"127.0.0.1:{server.port}"
        distributions.append(
            Distribution(
                domain_names=(host,),
                behaviors=(Behavior(trusted_key_groups=("group",)),),
                key_groups={"group": {KEY_ID: ec_key.public_key}},
                origin=echo_origin,
                clock=lambda: clock[0],
            )
        )
        signer = Signer(key_pair_id=KEY_ID, private_key=ec_key)
        url = signer.sign_url(f"http://{host}/a%2Fb.jpg?x=%27", date_less_than=EXPIRES)
        request = LAST.replace("/last", url.removeprefix(f"http://{host}")).replace(
            "x\r", f"{host}\r"
        )
        with caplog.at_level(logging.INFO, "cfsigned_django.edge"):
            assert seen(send(request))["RAW_URI"] == "/a%2Fb.jpg?x=%27"
            clock[0] += 3600
            refused = send(request)
    assert refused.startswith(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/xml\r\n")
    assert len(refused.partition(b"\r\n\r\n")[2]) == 110
    assert [message.split()[0] for message in caplog.messages] == ["200", "403"]


class TestFailures:
    def test_error_in_application(self, caplog: pytest.LogCaptureFixture) -> None:
        """Answer 500, log the traceback, and serve the next viewer."""

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            if environ["PATH_INFO"] == "/a":
                raise KeyError("broken")
            return echo_origin(environ, start_response)

        with run(application) as (_, send):
            answer = send(SIMPLE.replace("/a", "/a?Signature=secret"))
            assert answer.startswith(b"HTTP/1.1 500 Internal Server Error")
            assert b"broken" not in answer
            assert send(LAST).startswith(b"HTTP/1.1 200 OK")
        assert caplog.messages == ["500 InternalError /a"]
        assert "KeyError: 'broken'" in caplog.text

    def test_error_within_body(self, caplog: pytest.LogCaptureFixture) -> None:
        """End the connection in the middle of a body that fails, and close the body."""
        closed = threading.Event()

        class Body:
            def __iter__(self) -> Iterator[bytes]:
                yield b"first"
                raise OSError("disk")

            def close(self) -> None:
                closed.set()

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Length", "10")])
            return Body()

        with run(application) as (_, send):
            answer = send(SIMPLE)
        assert answer.endswith(b"\r\n\r\nfirst")
        assert closed.is_set()
        assert "OSError: disk" in caplog.text

    def test_viewer_leaves(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Say nothing when a viewer hangs up in the middle of a download, and close the body."""
        closed = threading.Event()

        class Endless:
            def __iter__(self) -> Iterator[bytes]:
                while True:
                    yield b"x" * 65536

            def close(self) -> None:
                closed.set()

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [])
            return Endless()

        with run(application) as (server, _):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
                connection.sendall(SIMPLE.encode())
                connection.recv(1000)
            assert closed.wait(10)
        assert caplog.text == ""
        assert capfd.readouterr() == ("", "")

    def test_viewer_says_nothing(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Take a connection that is opened and closed again without a word."""
        with run(echo_origin) as (server, send):
            socket.create_connection(("127.0.0.1", server.port), timeout=10).close()
            assert send(LAST).startswith(b"HTTP/1.1 200 OK")
        assert capfd.readouterr() == ("", "")

    def test_viewer_resets(self, capfd: pytest.CaptureFixture[str]) -> None:
        """Take a connection that breaks off within a request."""
        with run(echo_origin) as (server, send):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            connection.sendall(b"GET /a HTTP")
            # Closing with a linger time of zero sends a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            assert send(LAST).startswith(b"HTTP/1.1 200 OK")
        assert capfd.readouterr() == ("", "")

    def test_error_outside_of_a_request(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Log what fails outside of a request, but not that a viewer has left before it began."""
        errors: list[Exception] = [ConnectionResetError(), KeyError("broken")]

        def fail(*arguments: object) -> None:
            raise errors.pop(0)

        monkeypatch.setattr(EdgeServer, "finish_request", fail)
        with run(echo_origin) as (_, send):
            assert send("") == b""
            assert caplog.messages == []
            assert send("") == b""
        assert caplog.messages == ["a connection of 127.0.0.1 failed"]
        assert "KeyError: 'broken'" in caplog.text

    def test_port_in_use(self) -> None:
        """Raise OSError where another program has the port."""
        with run(echo_origin) as (server, _), pytest.raises(OSError, match="in use"):
            EdgeServer(echo_origin, port=server.port)


LIMIT = 20_480


def read(text: str, limit: int = LIMIT) -> RequestHead:
    """Read a head whose lines are parted by bare newlines here."""
    head = read_head(io.BytesIO(text.replace("\n", "\r\n").encode("latin-1")), limit)
    assert head is not None
    return head


class TestReadHead:
    def test_parts(self) -> None:
        """Read method, target, version and fields."""
        head = read("GET /a%2Fb?x=%27 HTTP/1.1\nHost: a.example\nX-Y:  z \n\n")
        assert (head.method, head.target, head.minor_version) == ("GET", "/a%2Fb?x=%27", 1)
        assert head.fields == (("host", "a.example"), ("x-y", "z"))

    def test_bare_newlines(self) -> None:
        """Take lines that end in a newline only."""
        head = read_head(io.BytesIO(b"GET / HTTP/1.0\nHost: a\n\n"), LIMIT)
        assert head is not None
        assert head.get("host") == "a"

    def test_rest_stays(self) -> None:
        """Leave the next request of the connection in the stream."""
        stream = io.BytesIO(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
        heads = [read_head(stream, LIMIT) for _ in range(3)]
        assert [head and head.target for head in heads] == ["/1", "/2", None]

    def test_empty_line_in_front(self) -> None:
        """Skip an empty line before the request line, as RFC 9112 asks."""
        assert read("\nGET / HTTP/1.1\n\n").target == "/"

    def test_end_of_connection(self) -> None:
        """Return None where the viewer sends nothing more."""
        assert read_head(io.BytesIO(b""), LIMIT) is None

    @pytest.mark.parametrize(
        "text",
        [
            "GET /\n\n",
            "GET  / HTTP/1.1\n\n",
            "GET / HTTP/2.0\n\n",
            "get / HTTP/1.1\n\n",
            "GET /a b HTTP/1.1\n\n",
            "GET /a\tb HTTP/1.1\n\n",
            "GET /a\x1bb HTTP/1.1\n\n",
            "GET / HTTP/1.1 \n\n",
            "GET / HTTP/1.1\nno colon\n\n",
            "GET / HTTP/1.1\nHost : a\n\n",
            "GET / HTTP/1.1\n: a\n\n",
            "GET / HTTP/1.1\nX: a\n folded\n\n",
            "GET / HTTP/1.1\nX: a\x00b\n\n",
            "GET / HTTP/1.1\nX: a\rb\n\n",
            "GET / HTTP/1.1\nHost: a\nhost: b\n\n",
            "GET / HTTP/1.1\nContent-Length: 1\nContent-Length: 2\n\n",
            "GET / HTTP/1.1\nHost: a",
            "GET / HTTP/1.1\nHost: a\n",
        ],
    )
    def test_bad_request(self, text: str) -> None:
        """Refuse what two readers could understand in two ways."""
        with pytest.raises(BadRequest):
            read(text)

    def test_limit(self) -> None:
        """Read a head of exactly the limit and refuse one byte more."""
        text = "GET / HTTP/1.1\nX: {}\n\n"
        padding = LIMIT - len(text.replace("\n", "\r\n").format(""))
        assert len(read(text.format("a" * padding)).fields[0][1]) == padding
        with pytest.raises(RequestTooLong):
            read(text.format("a" * (padding + 1)))

    def test_limit_without_newline(self) -> None:
        """Stop reading at the limit though no line ever ends."""
        stream = io.BytesIO(b"a" * (10 * LIMIT))
        with pytest.raises(RequestTooLong):
            read_head(stream, LIMIT)
        assert stream.tell() == LIMIT + 1


class TestEnviron:
    def test_target(self) -> None:
        """Give the raw target beside the decoded path that WSGI wants."""
        environ = read("GET /a%2Fb%20%ED%95%9C?x=%27 HTTP/1.1\n\n").environ()
        assert environ["RAW_URI"] == "/a%2Fb%20%ED%95%9C?x=%27"
        assert environ["PATH_INFO"] == "/a/b \xed\x95\x9c"
        assert environ["QUERY_STRING"] == "x=%27"

    def test_repeated_fields(self) -> None:
        """Join what is there several times: cookies by semicolons, all else by commas."""
        environ = read("GET / HTTP/1.1\nCookie: a=1\nCookie: b=2\nX-Y: 1\nx-y: 2\n\n").environ()
        assert environ["HTTP_COOKIE"] == "a=1; b=2"
        assert environ["HTTP_X_Y"] == "1, 2"

    def test_underscore(self) -> None:
        """Drop a name with an underscore, which would pass for the one with a hyphen."""
        environ = read("GET / HTTP/1.1\nIf_None_Match: x\nRange: a\n\n").environ()
        assert "HTTP_IF_NONE_MATCH" not in environ
        assert environ["HTTP_RANGE"] == "a"

    def test_content_fields(self) -> None:
        """Put Content-Length and Content-Type where CGI has them."""
        environ = read("GET / HTTP/1.1\nContent-Length: 3\nContent-Type: a/b\n\n").environ()
        assert (environ["CONTENT_LENGTH"], environ["CONTENT_TYPE"]) == ("3", "a/b")
        assert "HTTP_CONTENT_LENGTH" not in environ


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
