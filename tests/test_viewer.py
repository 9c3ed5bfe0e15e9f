"""Send requests to small servers, and name who answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cfsigned_django.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.viewer import Answer, NoAnswer, Responder, fetch
from tests.edge import BODIES
from tests.edge_command import free_port

PAGE = b"<html><body>The request could not be satisfied.</body></html>"


@contextmanager
def serving(status: int, body: bytes, **headers: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Answer every request so; give the address, and the headers of the requests."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/a.jpg", seen
        finally:
            server.shutdown()
            thread.join()


def test_request() -> None:
    """Ask for the first byte only, as nobody else than this package, and read the answer."""
    with serving(206, b"x" * 9000, X_Cache="Hit from cloudfront") as (url, seen):
        answer = fetch(url, {"Origin": "https://app.example.com"})

    assert seen[0]["range"] == "bytes=0-0"
    assert seen[0]["origin"] == "https://app.example.com"
    assert seen[0]["user-agent"] == "cfsigned_django"
    assert answer.is_served
    assert answer.came_through_cloudfront
    assert len(answer.body) == 4096


@pytest.mark.parametrize("status", [301, 302, 307, 403, 404, 503])
def test_other_answers(status: int) -> None:
    """Take errors and redirections for answers, and follow none."""
    with serving(status, PAGE, Location="http://127.0.0.1:9/") as (url, seen):
        answer = fetch(url, {})

    assert (answer.status, answer.body, len(seen)) == (status, PAGE, 1)
    assert not answer.is_served


def test_own_edge() -> None:
    """Recognise the refusal of this package's own edge as CloudFront's, with its Date."""

    def origin(environ: object, start_response: object) -> list[bytes]:
        raise AssertionError("nothing may reach the origin")

    port = free_port()
    distribution = Distribution(
        domain_names=(f"127.0.0.1:{port}",),
        behaviors=(Behavior(trusted_key_groups=("g",)),),
        key_groups={"g": {}},
        origin=origin,
    )
    with EdgeServer(distribution, port=port).running():
        answer = fetch(f"http://127.0.0.1:{port}/a.jpg", {})

    assert answer.code == "MissingKey"
    assert answer.responder is Responder.CLOUDFRONT
    assert answer.came_through_cloudfront
    assert "date" in answer.headers


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Answer one request with these bytes, or keep silent if there are none; give the address."""

    def answer_once() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            if answer:
                connection.sendall(answer)
            else:
                connection.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.jpg?Signature=secret"
        thread.join()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n<Err", "Incomplete"),
        (b"SSH-2.0-OpenSSH\r\n", "BadStatusLine"),
        (b"", "(?i)time"),
    ],
    ids=["body that breaks off", "no HTTP", "silence"],
)
def test_what_is_no_answer(answer: bytes, reason: str) -> None:
    """Give the reason if no whole HTTP answer came, without the URL."""
    with answering(answer) as url, pytest.raises(NoAnswer, match=reason) as caught:
        fetch(url, {}, timeout=5 if answer else 0.1)
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "refused"), ("nobody.invalid", "(?i)name|address|nodename")],
)
def test_nobody_there(host: str, reason: str) -> None:
    """Say that nobody listens, or that the host is not known, without the URL."""
    with pytest.raises(NoAnswer, match=reason) as caught:
        fetch(f"http://{host}:{free_port()}/a.jpg?Signature=secret", {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/", "a.jpg"])
def test_other_schemes(url: str) -> None:
    """Ask for nothing but http and https."""
    with pytest.raises(ValueError, match="http or https"):
        fetch(url, {})


@pytest.mark.parametrize(
    ("body", "content_type", "responder"),
    [
        (BODIES["AccessDenied"], "text/xml", Responder.CLOUDFRONT),
        (
            b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message>"
            b"<RequestId>4442587FB7D0A2F9</RequestId></Error>",
            "application/xml",
            Responder.S3,
        ),
        (
            b"<Error><Code>KMS.DisabledException</Code><RequestId>1</RequestId></Error>",
            "application/xml",
            Responder.S3,
        ),
        (PAGE, "text/html", Responder.PAGE),
        (b"\n<!DOCTYPE HTML PUBLIC '-//W3C//DTD HTML 4.01'>", "text/plain", Responder.PAGE),
        (b"", "text/html; charset=utf-8", Responder.PAGE),
        (b"no", "text/plain", Responder.OTHER),
        (b"", "", Responder.OTHER),
    ],
)
def test_responders(body: bytes, content_type: str, responder: Responder) -> None:
    """Tell CloudFront, S3 and pages of HTML apart by what they write."""
    assert (
        Answer(status=403, headers={"content-type": content_type}, body=body).responder is responder
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"server": "CloudFront"}, True),
        ({"via": "1.1 abc.cloudfront.net (CloudFront)"}, True),
        ({"x-amz-cf-id": "abc=="}, True),
        ({"server": "AmazonS3"}, False),
        ({}, False),
    ],
)
def test_signs_of_cloudfront(headers: dict[str, str], expected: bool) -> None:
    """Recognise CloudFront by the headers that it adds."""
    assert Answer(status=200, headers=headers).came_through_cloudfront is expected
