"""Break applications and connections, and see that the next viewer is served."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.edge import EdgeServer
from tests.edge.conftest import echo_origin
from tests.edge.serving import LAST, SIMPLE, run


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
