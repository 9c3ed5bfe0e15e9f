"""Test what the answers to a probe mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from cfsigned_django.rotation.probe import ProbeResult, send_probe
from cfsigned_django.signing import PrivateKey, PublicKey, Signer
from cfsigned_django.tools.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.viewer import Answer, NoAnswer

KEY_ID = "K2JCJMDEHXQW5F"
GOOD, NO_ANSWER, UNRESTRICTED, REFUSED = (
    ProbeResult.GOOD,
    ProbeResult.NO_ANSWER,
    ProbeResult.UNRESTRICTED,
    ProbeResult.REFUSED,
)

#: Makes the application that answers under a host's name, which knows the key or another one.
MakeServer: TypeAlias = Callable[[str, PublicKey], WSGIApplication]


def answering(status: str, body: bytes = b"") -> WSGIApplication:
    """Return an application that always answers the same."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response(status, [("Content-Length", str(len(body)))])
        return [body]

    return application


def refusing(code: str) -> WSGIApplication:
    """Return an application that refuses as CloudFront does, which sends no RequestId."""
    body = f"<Error><Code>{code}</Code><Message>Said in words</Message></Error>"
    return answering("403 Forbidden", body.encode())


def refusing_as_s3(message: str = "Access Denied") -> WSGIApplication:
    """Return an application that refuses as S3 does."""
    body = (
        f"<Error><Code>AccessDenied</Code><Message>{message}</Message>"
        "<RequestId>1</RequestId></Error>"
    )
    return answering("403 Forbidden", body.encode())


