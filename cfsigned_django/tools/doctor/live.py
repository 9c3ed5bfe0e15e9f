"""Send requests to CloudFront and S3 as viewers do, and say what each answer means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlsplit

from cfsigned_django.core.aws.client import HOME_REGION
from cfsigned_django.core.conf import is_local_host
from cfsigned_django.core.text import duration
from cfsigned_django.core.viewer import Answer, Fetch, NoAnswer, Responder
from cfsigned_django.signing.signer import Signer
from cfsigned_django.storage.site_storages import PROBE_SECONDS
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.catalog import Finding, Level, finding

_REFUSALS = {
    "InvalidKey": "signed-unknown-key",
    "AccessDenied": "signed-denied",
    "MissingKey": "signed-malformed",
    "MalformedPolicy": "signed-malformed",
    "MalformedSignature": "signed-malformed",
}


def check_common(answer: Answer, url: str) -> Finding | None:
    """Return the finding for an answer that says nothing about signatures, or None."""
    host = url.split("/")[2]
    if answer.is_redirect:
        location = answer.headers.get("location", "nowhere").partition("?")[0]
        return finding("redirected", host, url=url, location=location, status=answer.status)
    if answer.status >= 500:
        return finding("server-error", host, host=host, status=answer.status)
    if not answer.came_through_cloudfront:
        values = {"status": str(answer.status), "server": answer.headers.get("server", "no name")}
        return finding("not-cloudfront", "AWS_S3_CUSTOM_DOMAIN", host=host, **values)
    if answer.status >= 400 and answer.responder is Responder.PAGE:
        return finding("html-answer", host, status=answer.status)
    return None


def _refusal(answer: Answer) -> str:
    page = ", with an HTML page" if answer.responder is Responder.PAGE else ""
    return answer.code or f"{answer.status}{page}"


def _strange(answer: Answer, request: str, url: str) -> Finding:
    said = f"{answer.status} {answer.code}".rstrip()
    return finding("strange-answer", url, request=request, answer=said)


def check_refused(answer: Answer, request: str, url: str) -> Iterator[Finding]:
    """Yield why a signed URL is not refused that must be, such as "An expired URL"."""
    if answer.is_served or answer.responder is Responder.S3:
        yield finding("wrong-url-served", url, request=request, answer=answer.status)
    elif answer.code != "AccessDenied" and not answer.is_refused_by_status:
        yield _strange(answer, request, url)


def check_unsigned(answer: Answer, url: str) -> Finding:
    if answer.is_served:
        return finding("unsigned-served", url, url=url)
    if answer.responder is Responder.S3:
        what = f"S3 answers {answer.code} to {url} without a signature."
        return finding("unsigned-served", url, what=what)
    if answer.code == "MissingKey" or answer.is_refused_by_status:
        return finding("unsigned-refused", url, answer=_refusal(answer))
    return _strange(answer, "A request without a signature", url)


def respelled(url: str) -> str:
    """Return a URL with more escapes in its path, of the first letter and of each slash.

    AWS does not document which escapes CloudFront decodes before it compares a path with patterns;
    S3 probably decodes all of them. Such a path may then have another behavior, and the same file.
    """
    parts, letter = urlsplit(url), r"^((?:%..|[^%A-Za-z])*)([A-Za-z])"
    path = re.sub(letter, lambda found: f"{found[1]}%{ord(found[2]):02X}", parts.path[1:])
    return parts._replace(path="/" + path.replace("/", "%2F")).geturl()


def check_respelled(
    fetch: Fetch, url: str, signed: Answer, *, is_open: bool | None
) -> Iterator[Finding]:
    """Yield that a respelled URL gets the file without a signature, or that S3 answers to it.

    ``signed`` is the answer to a signed URL. Unless it is known that the behavior ``is_open``, the
    answer of S3 may be about another bucket, and only the same file counts.
    """
    answer = fetch(url, {})
    found = check_common(answer, url) or check_unsigned(answer, url)
    file, other = [(each.body, each.headers.get("etag")) for each in (signed, answer)]
    is_of_bucket = file == other if answer.is_served else is_open
    if found.id == "unsigned-served" and is_of_bucket:
        yield found


def check_signed(answer: Answer, asked: RequestedObject) -> Finding:
    url = asked.url
    if answer.is_served:
        return finding("signed-served", url, url=url, status=answer.status)
    if answer.responder is not Responder.S3:
        if kind := _REFUSALS.get(answer.code):
            return finding(kind, url, code=answer.code)
    elif asked.why_no_object and answer.code in ("AccessDenied", "NoSuchKey"):
        what = f"CloudFront accepts the signature. {asked.why_no_object}: access to the bucket, "
        return finding("signed-served", url, what=f"{what}and CORS, were not checked.")
    elif answer.code == "AccessDenied":
        return finding("signed-s3-denied", url, url=url)
    elif answer.code == "NoSuchKey":
        return finding("signed-not-found", url, url=url)
    return _strange(answer, "A new signed URL", url)


def direct_url(s3: Any, bucket: str, key: str) -> str:
    """Return the URL of an object in S3; ``key`` is not percent-encoded.

    The client ``s3`` knows the endpoint, which may be that of an emulator. Each accepts the bucket
    in the path; in the host, the certificate covers no name with a dot.
    """
    return f"{s3.meta.endpoint_url.rstrip('/')}/{bucket}/{quote(key)}"


def check_direct(fetch: Fetch, url: str, region: str | None) -> Finding:
    """Request an object from S3 without credentials; ``region`` is that in the settings."""
    try:
        answer = fetch(url, {})
    except NoAnswer as error:
        return finding("s3-no-answer", url, answer=error)
    actual = answer.headers.get("x-amz-bucket-region", "")
    if answer.is_served:
        return finding("s3-open", url, url=url)
    if answer.code == "NoSuchKey":
        what = f"S3 tells anyone that {url} does not exist: anyone may list the bucket."
        return finding("s3-open", url, what=what)
    if answer.code == "NoSuchBucket":
        return finding("bucket-missing", "AWS_STORAGE_BUCKET_NAME", bucket=f"at {url}")
    if answer.status in (301, 307, 400) and actual and actual != (region or HOME_REGION):
        what = f"The bucket is in {actual}, but AWS_S3_REGION_NAME is {region or 'not set'}."
        return finding("bucket-region", "AWS_S3_REGION_NAME", what=what)
    if answer.status == 403:
        return finding("s3-private", url)
    return finding("s3-no-answer", url, answer=f"{answer.status} {answer.code}".rstrip())


def check_cors(
    asked: RequestedObject, fetch: Fetch, signed_url: str, *, without_origin: Answer
) -> Iterator[Finding]:
    """Yield the findings about the CORS headers for each origin, with cookies or without.

    ``without_origin`` is the answer to a request without Origin, just before.
    Each origin requests the object twice: the second answer comes from the cache.
    """
    url, cookies, good = asked.url, asked.wanted.cookies, True
    for origin in asked.wanted.cors_origins:
        answers = [fetch(signed_url, {"Origin": origin}) for _ in range(2)]
        allowed = [each.headers.get("access-control-allow-origin", "") for each in answers]
        if all(each in (origin, "*") for each in allowed):
            if cookies and not all(_allows_credentials(each, origin) for each in answers):
                good = False
                values = {"policy": "the object", "origins": origin}
                yield finding("cors-credentials-missing", url, **values)
            continue
        good = False
        hits = ["hit from" in each.headers.get("x-cache", "").lower() for each in answers]
        place = " from the cache" if any(hits) else ""
        wrong = max((each for each in allowed if each not in (origin, "*")), key=len)
        header = "Access-Control-Allow-Origin"
        values = {"place": place, "header": f"{header}: {wrong}" if wrong else f"no {header}"}
        yield finding("cors-headers-missing", url, origin=origin, **values)
    if good:
        yield finding("cors", url, origins=" and ".join(asked.wanted.cors_origins), url=url)
        if "origin" not in without_origin.headers.get("vary", "").lower():
            yield finding("cors-browser-cache", url)


def _allows_credentials(answer: Answer, origin: str) -> bool:
    """Return whether browsers show the answer to a page that has sent cookies."""
    named = answer.headers.get("access-control-allow-origin") == origin
    return named and answer.headers.get("access-control-allow-credentials") == "true"


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


def check_clock(date: float | None, now: float, *, expire: int) -> Iterator[Finding]:
    """Yield what is wrong with the clock, which showed ``now`` when CloudFront's showed ``date``.

    Both are in Unix seconds; ``expire`` is the lifetime of URLs, in seconds.
    """
    if date is None:
        yield finding("clock-unknown", _SUBJECT)
        return
    off, wrong = abs(now - date), min(WRONG_SECONDS, expire)
    if off > NOTICEABLE_SECONDS:
        skew = f"{duration(off)} {'ahead of' if now > date else 'behind'}"
        limit = duration(wrong if off > wrong else NOTICEABLE_SECONDS)
        found = finding("clock-off", _SUBJECT, skew=skew, limit=limit)
        yield replace(found, level=Level.ERROR) if off > wrong else found


_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedObject:
    """The object to request, and what the site needs of AWS.

    ``url`` is the unsigned URL of the object. If the object need not exist,
    ``why_no_object`` is the reason, a sentence without its period.
    ``direct_url`` is the URL of the object in S3, if it has one.
    ``is_open_respelled``: whether a behavior that requires no signature reads the same for another
    spelling of the path; None if that is unknown.
    """

    url: str
    signer: Signer | None
    direct_url: str | None
    wanted: Wanted
    why_no_object: str = ""
    is_open_respelled: bool | None = None


def examine_live(asked: RequestedObject, fetch: Fetch, clock: Clock) -> Iterator[Finding]:
    """Yield what the answers show, in the order of the requests.

    If an answer shows a fault, requests that could only show the same fault
    again are not sent.
    """
    yield from _examine_cloudfront(asked, fetch, clock)
    if asked.direct_url is not None:
        yield check_direct(fetch, asked.direct_url, asked.wanted.region or None)


def _examine_cloudfront(asked: RequestedObject, fetch: Fetch, clock: Clock) -> Iterator[Finding]:
    try:
        before = clock()
        unsigned = fetch(asked.url, {})
        now = (before + clock()) / 2
    except NoAnswer as error:
        yield _no_answer(asked, error)
        return
    foreign = check_common(unsigned, asked.url)
    # Behind an error page, only the answer to a signed URL tells a refusal from a firewall.
    may_be_refused = unsigned.is_refused_by_status and asked.signer is not None
    if foreign is not None and not (foreign.id == "html-answer" and may_be_refused):
        yield foreign
        return
    date = read_date(unsigned.headers)
    yield from check_clock(date, now, expire=asked.wanted.expire)
    first = check_unsigned(unsigned, asked.url)
    yield first
    if first.level is Level.OK and asked.signer is not None:
        # Signed by CloudFront's clock: a wrong clock here must be one finding, not three.
        skew = 0.0 if date is None else date - now
        try:
            yield from _examine_signed(asked, asked.signer, fetch, lambda: int(clock() + skew))
        except NoAnswer as error:
            yield _no_answer(asked, error)


def _examine_signed(
    asked: RequestedObject, signer: Signer, fetch: Fetch, now: Clock
) -> Iterator[Finding]:
    def sign(until: float) -> str:
        return signer.sign_url(asked.url, date_less_than=int(until))

    answer = fetch(sign(now() + PROBE_SECONDS), {})
    signed = check_common(answer, asked.url) or check_signed(answer, asked)
    if signed.id == "html-answer" and asked.why_no_object:
        what = f"{signed.what} {asked.why_no_object}, and an error page may hide the answer of S3."
        signed = replace(signed, what=what)
    yield signed
    # An answer of S3 counts as well: CloudFront has accepted the request.
    if not answer.is_served and answer.responder is not Responder.S3:
        return
    # Browsers, proxies and people change URLs like this: they add a parameter.
    tampered = fetch(sign(now() + PROBE_SECONDS) + "&cfsigned=1", {})
    yield from check_refused(tampered, "A changed URL", asked.url)
    expired = fetch(sign(now() - _DAY), {})
    yield from check_refused(expired, "An expired URL", asked.url)
    is_open = asked.is_open_respelled
    if is_open is not False:
        with suppress(NoAnswer):
            yield from check_respelled(fetch, respelled(asked.url), answer, is_open=is_open)
    if asked.wanted.cors_origins and answer.is_served:
        url = sign(now() + PROBE_SECONDS)
        yield from check_cors(asked, fetch, url, without_origin=answer)


def _no_answer(asked: RequestedObject, error: NoAnswer) -> Finding:
    host = asked.url.split("/")[2]
    found = finding("no-answer", "AWS_S3_CUSTOM_DOMAIN", host=host, error=error)
    if not is_local_host(host):
        return found
    # On a first run, there is no distribution yet that an edge could follow.
    fix = "Start the edge: manage.py cfsigned_edge, or the one that follows your emulator."
    return replace(found, level=Level.WARNING, fix=fix)
