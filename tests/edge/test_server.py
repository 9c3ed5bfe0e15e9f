from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from cfsigned_django.edge import Behavior, Distribution
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
