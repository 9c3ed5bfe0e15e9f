"""Send requests to small servers, and name who answered."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cfsigned_django.core.viewer import Answer, NoAnswer, Responder, fetch
from tests.background import PATIENCE, free_port
from tests.signing.cases import BODIES

PAGE = b"<html><body>The request could not be satisfied.</body></html>"


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one request with these bytes, or keep silent; give the address, and the request."""
    seen: list[bytes] = []

    def answer_once() -> None:
        connection, _ = listener.accept()
        with connection:
            seen.append(connection.recv(4096))
            if answer:
                connection.sendall(answer)
            else:
                connection.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.jpg?Signature=secret", seen
        thread.join()


def http(status: int, body: bytes, *headers: str) -> bytes:
    """Return an answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_request() -> None:
    """Request the first byte only, with this package's name, and read the answer."""
    answer = http(206, b"x" * 9000, "X-Cache: Hit from cloudfront")
    with answering(answer) as (url, seen):
        found = fetch(url, {"Origin": "https://app.example.com"})

    sent = seen[0].decode().lower()
    assert sent.startswith("get /a.jpg?signature=secret ")
    for field in ("range: bytes=0-0", "origin: https://app.example.com", "user-agent: cfsigned_"):
        assert f"\r\n{field}" in sent
    assert found.is_served
    assert found.came_through_cloudfront
    assert len(found.body) == 4096


@pytest.mark.parametrize("status", [302, 403])
def test_other_answers(status: int) -> None:
    """Take errors and redirections for answers, and follow none."""
    with answering(http(status, PAGE, "Location: http://127.0.0.1:9/")) as (url, _):
        answer = fetch(url, {})

    assert (answer.status, answer.body) == (status, PAGE)
    assert not answer.is_served


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
    with answering(answer) as (url, _), pytest.raises(NoAnswer, match=reason) as caught:
        fetch(url, {}, timeout=PATIENCE if answer else 0.1)
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "refused"), ("nobody.invalid", "(?i)name|address|nodename")],
)
def test_nobody_there(host: str, reason: str) -> None:
    """Say that nothing listens, or that the host is unknown, without the URL."""
    with pytest.raises(NoAnswer, match=reason) as caught:
        fetch(f"http://{host}:{free_port()}/a.jpg?Signature=secret", {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/", "a.jpg"])
def test_other_schemes(url: str) -> None:
    """Ask for nothing but http and https."""
    with pytest.raises(ValueError, match="http or https"):
        fetch(url, {})


#: The headers and the body of an answer, who wrote it, and whether it came through CloudFront.
ANSWERS: list[tuple[dict[str, str], bytes, Responder, bool]] = [
    ({"server": "CloudFront"}, BODIES["AccessDenied"], Responder.CLOUDFRONT, True),
    (
        {"via": "1.1 abc.cloudfront.net (CloudFront)", "server": "AmazonS3"},
        b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message>"
        b"<RequestId>4442587FB7D0A2F9</RequestId></Error>",
        Responder.S3,
        True,
    ),
    ({"x-amz-cf-id": "abc=="}, b"\n<!DOCTYPE HTML PUBLIC '-//W3C//DTD'>", Responder.PAGE, True),
    ({"content-type": "text/html; charset=utf-8"}, b"", Responder.PAGE, False),
    ({"server": "AmazonS3", "content-type": "text/plain"}, b"no", Responder.OTHER, False),
]


def test_who_answered() -> None:
    """Distinguish CloudFront, S3 and HTML pages, and recognize the headers of CloudFront."""
    answers = [Answer(status=403, headers=each[0], body=each[1]) for each in ANSWERS]
    seen = [
        (each.headers, each.body, each.responder, each.came_through_cloudfront) for each in answers
    ]
    assert seen == ANSWERS
