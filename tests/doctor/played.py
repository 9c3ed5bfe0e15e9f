"""Play the answers of CloudFront and S3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import formatdate

from cfsigned_django.viewer import Answer
from tests.edge import BODIES
from tests.storage_cases import DOMAIN

NOW = 1_800_000_000
URL = f"https://{DOMAIN}/media/1.jpg"
DIRECT = "https://media.s3.us-east-1.amazonaws.com/media/1.jpg"
ORIGIN = "https://app.example.com"
HEADERS = {"x-cache": "Error from cloudfront", "date": formatdate(NOW, usegmt=True)}
SERVED = Answer(status=206, headers=HEADERS, body=b"\xff")
PAGE = b"<!DOCTYPE HTML PUBLIC><HTML><BODY>The request could not be satisfied.</BODY></HTML>"


def edge(code: str) -> Answer:
    """Return a refusal of CloudFront."""
    return Answer(status=403, headers=HEADERS, body=BODIES[code])


def s3(code: str, status: int = 403, **headers: str) -> Answer:
    """Return an error of S3, which has a RequestId."""
    body = (
        f"<Error><Code>{code}</Code><Message>-</Message><RequestId>4442587FB7D0</RequestId></Error>"
    )
    return Answer(status=status, headers={**HEADERS, **headers}, body=body.encode())


def answering(
    *,
    unsigned: Answer | None = None,
    signed: Answer = SERVED,
    tampered: Answer | None = None,
    expired: Answer | None = None,
    direct: Answer | None = None,
) -> Callable[[str, Mapping[str, str]], Answer]:
    """Return a fetch that answers each kind of request; None is as it should be."""

    def fetch(url: str, headers: Mapping[str, str]) -> Answer:
        if url.startswith(DIRECT):
            return direct or s3("AccessDenied")
        if url == URL:
            return unsigned or edge("MissingKey")
        if url.endswith("&cfsigned=1"):
            return tampered or edge("AccessDenied")
        until = int(url.partition("Expires=")[2].partition("&")[0])
        return (expired or edge("AccessDenied")) if until < NOW else signed

    return fetch


def clock() -> float:
    """Return the right time."""
    return NOW
