"""Serve over real sockets: the target as it was sent, and one viewer beside another."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest import mock
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.tools.edge import EdgeServer
from tests.background import PATIENCE
from tests.tools.edge.conftest import echo_origin

SIMPLE = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[EdgeServer]:
    """Return a server that repeats its environ."""
    with EdgeServer(echo_origin).running() as server:
        yield server


def send(server: EdgeServer, text: str) -> bytes:
    """Send text over a new connection, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(text.encode("latin-1"))
        with connection.makefile("rb") as answer:
            return answer.read()


def seen(answer: bytes) -> dict[str, str]:
    """Return the environ in the body of the only answer."""
    environ: dict[str, str] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return environ


def test_environ(server: EdgeServer) -> None:
    """Hand the target on as it was sent, and the address of the viewer."""
    target = "//a/../%2Fb%7E+%2B?x=%27&y=a+b?"
    environ = seen(send(server, SIMPLE.replace("/a", target)))
    assert environ["RAW_URI"] == target
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "http"


def test_bad_request(server: EdgeServer, caplog: pytest.LogCaptureFixture) -> None:
    """Answer 400 to what is not HTTP, and log no signature that is in it."""
    assert b"400" in send(server, "GET /a b?Signature=secret HTTP/1.1\r\n\r\n")
    assert caplog.messages[0].startswith("400 BadRequest: ")
    assert "secret" not in caplog.text


def test_many_viewers_at_once() -> None:
    """Serve viewers side by side: here each one waits for all the others."""
    count = 16
    barrier = threading.Barrier(count, timeout=PATIENCE)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        barrier.wait()
        return echo_origin(environ, start_response)

    with EdgeServer(application).running() as server, ThreadPoolExecutor(count) as pool:
        targets = [f"/{number}" for number in range(count)]
        answers = pool.map(lambda target: send(server, SIMPLE.replace("/a", target)), targets)
        assert [seen(answer)["RAW_URI"] for answer in answers] == targets


def test_error_in_application(capfd: pytest.CaptureFixture[str]) -> None:
    """Answer 500, print the traceback, and serve the next viewer."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/a":
            raise KeyError("broken")
        return echo_origin(environ, start_response)

    with EdgeServer(application).running() as server:
        answer = send(server, SIMPLE.replace("/a", "/a?Signature=secret"))
        assert b" 500 Internal Server Error" in answer
        assert b"broken" not in answer
        assert b" 200 OK" in send(server, SIMPLE.replace("/a", "/b"))
    printed = capfd.readouterr().err
    assert "KeyError: 'broken'" in printed
    assert "secret" not in printed


class Endless:
    """A body without an end, and the application that answers with it; notes if it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.close = self.closed.set

    def __iter__(self) -> Iterator[bytes]:
        return itertools.repeat(b"x" * 65536)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", str(10**12))])
        return self


def test_viewer_leaves(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Log nothing if a viewer hangs up in the middle of a download, and close the body."""
    body = Endless()
    with EdgeServer(body).running() as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            connection.sendall(SIMPLE.encode())
            connection.recv(1000)
        assert body.closed.wait(PATIENCE)
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("sent", [b"", b"GET /a HTTP"], ids=["nothing", "part of a request"])
def test_viewer_breaks_off(
    sent: bytes, server: EdgeServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Take a connection that is closed without a word, or reset within a request."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        if sent:  # Closing with a linger time of zero sends a reset.
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    assert b" 200 OK" in send(server, SIMPLE)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("error", "logged"), [(ConnectionResetError(), 0), (KeyError("a"), 1)])
def test_error_outside_of_a_request(
    error: Exception, logged: int, server: EdgeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Log what fails outside of a request, but not that a viewer has left before it began."""
    with mock.patch.object(EdgeServer, "finish_request", side_effect=error):
        assert send(server, "") == b""
    assert len(caplog.messages) == caplog.text.count("KeyError: 'a'") == logged