def choosing(signed: WSGIApplication, unsigned: WSGIApplication) -> MakeServer:
    """Answer signed requests in one way, the others in another."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> object:
        chosen = signed if "Signature=" in environ["QUERY_STRING"] else unsigned
        return chosen(environ, start_response)

    return lambda host, key: application  # type: ignore[return-value]


def edge(origin: WSGIApplication, *, knows: str = "the key", restricted: bool = True) -> MakeServer:
    """Answer as an edge that trusts the key, another key under its id, or none."""

    def make(host: str, key: PublicKey) -> WSGIApplication:
        keys = {
            "the key": {KEY_ID: key},
            "another key": {KEY_ID: PrivateKey.generate().public_key},
            "no key": {},
        }[knows]
        return Distribution(
            domain_names=(host,),
            behaviors=(Behavior(trusted_key_groups=("group",) if restricted else ()),),
            key_groups={"group": keys},
            origin=origin,
        )

    return make


def behind_page(make: MakeServer, status: str = "403 Forbidden") -> MakeServer:
    """Replace each 403 by an HTML page with a status, as a custom error response does."""
    page = answering(status, b"<html><h1>Sorry</h1></html>")

    def make_hidden(host: str, key: PublicKey) -> WSGIApplication:
        inner = make(host, key)

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> object:
            begun: list[tuple[object, ...]] = []
            body = inner(environ, lambda *args: begun.append(args))  # type: ignore[arg-type]
            if str(begun[0][0]).startswith("403"):
                return page(environ, start_response)
            start_response(*begun[0])  # type: ignore[arg-type]
            return body

        return application  # type: ignore[return-value]

    return make_hidden


@contextmanager
def serving(make: MakeServer, key: PublicKey) -> Iterator[str]:
    """Serve the application that is made for an address, and give the address."""
    applications: list[WSGIApplication] = []
    with EdgeServer(lambda environ, start: applications[0](environ, start)).running() as server:
        host = f"127.0.0.1:{server.port}"
        applications.append(make(host, key))
        yield f"http://{host}"


def sign(address: str, private_key: PrivateKey) -> str:
    """Return a signed URL of a file that need not exist."""
    signer = Signer(key_pair_id=KEY_ID, private_key=private_key)
    url = f"{address}/media/.cfsigned-probe?versionId=1"
    return signer.sign_url(url, date_less_than=int(time.time()) + 600)


FILE, NO_FILE = answering("200 OK", b"a file"), answering("404 Not Found")
PAGE, FAILURE = answering("403 Forbidden", b"<h1>Sorry</h1>"), answering("503 Unavailable")
MISSING_KEY = refusing("MissingKey")
#: S3's RequestId may come after a long message.
LONG_MESSAGE = "User: arn:aws:sts::1:assumed-role/x is not authorized. " * 25


@pytest.mark.parametrize(
    ("make", "result"),
    [
        # A key that the edge knows is good, whatever the bucket answers.
        pytest.param(edge(FILE), GOOD, id="file"),
        pytest.param(edge(NO_FILE), GOOD, id="no file"),
        pytest.param(edge(refusing_as_s3()), GOOD, id="no file, no ListBucket"),
        pytest.param(edge(refusing_as_s3(LONG_MESSAGE)), GOOD, id="long refusal of S3"),
        pytest.param(edge(FILE, knows="no key"), ProbeResult.UNKNOWN_KEY, id="unknown key"),
        pytest.param(edge(FILE, knows="another key"), ProbeResult.WRONG_KEY, id="wrong key"),
        # Where a request without a signature is served as well, links are not checked.
        pytest.param(edge(FILE, restricted=False), UNRESTRICTED, id="open, file"),
        pytest.param(edge(refusing_as_s3(), restricted=False), UNRESTRICTED, id="open, no file"),
        pytest.param(
            choosing(answering("400 Bad Request"), refusing_as_s3()), UNRESTRICTED, id="open, to S3"
        ),
        # A page for 403 hides what CloudFront says of a key, and what S3 says if there is no file.
        # If the file is there, only a key that CloudFront knows opens it.
        *(
            pytest.param(behind_page(make, status), result, id=f"page as {status[:3]}, {words}")
            for status in ("403 Forbidden", "404 Not Found", "200 OK")
            for make, result, words in (
                (edge(FILE), UNRESTRICTED if status == "200 OK" else GOOD, "file"),
                (edge(refusing_as_s3()), UNRESTRICTED, "no file"),
                (edge(FILE, knows="no key"), UNRESTRICTED, "unknown key"),
                (edge(FILE, knows="another key"), UNRESTRICTED, "wrong key"),
                (edge(refusing_as_s3(), restricted=False), UNRESTRICTED, "open, no file"),
            )
        ),
        pytest.param(behind_page(edge(NO_FILE)), GOOD, id="page as 403, ListBucket"),
        # Where a firewall stops what is signed, no link opens, whatever CloudFront knows.
        pytest.param(choosing(PAGE, MISSING_KEY), REFUSED, id="page for signed requests"),
        # CloudFront did not verify what it refuses for another reason than the key.
        *(
            pytest.param(choosing(refusing(code), MISSING_KEY), REFUSED, id=code)
            for code in ("MissingKey", "MalformedSignature", "MalformedPolicy")
        ),
        # A server that fails says nothing about the key.
        pytest.param(choosing(FAILURE, FAILURE), NO_ANSWER, id="failure"),
        pytest.param(choosing(FILE, FAILURE), NO_ANSWER, id="failure without a signature"),
    ],
)
def test_answer_has_its_meaning(ec_key: PrivateKey, make: MakeServer, result: ProbeResult) -> None:
    """The answers of an edge, with and without a signature, show whether links open there."""
    with serving(make, ec_key.public_key) as address:
        assert send_probe(sign(address, ec_key)) is result


def test_silence_is_no_answer(ec_key: PrivateKey) -> None:
    """A connection that is refused, or on which nothing is said, says nothing about the key."""

    def be_silent(url: str, headers: object) -> Answer:
        raise NoAnswer("nobody listens")

    assert send_probe(sign("https://media.example.com", ec_key), fetch=be_silent) is NO_ANSWER


@pytest.mark.parametrize(
    ("location", "result"),
    [("https://media.example.com", GOOD), ("https://login.example.com", UNRESTRICTED)],
)
def test_only_a_redirect_to_https_is_followed(
    ec_key: PrivateKey, location: str, result: ProbeResult
) -> None:
    """A redirect to the same URL by https is followed; any other is an answer.

    The second request is the first one without its signature, and nothing else.
    """
    asked: list[str] = []

    def redirecting(url: str, headers: object) -> Answer:
        asked.append(url)
        if url.startswith("http:"):
            return Answer(status=301, headers={"location": location + url.partition(".com")[2]})
        if "Signature=" in url:
            return Answer(status=206)
        return Answer(status=403, body=b"<Error><Code>MissingKey</Code></Error>")

    signed = sign("http://media.example.com", ec_key)

    assert send_probe(signed, fetch=redirecting) is result
    asked_for = [signed, "http://media.example.com/media/.cfsigned-probe?versionId=1"]
    schemes = ["http:", "https:"] if result is GOOD else ["http:"]
    assert asked == [url.replace("http:", each) for url in asked_for for each in schemes]
