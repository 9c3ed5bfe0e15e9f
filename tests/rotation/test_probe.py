"""Test what the answers to a probe mean."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from django.test import RequestFactory

from cfsigned_django.core.viewer import Answer, NoAnswer
from cfsigned_django.rotation.probe import ProbeResult, send_probe
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.tools.edge import Behavior, Distribution

KEY_ID, HOST = "K2JCJMDEHXQW5F", "media.example.com"
GOOD, NO_ANSWER, OPEN = ProbeResult.GOOD, ProbeResult.NO_ANSWER, ProbeResult.UNRESTRICTED
REFUSED, UNKNOWN, WRONG = ProbeResult.REFUSED, ProbeResult.UNKNOWN_KEY, ProbeResult.WRONG_KEY


def refused(code: str, rest: str = "") -> Answer:
    """Return a refusal as CloudFront sends it, or S3 with a RequestId."""
    body = f"<Error><Code>{code}</Code><Message>Access Denied</Message>{rest}</Error>"
    return Answer(status=403, body=body.encode())


FILE, NO_FILE, BAD, FAILURE = (Answer(status=each, body=b"any") for each in (200, 404, 400, 500))
BY_S3, MISSING_KEY = refused("AccessDenied", "<RequestId>1</RequestId>"), refused("MissingKey")
PAGE = Answer(status=403, body=b"<h1>Sorry</h1>")


def sign(private_key: PrivateKey, scheme: str = "https") -> str:
    """Return a signed URL of a file that need not exist."""
    signer = Signer(key_pair_id=KEY_ID, private_key=private_key)
    url = f"{scheme}://{HOST}/media/.cfsigned-probe?versionId=1"
    return signer.sign_url(url, date_less_than=int(time.time()) + 600)


@pytest.mark.parametrize(
    ("edge", "answer", "results"),
    [
        # A key that the edge knows is good, whatever the bucket answers.
        ("knows the key", FILE, (GOOD, GOOD, GOOD, OPEN)),
        ("knows the key", NO_FILE, (GOOD, GOOD, OPEN, OPEN)),
        ("knows the key", BY_S3, (GOOD, OPEN, OPEN, OPEN)),
        ("knows no key", FILE, (UNKNOWN, OPEN, OPEN, OPEN)),
        ("knows another", FILE, (WRONG, OPEN, OPEN, OPEN)),
        # Where a request without a signature is served as well, links are not checked.
        ("is open", FILE, (OPEN, OPEN, OPEN, OPEN)),
        ("is open", BY_S3, (OPEN, OPEN, OPEN, OPEN)),
    ],
)
@pytest.mark.parametrize(("at", "page"), [(0, None), (1, 403), (2, 404), (3, 200)])
def test_answer_of_an_edge(
    ec_key: PrivateKey,
    edge: str,
    answer: Answer,
    results: tuple[ProbeResult, ...],
    at: int,
    page: int | None,
) -> None:
    """The answers of an edge, with and without a signature, show whether links open there.

    A page for 403 hides what CloudFront says of a key, and what S3 says if there is no file. If
    the file is there, only a key that CloudFront knows opens it.
    """

    def origin(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response(f"{answer.status} X", [("Content-Length", str(len(answer.body)))])
        return [answer.body]

    known = PrivateKey.generate() if edge == "knows another" else ec_key
    distribution = Distribution(
        domain_names=(HOST,),
        behaviors=(Behavior(trusted_key_groups=() if edge == "is open" else ("group",)),),
        key_groups={"group": {} if edge == "knows no key" else {KEY_ID: known.public_key}},
        origin=origin,
    )

    def fetch(url: str, headers: object) -> Answer:
        parts, begun = urlsplit(url), list[str]()
        path = f"{parts.path}?{parts.query}"
        environ = RequestFactory().get(path, secure=True, headers={"host": HOST}).environ
        begin: Any = lambda status, *rest: begun.append(status)  # noqa: E731
        body = b"".join(distribution(environ, begin))
        status = int(begun[0].split()[0])
        if page is not None and status == 403:
            return Answer(status=page, body=b"<html><h1>Sorry</h1></html>")
        return Answer(status=status, body=body)

    assert send_probe(sign(ec_key), fetch=fetch) is results[at]


@pytest.mark.parametrize(
    ("signed", "unsigned", "result"),
    [
        # Where a firewall stops what is signed, no link opens, whatever CloudFront knows.
        (PAGE, MISSING_KEY, REFUSED),
        # CloudFront did not verify what it refuses for another reason than the key.
        *((refused(each), MISSING_KEY, REFUSED) for each in ("MissingKey", "MalformedPolicy")),
        (BAD, BY_S3, OPEN),
        # A server that fails, or does not answer, says nothing about the key.
        (FAILURE, FAILURE, NO_ANSWER),
        (FAILURE, MISSING_KEY, NO_ANSWER),
        (FILE, FAILURE, NO_ANSWER),
        (None, None, NO_ANSWER),
    ],
)
def test_other_answers(
    ec_key: PrivateKey, signed: Answer | None, unsigned: Answer | None, result: ProbeResult
) -> None:
    """What other servers answer with and without a signature."""

    def fetch(url: str, headers: object) -> Answer:
        answer = signed if "Signature=" in url else unsigned
        if answer is None:
            raise NoAnswer("nobody listens")
        return answer

    assert send_probe(sign(ec_key), fetch=fetch) is result


@pytest.mark.parametrize(
    ("location", "result"),
    [("https://media.example.com", GOOD), ("https://login.example.com", OPEN)],
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

    signed = sign(ec_key, "http")

    assert send_probe(signed, fetch=redirecting) is result
    asked_for = [signed, "http://media.example.com/media/.cfsigned-probe?versionId=1"]
    schemes = ["http:", "https:"] if result is GOOD else ["http:"]
    assert asked == [url.replace("http:", each) for url in asked_for for each in schemes]
