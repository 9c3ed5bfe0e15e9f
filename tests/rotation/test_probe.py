"""Test what a probe says, against the package's own edge and against answers of others."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from cfsigned_django.edge import Behavior, Distribution, EdgeServer
from cfsigned_django.rotation.probe import ProbeResult, probe_url
from cfsigned_django.signing import PrivateKey, PublicKey, Signer
from cfsigned_django.viewer import Answer, fetch

KEY_ID = "K2JCJMDEHXQW5F"
ACCESS_DENIED_OF_S3 = (
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message>"
    b"<RequestId>1</RequestId></Error>"
)


def answering(status: str, body: bytes = b"") -> WSGIApplication:
    """Return an application that always answers the same."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response(status, [("Content-Length", str(len(body)))])
        return [body]

    return application


def refusal_of_cloudfront(code: str) -> bytes:
    """Return the body with which CloudFront refuses a request, which has no RequestId."""
    return f"<Error><Code>{code}</Code><Message>Said in words</Message></Error>".encode()


#: What CloudFront says to a request without a signature.
MISSING_KEY = answering("403 Forbidden", refusal_of_cloudfront("MissingKey"))


def choosing(signed: WSGIApplication, unsigned: WSGIApplication) -> WSGIApplication:
    """Return an application that answers signed requests in one way, the others in another."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> object:
        chosen = signed if "Signature=" in environ["QUERY_STRING"] else unsigned
        return chosen(environ, start_response)

    return application  # type: ignore[return-value]


@contextmanager
def serving(make: Callable[[str], WSGIApplication]) -> Iterator[str]:
    """Serve the application that is made for an address, and give the address."""
    applications: list[WSGIApplication] = []
    with EdgeServer(lambda environ, start: applications[0](environ, start)).running() as server:
        host = f"127.0.0.1:{server.port}"
        applications.append(make(host))
        yield f"http://{host}"


def sign(address: str, private_key: PrivateKey, key_pair_id: str = KEY_ID) -> str:
    """Return a signed URL of a file that need not exist."""
    signer = Signer(key_pair_id=key_pair_id, private_key=private_key)
    url = f"{address}/media/.cfsigned-probe?versionId=1"
    return signer.sign_url(url, date_less_than=int(time.time()) + 600)


def edge(
    keys: dict[str, PublicKey],
    *,
    restricted: bool = True,
    origin: WSGIApplication | None = None,
) -> Callable[[str], Distribution]:
    """Return how to make an edge that trusts these keys."""
    groups = ("group",) if restricted else ()
    return lambda host: Distribution(
        domain_names=(host,),
        behaviors=(Behavior(trusted_key_groups=groups),),
        key_groups={"group": keys},
        origin=origin or answering("404 Not Found"),
    )


@pytest.mark.parametrize(
    "origin",
    [
        answering("200 OK", b"a file"),
        answering("404 Not Found"),
        answering("403 Forbidden", ACCESS_DENIED_OF_S3),
    ],
    ids=["file", "no file", "no file and no ListBucket"],
)
def test_known_key_is_good(ec_key: PrivateKey, origin: WSGIApplication) -> None:
    """A key that the edge knows is good, whatever the bucket answers."""
    with serving(edge({KEY_ID: ec_key.public_key}, origin=origin)) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.GOOD


def test_unknown_key(ec_key: PrivateKey) -> None:
    """A key that the edge does not know yet."""
    with serving(edge({})) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.UNKNOWN_KEY


def test_wrong_key(ec_key: PrivateKey) -> None:
    """An id that belongs to another key."""
    with serving(edge({KEY_ID: PrivateKey.generate().public_key})) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.WRONG_KEY


@pytest.mark.parametrize(
    "origin",
    [answering("200 OK", b"a file"), answering("403 Forbidden", ACCESS_DENIED_OF_S3)],
    ids=["file", "no file"],
)
def test_open_behavior_proves_nothing(ec_key: PrivateKey, origin: WSGIApplication) -> None:
    """Where a request without a signature is served as well, links are not checked."""
    with serving(edge({}, restricted=False, origin=origin)) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.UNRESTRICTED


def test_error_page_in_the_place_of_both_answers(ec_key: PrivateKey) -> None:
    """An error page that hides whether the key is known proves nothing either."""
    page = answering("403 Forbidden", b"<h1>Sorry</h1>")
    with serving(lambda host: page) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.UNRESTRICTED


def test_error_page_for_unsigned_requests_only(ec_key: PrivateKey) -> None:
    """Where the signature makes the difference, an error page does no harm."""
    page = answering("403 Forbidden", b"<h1>Sorry</h1>")
    with serving(lambda host: choosing(answering("200 OK", b"x"), page)) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.GOOD


@pytest.mark.parametrize("code", ["MissingKey", "MalformedSignature", "MalformedPolicy"])
def test_other_refusal_of_cloudfront_is_no_proof(ec_key: PrivateKey, code: str) -> None:
    """CloudFront did not verify what it refuses for another reason than the key."""
    signed = answering("403 Forbidden", refusal_of_cloudfront(code))
    with serving(lambda host: choosing(signed, MISSING_KEY)) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.REFUSED


def test_page_in_the_place_of_the_signed_answer_only(ec_key: PrivateKey) -> None:
    """Where a firewall stops what is signed, no link opens, whatever CloudFront knows."""
    page = answering("403 Forbidden", b"<h1>The request could not be satisfied</h1>")
    with serving(lambda host: choosing(page, MISSING_KEY)) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.REFUSED


def test_long_refusal_of_s3(ec_key: PrivateKey) -> None:
    """S3 is known by its RequestId, which may come after a long message."""
    message = b"User: arn:aws:sts::1:assumed-role/x is not authorized. " * 25
    body = ACCESS_DENIED_OF_S3.replace(b"Access Denied", message)
    with serving(edge({KEY_ID: ec_key.public_key}, origin=answering("403 F", body))) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.GOOD


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Service Unavailable"])
def test_failure_is_no_answer(ec_key: PrivateKey, status: str) -> None:
    """A server that fails says nothing about the key, asked with a signature or without."""
    with serving(lambda host: answering(status)) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.NO_ANSWER
    with serving(lambda host: choosing(answering("200 OK"), answering(status))) as address:
        assert probe_url(sign(address, ec_key)) is ProbeResult.NO_ANSWER


def test_nobody_there_is_no_answer(ec_key: PrivateKey) -> None:
    """A connection that is refused says nothing about the key."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"

    assert probe_url(sign(address, ec_key)) is ProbeResult.NO_ANSWER


