"""Send requests to CloudFront and S3 as viewers do, and explain each answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from cfsigned_django.core.validation import is_local_host
from cfsigned_django.core.viewer import Fetch, NoAnswer, Responder
from cfsigned_django.signing import Signer
from cfsigned_django.storage.site_storages import PROBE_SECONDS
from cfsigned_django.tools.account.state.site_in_aws import Wanted
from cfsigned_django.tools.catalog import finding
from cfsigned_django.tools.doctor import answers
from cfsigned_django.tools.findings import Finding, Level

_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedObject:
    """The object to request, and what the site needs of AWS.

    ``url`` is the unsigned URL of the object. If the object need not exist,
    ``why_no_object`` is the reason, a sentence without its period.
    ``direct_url`` is the URL of the object in S3, if it has one.
    Unless it ``may_be_open``, no behavior that requires no signature reads the bucket.
    """

    url: str
    signer: Signer | None
    direct_url: str | None
    wanted: Wanted
    why_no_object: str = ""
    may_be_open: bool = True


def examine_live(asked: RequestedObject, fetch: Fetch, clock: answers.Clock) -> Iterator[Finding]:
    """Yield what the answers show, in the order of the requests.

    If an answer shows a fault, requests that could only show the same fault
    again are not sent.
    """
    yield from _examine_cloudfront(asked, fetch, clock)
    if asked.direct_url is not None:
        yield answers.check_direct(fetch, asked.direct_url, asked.wanted.region or None)


def _examine_cloudfront(
    asked: RequestedObject, fetch: Fetch, clock: answers.Clock
) -> Iterator[Finding]:
    try:
        before = clock()
        unsigned = fetch(asked.url, {})
        now = (before + clock()) / 2
    except NoAnswer as error:
        yield _no_answer(asked, error)
        return
    foreign = answers.check_common(unsigned, asked.url)
    # Behind an error page, only the answer to a signed URL tells a refusal from a firewall.
    may_be_refused = unsigned.is_refused_by_status and asked.signer is not None
    if foreign is not None and not (foreign.id == "html-answer" and may_be_refused):
        yield foreign
        return
    date = answers.read_date(unsigned.headers)
    yield from answers.check_clock(date, now, expire=asked.wanted.expire)
    first = answers.check_unsigned(unsigned, asked.url)
    yield first
    if first.level is Level.OK and asked.signer is not None:
        # Signed by CloudFront's clock: a wrong clock here must be one finding, not three.
        skew = 0.0 if date is None else date - now
        try:
            yield from _examine_signed(asked, asked.signer, fetch, lambda: int(clock() + skew))
        except NoAnswer as error:
            yield _no_answer(asked, error)


def _examine_signed(
    asked: RequestedObject, signer: Signer, fetch: Fetch, now: answers.Clock
) -> Iterator[Finding]:
    def sign(until: float) -> str:
        return signer.sign_url(asked.url, date_less_than=int(until))

    answer = fetch(sign(now() + PROBE_SECONDS), {})
    signed = answers.check_common(answer, asked.url) or answers.check_signed(
        answer, asked.url, why_no_object=asked.why_no_object
    )
    if signed.id == "html-answer" and asked.why_no_object:
        what = f"{signed.what} {asked.why_no_object}, and an error page may hide the answer of S3."
        signed = replace(signed, what=what)
    yield signed
    # An answer of S3 counts as well: CloudFront has accepted the request.
    if not answer.is_served and answer.responder is not Responder.S3:
        return
    # Browsers, proxies and people change URLs like this: they add a parameter.
    tampered = fetch(sign(now() + PROBE_SECONDS) + "&cfsigned=1", {})
    yield from answers.check_refused(tampered, "A changed URL", asked.url)
    expired = fetch(sign(now() - _DAY), {})
    yield from answers.check_refused(expired, "An expired URL", asked.url)
    if asked.may_be_open:
        with suppress(NoAnswer):
            yield from answers.check_respelled(fetch, asked.url, answer)
    if asked.wanted.cors_origins and answer.is_served:
        url = sign(now() + PROBE_SECONDS)
        yield from answers.check_cors(
            fetch,
            url,
            asked.url,
            asked.wanted.cors_origins,
            without_origin=answer,
            credentials=asked.wanted.cookies,
        )


def _no_answer(asked: RequestedObject, error: NoAnswer) -> Finding:
    host, fix = asked.url.split("/")[2], None
    if is_local_host(host):
        local = "manage.py cfsigned_edge"
        fix = f"Start it: {local}"
        if asked.wanted.distribution_id:
            port = host.partition(":")[2] or "80"
            edge = f"demo_project.edge {asked.wanted.distribution_id} --port {port} --domain {host}"
            fix = f"Start it. With the demo's emulator: python -m {edge}. Else: {local}"
    return finding("no-answer", "AWS_S3_CUSTOM_DOMAIN", fix=fix, host=host, error=error)
