"""Find out whether CloudFront knows a key yet, and whether it checks signed URLs at all."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from urllib.parse import urlsplit

from cfsigned_django.core.viewer import Answer, Fetch, NoAnswer, Responder, fetch
from cfsigned_django.signing.encoding import split_query


class ProbeResult(StrEnum):
    """What the answers of CloudFront mean for the key that signed the URL."""

    #: The key is known: the file was served, or refused for another reason.
    GOOD = "good"
    #: The edge does not know the key yet.
    UNKNOWN_KEY = "unknown_key"
    #: The edge knows the ID, but it belongs to another key.
    WRONG_KEY = "wrong_key"
    #: Refused neither for its key nor by S3, for example by a firewall. Links are refused too.
    REFUSED = "refused"
    #: A request without a signature gets the same answer: signed URLs are not checked.
    UNRESTRICTED = "unrestricted"
    #: No answer: nothing is known about the key.
    NO_ANSWER = "no_answer"

    @property
    def shows_known(self) -> bool:
        """Return whether the edge that answered knows the key."""
        return self is ProbeResult.GOOD

    @property
    def shows_unknown(self) -> bool:
        """Return whether an edge answered that may not know the key."""
        return self not in (ProbeResult.GOOD, ProbeResult.NO_ANSWER)

    @property
    def needs_a_person(self) -> bool:
        """Return whether a person must act, because waiting does not help."""
        return self in (ProbeResult.WRONG_KEY, ProbeResult.REFUSED, ProbeResult.UNRESTRICTED)


_fetch_soon = partial(fetch, timeout=5)


def send_probe(url: str, *, fetch: Fetch = _fetch_soon) -> ProbeResult:
    """Request a signed URL and return what the answer means.

    The file need not exist: CloudFront checks the key before it asks the
    bucket. Only InvalidKey ("Unknown Key") means that it does not know the key;
    see the AWS Knowledge Center on 403 errors of signed URLs. If a request is
    refused for another reason, and not by S3, its signature was never verified.
    If the key seems good, the same request is sent without a signature: it must
    be refused, otherwise the first answer proves nothing.
    """
    try:
        signed = _ask(fetch, url)
        if signed.status >= 500:  # an outage, which says nothing of the key
            return ProbeResult.NO_ANSWER
        if _refused_with(signed, "InvalidKey"):
            return ProbeResult.UNKNOWN_KEY
        # CloudFront's wording; S3 writes "Access Denied", which means that the
        # request passed CloudFront.
        if signed.status == 403 and b"<Message>Access denied</Message>" in signed.body:
            return ProbeResult.WRONG_KEY
        return _compare(_ask(fetch, _without_signature(url)), signed)
    except NoAnswer:
        return ProbeResult.NO_ANSWER


def _compare(unsigned: Answer, signed: Answer) -> ProbeResult:
    """Return what the answers to the request without and with a signature mean together."""
    if unsigned.status >= 500:
        return ProbeResult.NO_ANSWER
    if _refused_with(unsigned, "MissingKey"):
        has_passed = signed.status != 403 or signed.responder is Responder.S3
        return ProbeResult.GOOD if has_passed else ProbeResult.REFUSED
    # A custom error page of the distribution may replace CloudFront's wording, and its status.
    # Then the signature must have opened the file, or led to another answer: that there is none.
    has_passed = signed.is_served or signed.status == 404 != unsigned.status
    if unsigned.is_refused_by_status and has_passed:
        return ProbeResult.GOOD
    return ProbeResult.UNRESTRICTED


def _ask(fetch: Fetch, url: str) -> Answer:
    """Return the answer to a request, by https if CloudFront redirects http to https."""
    answer = fetch(url, {})
    secure = url.replace("http:", "https:", 1)
    if answer.is_redirect and answer.headers.get("location") == secure != url:
        return fetch(secure, {})
    return answer


def _refused_with(answer: Answer, code: str) -> bool:
    return answer.status == 403 and answer.code == code


def _without_signature(url: str) -> str:
    parts = urlsplit(url)
    _, others = split_query(parts.query)
    return parts._replace(query="&".join(others)).geturl()
