"""Ask CloudFront whether it knows a key yet."""

from __future__ import annotations

from enum import StrEnum
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen


class ProbeResult(StrEnum):
    """Name what an answer of CloudFront says about the key that signed the URL."""

    #: The key is known: the file came, or another reason kept it back.
    GOOD = "good"
    #: The key is not known there yet.
    UNKNOWN_KEY = "unknown_key"
    #: The id is known, but belongs to another key.
    WRONG_KEY = "wrong_key"
    #: No answer, which says nothing about the key.
    NO_ANSWER = "no_answer"


def probe_url(url: str, *, timeout: float = 5) -> ProbeResult:
    """Request a signed URL and say what the answer means; ``timeout`` is in seconds.

    A file need not exist under the URL: CloudFront checks the key before it
    asks the bucket. Only InvalidKey ("Unknown Key") means that it does not
    know the key; see the AWS Knowledge Center on 403 errors of signed URLs.
    """
    if not url.startswith(("https://", "http://")):
        raise ValueError("An http or https URL is wanted.")
    request = Request(url, headers={"Range": "bytes=0-0", "User-Agent": "cfsigned_django"})  # noqa: S310
    try:
        with urlopen(request, timeout=timeout):  # noqa: S310
            return ProbeResult.GOOD
    except HTTPError as error:
        with error:
            return judge(error.code, error.read(1000))
    except (OSError, HTTPException):
        return ProbeResult.NO_ANSWER


def judge(status: int, body: bytes) -> ProbeResult:
    """Say what the status and the beginning of the body of an answer mean."""
    if status >= 500:
        return ProbeResult.NO_ANSWER
    if status == 403 and b"<Code>InvalidKey</Code>" in body:
        return ProbeResult.UNKNOWN_KEY
    # CloudFront's own words; S3 writes "Access Denied", which says that the
    # request passed CloudFront.
    if status == 403 and b"<Message>Access denied</Message>" in body:
        return ProbeResult.WRONG_KEY
    return ProbeResult.GOOD
