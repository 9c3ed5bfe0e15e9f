"""Simulate CloudFront's API for invalidations, with AWS's limits and rules, and S3 in memory.

The emulator has none of these limits, and takes wrong paths. The sources are pages of the
CloudFront Developer Guide:

- "Concurrent invalidation request maximum": 3,000 files and, apart from them, 15 paths with a
  wildcard may be in progress for a distribution.
- "What you need to know when invalidating paths": a path begins with a slash, has a wildcard at its
  end only and at most 4,000 characters. What is not ASCII, or is unsafe by RFC 1738, is encoded,
  and nothing else. Query strings count if the cache key has them; headers and cookies do not.
- "What you need to know when invalidating tags": ``#`` and 1 to 256 visible ASCII characters,
  without a comma, regardless of case.
- CreateInvalidation (API reference): the errors, and that a caller reference stands for one
  invalidation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from cfsigned_django.core import conf
from tests.simulation.answers import status_of

DISTRIBUTION = "E1A2B3C4D5E6F7"
_SPACE = "{http://cloudfront.amazonaws.com/doc/2020-05-31/}"
# RFC 1738, 2.2, except the tilde: the package sends it both ways, since what CloudFront compares
# is not known.
_PATH = re.compile(r"/(?:[A-Za-z0-9$\-_.+!'(),;/?:@=&~]|%[0-9A-Fa-f]{2})*\*?")
_TAG = re.compile(r"#[!-+\--~]{1,256}")


@dataclass(slots=True, kw_only=True)
class Invalidation:
    """One invalidation that was accepted, and stays in progress."""

    id: str
    distribution: str
    reference: str
    items: list[str]


@dataclass(slots=True, kw_only=True)
class FakeCloudFront:
    """The distributions of one account."""

    distributions: set[str] = field(default_factory=lambda: {DISTRIBUTION})
    accepted: list[Invalidation] = field(default_factory=list)
    #: The code of each answer, "" for an accepted call, in order.
    answers: list[str] = field(default_factory=list)
    #: What the next calls are answered, whatever they ask for.
    refusals: list[str] = field(default_factory=list)
    #: Called after a call was carried out, before it is answered: it may lose the answer.
    before_answer: Callable[[], object] = lambda: None

    @property
    def items(self) -> list[str]:
        """All items that were accepted."""
        return [item for each in self.accepted for item in each.items]

    def answer(self, path: str, body: bytes | str) -> tuple[int, str]:
        """Answer a POST of CreateInvalidation with a status and XML."""
        code = self.refusals.pop(0) if self.refusals else ""
        found = None
        if not code:
            found = self._create(path.split("/")[3], ElementTree.fromstring(body))  # noqa: S314
            code = found if isinstance(found, str) else ""
        self.answers.append(code)
        self.before_answer()
        if code or isinstance(found, str) or found is None:
            text = f"<Error><Code>{code}</Code><Message>Refused.</Message></Error>"
            return status_of(code), f"<ErrorResponse>{text}</ErrorResponse>"
        return 201, (
            f'<Invalidation xmlns="{_SPACE.strip("{}")}"><Id>{found.id}</Id>'
            "<Status>InProgress</Status></Invalidation>"
        )

    def _create(self, distribution: str, batch: Any) -> Invalidation | str:
        items = [each.text or "" for each in batch.iter(f"{_SPACE}Path")]
        reference = batch.findtext(f"{_SPACE}CallerReference") or ""
        if distribution not in self.distributions:
            return "NoSuchDistribution"
        if int(batch.findtext(f"{_SPACE}Paths/{_SPACE}Quantity")) != len(items):
            return "InconsistentQuantities"
        if not items or not all(map(is_valid, items)):
            return "InvalidArgument"
        if len(items) > 3000:
            return "BatchTooLarge"
        for each in self.accepted:
            if (each.distribution, each.reference) == (distribution, reference):
                return each if each.items == items else "InvalidArgument"
        running = [
            item
            for each in self.accepted
            if each.distribution == distribution
            for item in each.items
        ] + items
        wildcards = sum(each.endswith("*") and each.startswith("/") for each in running)
        if wildcards > 15 or len(running) - wildcards > 3000:
            return "TooManyInvalidationsInProgress"
        number = f"I{len(self.accepted):013d}"
        made = Invalidation(id=number, distribution=distribution, reference=reference, items=items)
        self.accepted.append(made)
        return made


def is_valid(item: str) -> bool:
    """Return whether CloudFront accepts an item."""
    is_path = _PATH.fullmatch(item) and "*" not in item[:-1] and len(item) <= 4000
    return bool(is_path or _TAG.fullmatch(item))


@dataclass(slots=True, kw_only=True)
class Aws:
    """AWS for this process: S3 in memory, and CloudFront's invalidations."""

    cloudfront: FakeCloudFront = field(default_factory=FakeCloudFront)
    #: Bucket and key -> the headers with which it was saved.
    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    #: The requests to S3, such as "PUT /media/a.jpg", and to CloudFront, in order.
    requests: list[str] = field(default_factory=list)
    #: What S3 answers to a method, instead of what it would.
    s3_refuses: dict[str, int] = field(default_factory=dict)

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request of boto3."""
        parts = urlsplit(request.url)
        self.requests.append(f"{request.method} {unquote(parts.path)}")
        if parts.hostname == "cloudfront.amazonaws.com":
            body: Any = request.body
            status, text = self.cloudfront.answer(parts.path, body)
            return _response(request, status, text.encode())
        return _response(request, self._s3(request, unquote(parts.path)), b"")

    def _s3(self, request: AWSPreparedRequest, path: str) -> int:
        method = str(request.method)
        if method in self.s3_refuses:
            return self.s3_refuses[method]
        match method:
            case "PUT":
                headers: Any = request.headers
                self.objects[path] = {
                    name.lower(): value.decode() if isinstance(value, bytes) else str(value)
                    for name, value in headers.items()
                }
            case "DELETE":
                self.objects.pop(path, None)
                return 204
            case _:
                return 200 if path in self.objects else 404
        return 200


def _response(request: AWSPreparedRequest, status: int, body: bytes) -> AWSResponse:
    headers: Any = {"ETag": '"0"'}
    response: Any = AWSResponse(request.url, status, headers, mock.Mock())
    response._content = body
    return response  # type: ignore[no-any-return]


@contextmanager
def aws_in_memory() -> Iterator[Aws]:
    """Connect boto3 of this process to an AWS in memory; emulators stay reachable."""
    aws = Aws()
    send = URLLib3Session.send

    def choose(session: Any, request: Any) -> Any:
        if str(urlsplit(request.url).hostname).endswith(".amazonaws.com"):
            return aws.send(request)
        return send(session, request)

    conf.begin_generation()  # no client of another test
    with mock.patch.object(URLLib3Session, "send", choose):
        yield aws
    conf.begin_generation()
