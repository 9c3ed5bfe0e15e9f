"""Plan the domain of one's own, and the certificate that it needs."""

from __future__ import annotations

from collections.abc import Iterator

from cfsigned_django.aws.account import Distribution
from cfsigned_django.aws.documents.distribution import certificate_of, with_domain
from cfsigned_django.aws.provisioning.distribution_steps import update_call
from cfsigned_django.aws.provisioning.resolved_state import Target
from cfsigned_django.aws.provisioning.steps import Step, conflict, done, todo


def domain_steps(target: Target) -> Iterator[Step]:
    """Return what gives a distribution that is there the domain, if it is not CloudFront's own."""
    found = target.stack.distribution
    if found is None or target.serves_other_origin:
        return
    if target.host and target.host != found.domain_name:
        yield _domain(target, found)


def _domain(target: Target, found: Distribution) -> Step:
    host, certificate = target.host, target.wish.certificate
    if target.has_domain:
        return done(
            "domain",
            f"{host} is an alternate domain name of {found.id}; its DNS must lead to "
            f"{found.domain_name}",
        )
    if not certificate:
        return conflict(
            "domain",
            f"{host} is no alternate domain name of {found.id}, and needs a certificate: request "
            "one for it of ACM in us-east-1, say --certificate ARN, and let its DNS (a CNAME or "
            f"alias record) lead to {found.domain_name}. Until then, only "
            f"{found.domain_name} answers",
        )
    config = with_domain(found.config, host, certificate)
    fields = ("Aliases", "ViewerCertificate")
    return todo(
        "domain",
        f"{host} becomes an alternate domain name, with the certificate; its DNS must lead to "
        f"{found.domain_name}, which is yours to do{_replaced(found, certificate)}",
        call=update_call(found, config),
        before={each: found.config.get(each) for each in fields},
        after={each: config[each] for each in fields},
    )


def _replaced(found: Distribution, certificate: str) -> str:
    """Say which names get another certificate: a distribution has one for all."""
    present = certificate_of(found.config)
    if not present or present == certificate or not found.aliases:
        return ""
    names = ", ".join(found.aliases)
    return (
        f". The certificate takes the place of {present}, which {names} "
        f"{'has' if len(found.aliases) == 1 else 'have'} now: it must be for "
        f"{'that name' if len(found.aliases) == 1 else 'these names'} as well"
    )
