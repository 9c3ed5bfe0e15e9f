"""Say what one answer of CloudFront means; pure."""

from __future__ import annotations

from cfsigned_django.doctor.findings import Finding
from cfsigned_django.doctor.kinds import finding
from cfsigned_django.viewer import Answer, Responder

_REFUSALS = {
    "InvalidKey": ("signed-unknown-key", "CloudFront answers InvalidKey (Unknown Key)"),
    "AccessDenied": ("signed-denied", "CloudFront answers AccessDenied (Access denied)"),
    "MissingKey": ("signed-missing-key", "CloudFront answers MissingKey"),
    "MalformedPolicy": ("signed-malformed", "CloudFront answers MalformedPolicy"),
    "MalformedSignature": ("signed-malformed", "CloudFront answers MalformedSignature"),
}


def judge_common(answer: Answer, url: str) -> Finding | None:
    """Return the finding of an answer that says nothing about signatures, or None."""
    host = url.split("/")[2]
    if answer.is_redirect:
        target = answer.headers.get("location", "nowhere").partition("?")[0]
        what = f"{url} is redirected to {target} ({answer.status})."
        return finding("redirected", what, subject=host)
    if answer.status >= 500:
        return finding("server-error", f"{host} answers {answer.status}.", subject=host)
    if not answer.came_through_cloudfront:
        server = answer.headers.get("server", "no Server header")
        what = f"{host} answers {answer.status}, but not as CloudFront ({server})."
        return finding("not-cloudfront", what, subject="AWS_S3_CUSTOM_DOMAIN")
    if answer.status >= 400 and answer.responder is Responder.PAGE:
        what = f"CloudFront answers {answer.status} with an HTML page."
        return finding("html-answer", what, subject=host)
    return None


def judge_unsigned(answer: Answer, url: str) -> Finding:
    """Judge the answer to a request without a signature."""
    if answer.is_served:
        return finding("unsigned-served", f"{url} is served without a signature.", subject=url)
    if answer.responder is Responder.S3:
        what = f"S3 answers {answer.code} to {url} without a signature."
        return finding("unsigned-forwarded", what, subject=url)
    if answer.code == "MissingKey":
        what = "A request without a signature is refused (MissingKey)."
        return finding("unsigned-refused", what, subject=url)
    what = f"A request without a signature is answered with {answer.status} {answer.code}".rstrip()
    return finding("strange-answer", f"{what}, not with MissingKey.", subject=url)


def judge_signed(answer: Answer, url: str, *, has_object: bool) -> Finding:
    """Judge the answer to a request with a fresh signature."""
    if answer.is_served:
        what = f"{url} is served with a signature ({answer.status})."
        return finding("signed-served", what, subject=url)
    if answer.responder is Responder.S3:
        return _judge_s3(answer, url, has_object=has_object)
    if answer.code in _REFUSALS:
        kind, what = _REFUSALS[answer.code]
        return finding(kind, f"{what} to a fresh link.", subject=url)
    what = f"A fresh link is answered with {answer.status} {answer.code}".rstrip()
    return finding("strange-answer", f"{what}.", subject=url)


def _judge_s3(answer: Answer, url: str, *, has_object: bool) -> Finding:
    if not has_object and answer.code in ("AccessDenied", "NoSuchKey"):
        what = "CloudFront accepts the signature. No object was named (--object): the way into "
        what += "the bucket was not tried."
        return finding("signed-passes", what, subject=url)
    if answer.code == "AccessDenied":
        what = f"CloudFront accepts the signature, and S3 answers AccessDenied for {url}."
        return finding("signed-s3-denied", what, subject=url)
    if answer.code == "NoSuchKey":
        what = f"CloudFront accepts the signature, and S3 has no object for {url}."
        return finding("signed-not-found", what, subject=url)
    what = f"CloudFront accepts the signature, and S3 answers {answer.status} {answer.code}."
    return finding("strange-answer", what, subject=url)
