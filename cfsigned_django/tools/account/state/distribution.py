"""Judge the distribution: its domain, its origin and its behavior."""

from __future__ import annotations

from collections.abc import Iterator

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
    covers,
    is_access_point,
    names_bucket,
    origins_of,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.tools.account.state.other_behaviors import about, judge_trust, named, others
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.catalog import Finding, finding, with_paste


def judge_distribution(site: SiteInAws) -> Iterator[Finding]:
    """Yield what is wrong with the distribution itself."""
    account, host = site.account, site.wanted.host
    found = account.distribution
    if found is None:
        if account.has_looked_for_distribution:
            values = {"account": account.account_id, "host": host}
            yield finding("no-distribution", "AWS_S3_CUSTOM_DOMAIN", **values)
        return
    names = [found.domain_name, *found.aliases]
    if not found.config["Enabled"]:
        yield finding("distribution-disabled", found.id, distribution=found.id)
    mutual = found.config.get("ViewerMtlsConfig")  # "required" is the default of its mode
    if mutual and mutual.get("Mode", "required") == "required":
        yield finding("viewer-certificates", found.id, distribution=found.id)
    if found.status != "Deployed":
        values = {"distribution": found.id, "status": found.status}
        yield finding("distribution-deploying", found.id, **values)
    if found.config.get("ConnectionMode") == "tenant-only":
        values = {"distribution": found.id, "host": host or "the domain"}
        yield finding("distribution-multi-tenant", found.id, **values)
    elif host and not site.wanted.is_local and not any(covers(each, host) for each in names):
        values = {"host": host, "distribution": found.id, "names": ", ".join(names)}
        yield finding("domain-not-alias", "AWS_S3_CUSTOM_DOMAIN", **values)


def judge_behavior(site: SiteInAws) -> Iterator[Finding]:
    """Yield what is wrong with the behavior of the private files, and with others beside it."""
    if site.config is None or site.behavior is None:
        return
    yield from _check_restriction(site, site.behavior)
    for each in others(site, site.config, site.behavior):
        yield from each.judge()
    if site.behavior.get("ViewerProtocolPolicy") == "allow-all" and not site.wanted.is_local:
        yield about(site, site.behavior, "plain-http")
    if site.unknown_reads:
        reasons = " and ".join(site.unknown_reads)
        yield about(site, site.behavior, "delivery-unknown", reasons=reasons)


def _check_restriction(site: SiteInAws, behavior: Document) -> Iterator[Finding]:
    groups, signers = trusted_key_groups(behavior), trusted_signers(behavior)
    wished = site.wanted.key_group_id
    names = {each.id: each.name for each in site.account.key_groups or ()}
    form = "In the AWS console: Behaviors > Edit > Restrict viewer access: Yes > Trusted key groups"
    paste = (
        f"{form} > Add key groups: {names.get(wished, 'the group')} ({wished})." if wished else None
    )
    if signers and groups:
        yield about(site, behavior, "trusted-signers", accounts=", ".join(signers))
    elif not signers and not groups:
        yield with_paste(about(site, behavior, "behavior-open", way=""), paste)
    for each in judge_trust(site, behavior):
        yield with_paste(each, paste)


def judge_origin(site: SiteInAws) -> Iterator[Finding]:
    """Yield what is wrong with the origin that the behavior reads.

    In an origin group, only the origin that is the bucket is checked.
    """
    if site.config is None or site.behavior is None or not site.wanted.bucket:
        return
    if site.origin is None:
        yield _other_origin(site, site.config, site.behavior)
        for each in origins_of(site.config, site.behavior):
            if is_access_point(each):
                yield from (*_check_access(site, each), *_check_path(site, each))
        return
    yield from _check_access(site, site.origin)
    yield from _check_path(site, site.origin)


def _other_origin(site: SiteInAws, config: Document, behavior: Document) -> Finding:
    """Return what the behavior reads in place of the bucket."""
    origins = origins_of(config, behavior)
    points = [each["DomainName"] for each in origins if is_access_point(each)]
    domains = [str(each["DomainName"]) for each in origins]
    hosts = [f"{each}, a website endpoint" if "s3-website" in each else each for each in domains]
    target, bucket = behavior["TargetOriginId"], f"the bucket {site.wanted.bucket}"
    for each in domains:
        if names_bucket(each, site.wanted.bucket):
            hosts, bucket = [f"{each} as a custom origin"], f"as {bucket}"
    # If there is no origin, only its ID can be named.
    return finding(
        "origin-access-point" if points else "origin-not-bucket",
        f"origin {target}",
        behavior=named(behavior),
        hosts=" and ".join(points or hosts) or f"an origin that does not exist ({target})",
        bucket=bucket,
    )


def _check_path(site: SiteInAws, origin: Document) -> Iterator[Finding]:
    if folder := origin.get("OriginPath"):
        location = site.wanted.location or "/"
        subject = f"origin {origin['Id']}"
        yield finding("origin-path", subject, folder=f"{folder}{location}", location=location)


def _check_access(site: SiteInAws, origin: Document) -> Iterator[Finding]:
    control_id, identity_id = access_control_of(origin), access_identity_of(origin)
    subject = f"origin {origin['Id']}"
    if control_id and identity_id:
        present = f"the access control {control_id} and the identity {identity_id}"
        yield finding("origin-access", subject, present=present)
    elif not control_id and not identity_id:
        usable = [
            f"{each.name} ({each.id})"
            for each in site.account.access_controls or ()
            if each.config.get("SigningBehavior") == "always"
            and each.config.get("OriginAccessControlOriginType") == "s3"
        ]
        form = "In the AWS console: Origins > Edit > Origin access control settings"
        paste = f"{form} > Origin access control: {usable[0]}." if usable else None
        present = "neither an access control nor an identity"
        yield with_paste(finding("origin-access", subject, present=present), paste)
    for each in site.account.access_controls or ():
        signing = str(each.config.get("SigningBehavior"))
        if each.id == control_id and signing != "always":
            values = {"access_control": f"{each.name} ({each.id})", "signing": signing}
            yield finding("origin-access-unsigned", each.id, **values)