def test_silence_is_no_answer(ec_key: PrivateKey) -> None:
    """Who takes a connection and says nothing is not waited for."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = sign(f"http://127.0.0.1:{silent.getsockname()[1]}", ec_key)

        assert probe_url(url, fetch=partial(fetch, timeout=0.2)) is ProbeResult.NO_ANSWER


def test_signature_is_left_out_and_nothing_else(ec_key: PrivateKey) -> None:
    """The second request is the first one without its signature."""
    seen: list[str] = []

    def note(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        seen.append(environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    with serving(lambda host: note) as address:
        probe_url(sign(address, ec_key))

    assert "Key-Pair-Id=K2JCJMDEHXQW5F" in seen[0]
    assert seen[1] == "versionId=1"


def test_redirect_to_https_is_followed(ec_key: PrivateKey) -> None:
    """A behavior that redirects http to https is asked by https, with the same URL."""
    asked: list[str] = []

    def redirecting(url: str, headers: object) -> Answer:
        asked.append(url)
        if url.startswith("http:"):
            return Answer(status=301, headers={"location": url.replace("http:", "https:", 1)})
        code = "" if "Signature=" in url else "MissingKey"
        return Answer(status=403 if code else 206, body=refusal_of_cloudfront(code))

    signed = sign("http://media.example.com", ec_key)

    assert probe_url(signed, fetch=redirecting) is ProbeResult.GOOD
    assert asked[1] == signed.replace("http:", "https:", 1)


def test_other_redirect_is_not_followed(ec_key: PrivateKey) -> None:
    """A redirect to anywhere else is an answer: no request goes to another host."""
    asked: list[str] = []

    def redirecting(url: str, headers: object) -> Answer:
        asked.append(url)
        return Answer(status=302, headers={"location": "https://login.example.com/"})

    signed = sign("http://media.example.com", ec_key)

    assert probe_url(signed, fetch=redirecting) is ProbeResult.UNRESTRICTED
    assert [url.partition("/media/")[0] for url in asked] == ["http://media.example.com"] * 2


def test_other_schemes_are_refused() -> None:
    """No file of this machine is read."""
    with pytest.raises(ValueError, match="http or https"):
        probe_url("file:///etc/hostname")
