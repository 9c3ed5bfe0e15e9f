"""Send requests to CloudFront and S3 as viewers do, and explain each answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from cfsigned_django.core.validation import is_local_host
from cfsigned_django.core.viewer import Fetch, NoAnswer, Responder
from cfsigned_django.signing import Signer
from cfsigned_django.storage.site_storages import PROBE_SECONDS
from cfsigned_django.tools.catalog import finding
from cfsigned_django.tools.doctor import answers
from cfsigned_django.tools.findings import Finding, Level

_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedObject:
    """The object to request, and what the settings say about it.

    ``url`` is the unsigned URL of the object. If the object need not exist,
    ``why_no_object`` is the reason, a sentence without its period.
    ``direct_url`` is the URL of the object in S3, if it has one; ``region`` is
    the region of the bucket in the settings; ``expire`` is the lifetime of
    signed URLs, in seconds. With ``uses_cookies``, the pages of ``cors_origins`` send cookies.
    Unless it ``may_be_open``, no behavior that requires no signature reads the bucket.
    An edge on this machine may follow the distribution with ``distribution_id``.
    """

    url: str
    signer: Signer | None
    direct_url: str | None
    why_no_object: str = ""
    region: str | None = None
    expire: int = 3600
    cors_origins: Sequence[str] = ()
    uses_cookies: bool = False
    may_be_open: bool = True
    distribution_id: str = ""


def examine_live(wanted: RequestedObject, fetch: Fetch, clock: answers.Clock) -> Iterator[Finding]:
    """Yield what the answers show, in the order of the requests.

    If an answer shows a fault, requests that could only show the same fault
    again are not sent.
    """
    yield from _examine_cloudfront(wanted, fetch, clock)
    if wanted.direct_url is not None:
        yield answers.check_direct(fetch, wanted.direct_url, wanted.region)


def _examine_cloudfront(
    wanted: RequestedObject, fetch: Fetch, clock: answers.Clock
) -> Iterator[Finding]:
    try:
        before = clock()
        unsigned = fetch(wanted.url, {})
        now = (before + clock()) / 2
    except NoAnswer as error:
        yield _no_answer(wanted, error)
        return
    foreign = answers.check_common(unsigned, wanted.url)
    # Behind an error page, only the answer to a signed URL tells a refusal from a firewall.
    may_be_refused = unsigned.is_refused_by_status and wanted.signer is not None
    if foreign is not None and not (foreign.id == "html-answer" and may_be_refused):
        yield foreign
        return
    date = answers.read_date(unsigned.headers)
    yield from answers.check_clock(date, now, expire=wanted.expire)
    first = answers.check_unsigned(unsigned, wanted.url)
    yield first
    if first.level is Level.OK and wanted.signer is not None:
        # Signed by CloudFront's clock: a wrong clock here must be one finding, not three.
        skew = 0.0 if date is None else date - now
        try:
            yield from _examine_signed(wanted, wanted.signer, fetch, lambda: int(clock() + skew))
        except NoAnswer as error:
            yield _no_answer(wanted, error)


def _examine_signed(
    wanted: RequestedObject, signer: Signer, fetch: Fetch, now: answers.Clock
) -> Iterator[Finding]:
    def sign(until: float) -> str:
        return signer.sign_url(wanted.url, date_less_than=int(until))

    answer = fetch(sign(now() + PROBE_SECONDS), {})
    signed = answers.check_common(answer, wanted.url) or answers.check_signed(
        answer, wanted.url, why_no_object=wanted.why_no_object
    )
    if signed.id == "html-answer" and wanted.why_no_object:
        what = f"{signed.what} {wanted.why_no_object}, and an error page may hide the answer of S3."
        signed = replace(signed, what=what)
    yield signed
    # An answer of S3 counts as well: CloudFront has accepted the request.
    if not answer.is_served and answer.responder is not Responder.S3:
        return
    # Browsers, proxies and people change URLs like this: they add a parameter.
    tampered = fetch(sign(now() + PROBE_SECONDS) + "&cfsigned=1", {})
    yield from answers.check_refused(tampered, "A changed URL", wanted.url)
    expired = fetch(sign(now() - _DAY), {})
    yield from answers.check_refused(expired, "An expired URL", wanted.url)
    if wanted.may_be_open:
        with suppress(NoAnswer):
            yield from answers.check_respelled(fetch, wanted.url, answer)
    if wanted.cors_origins and answer.is_served:
        url = sign(now() + PROBE_SECONDS)
        yield from answers.check_cors(
            fetch,
            url,
            wanted.url,
            wanted.cors_origins,
            without_origin=answer,
            credentials=wanted.uses_cookies,
        )


def _no_answer(wanted: RequestedObject, error: NoAnswer) -> Finding:
    host, fix = wanted.url.split("/")[2], None
    if is_local_host(host):
        local = "manage.py cfsigned_edge"
        fix = f"Start it: {local}"
        if wanted.distribution_id:
            port = host.partition(":")[2] or "80"
            edge = f"demo_project.edge {wanted.distribution_id} --port {port} --domain {host}"
            fix = f"Start it. With the demo's emulator: python -m {edge}. Else: {local}"
    return finding("no-answer", "AWS_S3_CUSTOM_DOMAIN", fix=fix, host=host, error=error)
