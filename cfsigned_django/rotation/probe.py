"""Ask CloudFront whether it knows a key yet, and whether it checks links at all."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from urllib.parse import urlsplit

from cfsigned_django.signing.encoding import split_query
from cfsigned_django.viewer import Answer, Fetch, NoAnswer, Responder, fetch


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

    @property
    def needs_a_person(self) -> bool:
        """Return whether waiting will not make the probe good."""
        return self in (ProbeResult.WRONG_KEY, ProbeResult.REFUSED, ProbeResult.UNRESTRICTED)


_fetch_soon = partial(fetch, timeout=5)


def send_probe(url: str, *, fetch: Fetch = _fetch_soon) -> ProbeResult:
    """Request a signed URL and return what the answer means.

    A file need not exist under the URL: CloudFront checks the key before it
    asks the bucket. Only InvalidKey ("Unknown Key") means that it does not
    know the key; see the AWS Knowledge Center on 403 errors of signed URLs.
    What is refused for another reason, and not by S3, was never verified.
    Where the key seems good, the same is asked for without a signature: it
    must be refused, else the first answer proves nothing.
    """
    try:
        signed = _ask(fetch, url)
        if _says_nothing(signed):
            return ProbeResult.NO_ANSWER
        if _refused_with(signed, "InvalidKey"):
            return ProbeResult.UNKNOWN_KEY
        # CloudFront's own words; S3 writes "Access Denied", which says that the
        # request passed CloudFront.
        if signed.status == 403 and b"<Message>Access denied</Message>" in signed.body:
            return ProbeResult.WRONG_KEY
        return _compare(_ask(fetch, _without_signature(url)), signed)
    except NoAnswer:
        return ProbeResult.NO_ANSWER


def _compare(unsigned: Answer, signed: Answer) -> ProbeResult:
    """Return what the answers to the same request without and with a signature mean."""
    if _says_nothing(unsigned):
        return ProbeResult.NO_ANSWER
    if _refused_with(unsigned, "MissingKey"):
        has_passed = signed.status != 403 or signed.responder is Responder.S3
        return ProbeResult.GOOD if has_passed else ProbeResult.REFUSED
    # An error page of the distribution's own may stand in for CloudFront's
    # words: then the signature must have made a difference.
    if unsigned.status == 403 and signed.status != 403:
        return ProbeResult.GOOD
    return ProbeResult.UNRESTRICTED


def _ask(fetch: Fetch, url: str) -> Answer:
    """Return the answer to a request; by https if CloudFront redirects http to it."""
    answer = fetch(url, {})
    secure = url.replace("http:", "https:", 1)
    if answer.is_redirect and answer.headers.get("location") == secure != url:
        return fetch(secure, {})
    return answer


def _says_nothing(answer: Answer) -> bool:
    return answer.status >= 500


def _refused_with(answer: Answer, code: str) -> bool:
    return answer.status == 403 and answer.code == code


def _without_signature(url: str) -> str:
    parts = urlsplit(url)
    _, others = split_query(parts.query)
    return parts._replace(query="&".join(others)).geturl()
