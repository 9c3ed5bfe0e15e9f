"""Check the answers of CloudFront and S3: without a signature, with one, and for CORS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias
from urllib.parse import quote

from cfsigned_django.doctor.catalog import finding
from cfsigned_django.doctor.findings import Finding, ago
from cfsigned_django.viewer import Answer, Fetch, NoAnswer, Responder

_REFUSALS = {
    "InvalidKey": ("signed-unknown-key", "CloudFront answers InvalidKey (Unknown Key)"),
    "AccessDenied": ("signed-denied", "CloudFront answers AccessDenied (Access denied)"),
    "MissingKey": ("signed-missing-key", "CloudFront answers MissingKey"),
    "MalformedPolicy": ("signed-malformed", "CloudFront answers MalformedPolicy"),
    "MalformedSignature": ("signed-malformed", "CloudFront answers MalformedSignature"),
}


def check_common(answer: Answer, url: str) -> Finding | None:
    """Return the finding for an answer that says nothing about signatures, or None."""
    host = url.split("/")[2]
    if answer.is_redirect:
        location = answer.headers.get("location", "nowhere").partition("?")[0]
        what = f"{url} redirects to {location} ({answer.status})."
        return finding("redirected", what, subject=host)
    if answer.status >= 500:
        return finding("server-error", f"{host} answers {answer.status}.", subject=host)
    if not answer.came_through_cloudfront:
        server = answer.headers.get("server", "no Server header")
        what = f"{host} answers {answer.status}, but the answer is not from CloudFront ({server})."
        return finding("not-cloudfront", what, subject="AWS_S3_CUSTOM_DOMAIN")
    if answer.status >= 400 and answer.responder is Responder.PAGE:
        what = f"CloudFront answers {answer.status} with an HTML page."
        return finding("html-answer", what, subject=host)
    return None


def _status(answer: Answer) -> str:
    page = ", with an HTML page" if answer.responder is Responder.PAGE else ""
    return f"{answer.status}{page}"


def check_refused(answer: Answer, kind: str, words: str, url: str) -> Finding:
    """Check the answer to a signed URL that must be refused."""
    if answer.is_served or answer.responder is Responder.S3:
        what = f"{words} is accepted ({answer.status})."
        return finding(f"{kind}-served", what, subject=url)
    if answer.code == "AccessDenied" or answer.is_refused_by_status:
        what = f"{words} is refused ({answer.code or _status(answer)})."
        return finding(f"{kind}-refused", what, subject=url)
    what = f"{words} gets the answer {answer.status} {answer.code}".rstrip()
    return finding("strange-answer", f"{what}, not with AccessDenied.", subject=url)


def check_unsigned(answer: Answer, url: str) -> Finding:
    """Check the answer to a request without a signature."""
    if answer.is_served:
        return finding("unsigned-served", f"{url} is served without a signature.", subject=url)
    if answer.responder is Responder.S3:
        what = f"S3 answers {answer.code} to {url} without a signature."
        return finding("unsigned-forwarded", what, subject=url)
    if answer.code == "MissingKey" or answer.is_refused_by_status:
        what = f"A request without a signature is refused ({answer.code or _status(answer)})."
        return finding("unsigned-refused", what, subject=url)
    what = f"A request without a signature gets the answer {answer.status} {answer.code}".rstrip()
    return finding("strange-answer", f"{what}, not with MissingKey.", subject=url)


def check_signed(answer: Answer, url: str, *, why_no_object: str) -> Finding:
    """Check the answer to a request with a new signature."""
    if answer.is_served:
        what = f"{url} is served with a signature ({answer.status})."
        return finding("signed-served", what, subject=url)
    if answer.responder is Responder.S3:
        return _check_s3(answer, url, why_no_object=why_no_object)
    if answer.code in _REFUSALS:
        kind, what = _REFUSALS[answer.code]
        return finding(kind, f"{what} to a new signed URL.", subject=url)
    what = f"A new signed URL gets the answer {answer.status} {answer.code}".rstrip()
    return finding("strange-answer", f"{what}.", subject=url)


def _check_s3(answer: Answer, url: str, *, why_no_object: str) -> Finding:
    if why_no_object and answer.code in ("AccessDenied", "NoSuchKey"):
        what = f"CloudFront accepts the signature. {why_no_object}: access to the bucket was not "
        what += "checked."
        return finding("signed-passes", what, subject=url)
    if answer.code == "AccessDenied":
        what = f"CloudFront accepts the signature, but S3 answers AccessDenied for {url}."
        return finding("signed-s3-denied", what, subject=url)
    if answer.code == "NoSuchKey":
        what = f"CloudFront accepts the signature, but S3 has no object for {url}."
        return finding("signed-not-found", what, subject=url)
    what = f"CloudFront accepts the signature, but S3 answers {answer.status} {answer.code}."
    return finding("strange-answer", what, subject=url)


_HOME_REGION = "us-east-1"


def direct_url(
    bucket: str, key: str, *, region: str | None = None, endpoint_url: str | None = None
) -> str:
    """Return the URL of an object in S3; ``key`` is not percent-encoded."""
    path = quote(key)
    if endpoint_url:
        return f"{endpoint_url.rstrip('/')}/{bucket}/{path}"
    region = region or _HOME_REGION
    suffix = ".cn" if region.startswith("cn-") else ""
    host = f"s3.{region}.amazonaws.com{suffix}"
    # The certificate of *.s3 does not cover a bucket name with a dot.
    return f"https://{host}/{bucket}/{path}" if "." in bucket else f"https://{bucket}.{host}/{path}"


def check_direct(fetch: Fetch, url: str, region: str | None) -> Finding:
    """Request an object from S3 without credentials; ``region`` is that in the settings."""
    try:
        answer = fetch(url, {})
    except NoAnswer as error:
        return finding("s3-no-answer", f"S3 does not answer: {error}.", subject=url)
    actual = answer.headers.get("x-amz-bucket-region", "")
    if answer.is_served:
        return finding("s3-open", f"{url} is served to anyone.", subject=url)
    if answer.code == "NoSuchKey":
        return finding("s3-lists", f"S3 tells anyone that {url} does not exist.", subject=url)
    if answer.code == "NoSuchBucket":
        what = f"There is no bucket at {url}."
        return finding("s3-no-bucket", what, subject="AWS_STORAGE_BUCKET_NAME")
    if answer.status in (301, 307, 400) and actual and actual != (region or _HOME_REGION):
        what = f"The bucket is in {actual}, but the settings say {region or 'no region'}."
        return finding("s3-wrong-region", what, subject="AWS_S3_REGION_NAME")
    if answer.status == 403:
        return finding(
            "s3-private", "S3 refuses requests that do not come through CloudFront.", subject=url
        )
    what = f"S3 answers {answer.status} {answer.code}".rstrip() + "."
    return finding("s3-no-answer", what, subject=url)


def check_cors(
    fetch: Fetch,
    signed_url: str,
    url: str,
    origins: Sequence[str],
    *,
    without_origin: Answer,
    credentials: bool,
) -> Iterator[Finding]:
    """Yield the findings about the CORS headers for each origin, with ``credentials`` or without.

    ``without_origin`` is the answer to a request without Origin, just before.
    Each origin requests the object twice: the second answer comes from the cache.
    """
    good = True
    for origin in origins:
        answers = [fetch(signed_url, {"Origin": origin}) for _ in range(2)]
        allowed = [each.headers.get("access-control-allow-origin", "") for each in answers]
        if all(each in (origin, "*") for each in allowed):
            if credentials and not all(_allows_credentials(each, origin) for each in answers):
                good = False
                what = f"For {origin}, the object does not name the origin and allow credentials."
                yield finding("cors-credentials-missing", what, subject=url)
            continue
        good = False
        if _is_lost_in_cache(allowed, origin):
            what = f"For {origin}, a cached copy has {_wrong_value(allowed, origin)}."
            yield finding("cors-lost-in-cache", what, subject=url)
        else:
            where = " from the cache" if any(map(_is_hit, answers)) else ""
            what = f"For {origin}, the object{where} has {_wrong_value(allowed, origin)}."
            yield finding("cors-headers-missing", what, subject=url)
    if good:
        what = f"Pages of {' and '.join(origins)} may read {url}, cached or not."
        yield finding("cors", what, subject=url)
        if "origin" not in without_origin.headers.get("vary", "").lower():
            what = (
                "Without an Origin, the answer has no Vary: Origin. Chrome may reuse such a copy "
            )
            what += "for a request with CORS."
            yield finding("cors-browser-cache", what, subject=url)


def _allows_credentials(answer: Answer, origin: str) -> bool:
    """Return whether browsers show the answer to a page that has sent cookies."""
    named = answer.headers.get("access-control-allow-origin") == origin
    return named and answer.headers.get("access-control-allow-credentials") == "true"


def _is_lost_in_cache(allowed: Sequence[str], origin: str) -> bool:
    """Return whether the headers come from a copy that was cached for another request."""
    others = {each for each in allowed if each not in ("", origin, "*")}
    return bool(others) or len(set(allowed)) > 1


def _is_hit(answer: Answer) -> bool:
    return "hit from" in answer.headers.get("x-cache", "").lower()


def _wrong_value(allowed: Sequence[str], origin: str) -> str:
    """Return the wrong value of Access-Control-Allow-Origin, or that there is none."""
    wrong = max((each for each in allowed if each not in (origin, "*")), key=len)
    return f"Access-Control-Allow-Origin: {wrong}" if wrong else "no Access-Control-Allow-Origin"


#: Returns the time in Unix seconds.
Clock: TypeAlias = Callable[[], float]
#: A larger difference is a warning: NTP keeps clocks right within a fraction of a second.
NOTICEABLE_SECONDS: Final = 30
#: A larger difference is an error: it is a large part of the usual lifetime of a URL.
WRONG_SECONDS: Final = 300

_SUBJECT = "clock of this machine"


def read_date(headers: Mapping[str, str]) -> float | None:
    """Return the time, in Unix seconds, by the clock of the server that answered.

    The names of ``headers`` are in lowercase. For a cached answer, Age is the
    number of seconds since its Date.
    """
    try:
        date = parsedate_to_datetime(headers.get("date", "")).timestamp()
        return date + int(headers.get("age", "0"))
    except (TypeError, ValueError, OverflowError):
        return None


def check_clock(date: float | None, now: float, *, expire: int) -> Finding:
    """Check the clock, which showed ``now`` when CloudFront's showed ``date``.

    Both are in Unix seconds; ``expire`` is the lifetime of URLs, in seconds.
    """
    if date is None:
        return finding(
            "clock-unknown", "CloudFront's answer has no readable Date header.", subject=_SUBJECT
        )
    skew = now - date
    off = abs(skew)
    direction = "ahead of" if skew > 0 else "behind"
    if off <= NOTICEABLE_SECONDS:
        return finding("clock", "The clock agrees with CloudFront's.", subject=_SUBJECT)
    what = f"The clock is {ago(off)} {direction} CloudFront's; signed URLs live {ago(expire)}."
    kind = "clock-wrong" if off > min(WRONG_SECONDS, expire) else "clock-off"
    return finding(kind, what, subject=_SUBJECT)
