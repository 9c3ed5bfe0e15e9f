"""Ask CloudFront whether it knows a key yet, and whether it checks links at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http.client import HTTPException
from typing import TypeAlias
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from cfsigned_django.signing.encoding import split_query


class ProbeResult(StrEnum):
    """Name what the answers of CloudFront say about the key that signed the URL."""

    #: The key is known: the file came, or another reason kept it back.
    GOOD = "good"
    #: The key is not known there yet.
    UNKNOWN_KEY = "unknown_key"
    #: The id is known, but belongs to another key.
    WRONG_KEY = "wrong_key"
    #: Kept back neither for its key nor by S3: by a firewall, say. Links are refused as well.
    REFUSED = "refused"
    #: Without a signature the answer is no other: links are not checked there.
    UNRESTRICTED = "unrestricted"
    #: No answer, which says nothing about the key.
    NO_ANSWER = "no_answer"

    @property
    def shows_known(self) -> bool:
        """Return whether the edge that was asked knows the key."""
        return self is ProbeResult.GOOD

    @property
    def shows_unknown(self) -> bool:
        """Return whether an edge answered, and the key may not be known there."""
        return self not in (ProbeResult.GOOD, ProbeResult.NO_ANSWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the status, and the beginning of the body of a refusal."""

    status: int
    body: bytes = b""

    def has_code(self, code: bytes) -> bool:
        """Tell whether CloudFront refused the request for this reason."""
        return self.status == 403 and b"<Code>" + code + b"</Code>" in self.body

    @property
    def has_passed(self) -> bool:
        """Tell whether CloudFront let the request pass: also S3 refuses, with a RequestId."""
        return self.status != 403 or b"<RequestId>" in self.body


#: Enough for what S3 says before its RequestId.
_REFUSAL_LENGTH = 4000
#: Requests a URL; returns None where no answer comes.
Ask: TypeAlias = Callable[[str], Answer | None]


def probe_url(url: str, *, timeout: float = 5, ask: Ask | None = None) -> ProbeResult:
    """Request a signed URL and say what the answer means; ``timeout`` is in seconds.

    A file need not exist under the URL: CloudFront checks the key before it
    asks the bucket. Only InvalidKey ("Unknown Key") means that it does not
    know the key; see the AWS Knowledge Center on 403 errors of signed URLs.
    What is refused for another reason, and not by S3, was never verified.
    Where the key seems good, the same is asked for without a signature: it
    must be refused, else the first answer proves nothing.
    """
    if not url.startswith(("https://", "http://")):
        raise ValueError("An http or https URL is wanted.")
    ask = ask or partial(_ask, timeout=timeout)
    signed = ask(url)
    if signed is None or signed.status >= 500:
        return ProbeResult.NO_ANSWER
    if signed.has_code(b"InvalidKey"):
        return ProbeResult.UNKNOWN_KEY
    # CloudFront's own words; S3 writes "Access Denied", which says that the
    # request passed CloudFront.
    if signed.status == 403 and b"<Message>Access denied</Message>" in signed.body:
        return ProbeResult.WRONG_KEY
    return _judge_unsigned(ask(_without_signature(url)), signed)


def _judge_unsigned(unsigned: Answer | None, signed: Answer) -> ProbeResult:
    if unsigned is None or unsigned.status >= 500:
        return ProbeResult.NO_ANSWER
    if unsigned.has_code(b"MissingKey"):
        return ProbeResult.GOOD if signed.has_passed else ProbeResult.REFUSED
    # An error page of the distribution's own may stand in for CloudFront's
    # words: then the signature must have made a difference.
    if unsigned.status == 403 and signed.status != 403:
        return ProbeResult.GOOD
    return ProbeResult.UNRESTRICTED


def _ask(url: str, timeout: float) -> Answer | None:
    """Return the answer to a request, if there is one."""
    request = Request(url, headers={"Range": "bytes=0-0", "User-Agent": "cfsigned_django"})  # noqa: S310
    try:
        with urlopen(request, timeout=timeout) as response:  # noqa: S310
            return Answer(status=response.status)
    except HTTPError as error:
        with error:
            return _read_refusal(error)
    except (OSError, HTTPException):
        return None


def _read_refusal(error: HTTPError) -> Answer | None:
    try:
        return Answer(status=error.code, body=error.read(_REFUSAL_LENGTH))
    except (OSError, HTTPException):
        return None


def _without_signature(url: str) -> str:
    parts = urlsplit(url)
    _, others = split_query(parts.query)
    return parts._replace(query="&".join(others)).geturl()
