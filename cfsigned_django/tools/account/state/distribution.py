"""Judge and plan the distribution: its domain, its origin and its behavior."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cfsigned_django.tools.account.account import AwsDistribution
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.behavior import (
    LEGACY_CACHE_FIELDS,
    list_of,
    listed,
    misplaced_patterns,
    overtaken_patterns,
    patch_behavior,
    replace_behavior,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
    attachment_of,
    certificate_of,
    find_origin,
    replace_origin,
    with_domain,
)
from cfsigned_django.tools.account.documents.origins import is_access_point, origins_of
from cfsigned_django.tools.account.documents.policies import name_of
from cfsigned_django.tools.account.state.exposure import exposure_facts, named
from cfsigned_django.tools.account.state.facts import Fact, Level, fact
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.account.state.steps import (
    NOT_YET,
    Call,
    SetupStep,
    conflict,
    create,
    decision,
    done,
    todo,
)
from cfsigned_django.tools.account.state.wanted import OriginAccess

#: The step that waits until every edge has the configuration.
DEPLOYED = "deployed"


def distribution_facts(site: SiteInAws) -> Iterator[Fact]:
    """Yield what is wrong with the distribution itself."""
    account, host = site.account, site.wanted.host
    found = account.distribution
    if found is None:
        if account.has_looked_for_distribution:
            name = f"the domain {host}" if host else f"the bucket {site.wanted.bucket}"
            values = {"account": account.account_id, "name": name}
            yield fact("no-distribution", "AWS_S3_CUSTOM_DOMAIN", **values)
        return
    yield from _check_distribution(site, found)


def _check_distribution(site: SiteInAws, found: AwsDistribution) -> Iterator[Fact]:
    if not found.config["Enabled"]:
        yield fact("distribution-disabled", found.id, distribution=found.id)
    if not found.is_deployed:
        values = {"distribution": found.id, "status": found.status}
        yield fact("distribution-deploying", found.id, **values)
    if found.is_multi_tenant:
        host = site.wanted.host or "the domain"
        yield fact("distribution-multi-tenant", found.id, distribution=found.id, host=host)
    elif not site.wanted.is_local and not site.has_domain:
        yield _not_a_domain(site, found)


def _not_a_domain(site: SiteInAws, found: AwsDistribution) -> Fact:
    names = ", ".join([found.domain_name, *found.aliases])
    values = {"host": site.wanted.host, "distribution": found.id, "names": names}
    return fact("domain-not-alias", "AWS_S3_CUSTOM_DOMAIN", **values)


def behavior_facts(site: SiteInAws) -> Iterator[Fact]:
    """Yield what is wrong with the behavior of the private files, and with others beside it."""
    if site.config is None or site.behavior is None:
        return
    faults = [
        *_check_restriction(site, site.behavior),
        *exposure_facts(site),
        *_check_connection(site, site.config, site.behavior),
    ]
    yield from faults
    if all(each.level is Level.OK for each in faults):
        yield _about("behavior", site)


def _about(fact_id: str, site: SiteInAws, **values: str) -> Fact:
    """Return a fact about the behavior of the private files."""
    name, wanted = named(site.wanted.path_pattern), site.wanted
    return fact(fact_id, name, behavior=name, files=wanted.location or wanted.files, **values)


def _check_restriction(site: SiteInAws, behavior: Document) -> Iterator[Fact]:
    groups, signers = trusted_key_groups(behavior), trusted_signers(behavior)
    wished = site.wanted.key_group_id
    trusted = {"Enabled": True, **list_of([*groups, wished])}
    paste = {"TrustedKeyGroups": trusted} if wished else None
    if signers and groups:
        yield _about("trusted-signers", site, accounts=", ".join(signers))
    elif signers:
        found = _about("only-trusted-signers", site, accounts=", ".join(signers))
        yield replace(found, paste=paste)
    elif not groups:
        yield replace(_about("behavior-open", site), paste=paste)
    if groups and wished and wished not in groups:
        values = {"groups": ", ".join(groups), "key_group": wished}
        yield replace(_about("group-not-on-behavior", site, **values), paste=paste)


def _check_connection(site: SiteInAws, config: Document, behavior: Document) -> Iterator[Fact]:
    if behavior.get("ViewerProtocolPolicy") == "allow-all" and not site.wanted.is_local:
        yield _about("plain-http", site)
    if config.get("IsIPV6Enabled"):
        yield fact("ipv6-note", "IPv6 of the distribution")


def origin_facts(site: SiteInAws) -> Iterator[Fact]:
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


def _other_origin(site: SiteInAws, config: Document, behavior: Document | None) -> Fact:
    """Return what the behavior, or the distribution of a new one, reads in place of the bucket."""
    origins = listed(config.get("Origins")) if behavior is None else origins_of(config, behavior)
    points = [each["DomainName"] for each in origins if is_access_point(each)]
    domains = [str(each["DomainName"]) for each in origins]
    websites = [each for each in domains if "s3-website" in each]
    kind = "origin-access-point" if points else "origin-website" if websites else None
    target = "" if behavior is None else behavior["TargetOriginId"]
    # If there is no origin, only its ID can be named.
    return fact(
        kind or "origin-not-bucket",
        f"origin {target}" if target else "origins",
        behavior="the distribution" if behavior is None else named(site.wanted.path_pattern),
        hosts=" and ".join(points or websites or domains)
        or f"an origin that does not exist ({target})",
        bucket=site.wanted.bucket,
    )


def _check_path(site: SiteInAws, origin: Document) -> Iterator[Fact]:
    if folder := origin.get("OriginPath"):
        location = site.wanted.location or "/"
        subject = f"origin {origin['Id']}"
        yield fact("origin-path", subject, folder=f"{folder}{location}", location=location)


def _check_access(site: SiteInAws, origin: Document) -> Iterator[Fact]:
    control_id, identity_id = access_control_of(origin), access_identity_of(origin)
    subject = f"origin {origin['Id']}"
    if control_id and identity_id:
        values = {"access_control": control_id, "identity": identity_id}
        yield fact("two-origin-accesses", subject, **values)
    elif not control_id and not identity_id:
        usable = [
            each.id
            for each in site.account.access_controls or ()
            if each.config.get("SigningBehavior") == "always"
            and each.config.get("OriginAccessControlOriginType") == "s3"
        ]
        paste = {"OriginAccessControlId": usable[0]} if usable else None
        yield replace(fact("no-origin-access", subject), paste=paste)
    yield from unsigned(site, control_id)


def unsigned(site: SiteInAws, control_id: str) -> Iterator[Fact]:
    """Yield whether an access control does not sign every request."""
    for each in site.account.access_controls or ():
        signing = each.config.get("SigningBehavior")
        if each.id == control_id and signing != "always":
            values = {"access_control": f"{each.name} ({each.id})", "signing": signing}
            yield fact("origin-access-unsigned", each.id, **values)


def distribution_step(site: SiteInAws) -> SetupStep:
    """Return the step that creates the distribution, or finds it."""
    found = site.account.distribution
    if found is not None:
        wrong = {each.id: each for each in _check_distribution(site, found)}
        if "distribution-disabled" in wrong:
            return decision(wrong["distribution-disabled"])
        if found.is_multi_tenant:
            return decision(wrong["distribution-multi-tenant"], blocks=True)
        if site.access_points or site.serves_other_origin:
            return decision(_other_origin(site, found.config, site.behavior), blocks=True)
        return done("distribution", f"{found.id} exists as {found.domain_name}")
    if not site.wanted.creates_distribution:
        return conflict(
            "distribution",
            f"none is given, and cfsigned_setup has created none for {site.wanted.bucket} in "
            f"account {site.account.account_id}: use --create to create one, or --distribution "
            "ID for an existing one",
            blocks=True,
        )
    config = site.wanted_config()
    why = "there is none for the bucket; the new one requires signatures from the start"
    if site.wanted.host and not site.wanted.certificate:
        why += (
            f". {site.wanted.host} is not one of its domain names, since that needs an ACM "
            "certificate in us-east-1: --certificate ARN"
        )
    return create("distribution", why, "CreateDistribution", {"DistributionConfig": config})


def behavior_steps(site: SiteInAws) -> Iterator[SetupStep]:
    """Return the steps that change an existing distribution."""
    found = site.account.distribution
    if found is None or not site.changes_distribution:
        return
    yield _origin(site, found)
    yield _behavior(site, found)
    if site.wanted.host and site.wanted.host != found.domain_name:
        yield _domain(site, found)


def deployed_step(site: SiteInAws, *, changes: bool) -> SetupStep:
    """Return the wait for every edge; ``changes`` is whether there is something to wait for."""
    found = site.account.distribution
    if changes or found is None:
        return todo(DEPLOYED, "every edge must get the change, which takes some minutes")
    if not found.is_deployed:
        return todo(DEPLOYED, f"its status is {found.status}: edges are still being updated")
    return done(DEPLOYED, "every edge has the configuration")


def update_call(found: AwsDistribution, config: Document) -> Call:
    """Return the call that gives a distribution a whole configuration."""
    return Call(
        service="cloudfront",
        operation="UpdateDistribution",
        arguments={"Id": found.id, "IfMatch": found.etag, "DistributionConfig": config},
    )


def _origin(site: SiteInAws, found: AwsDistribution) -> SetupStep:
    wanted = site.wanted_origin()
    present = find_origin(found.config, wanted["Id"])
    if present == wanted:
        way = site.origin_access.value.upper()
        return done("origin", f"CloudFront reads the bucket through its {way}")
    return todo(
        "origin",
        _why_origin(site.origin_access, present),
        call=update_call(found, replace_origin(found.config, wanted)),
        before=present,
        after=wanted,
    )


def _why_origin(wanted: OriginAccess, present: Mapping[str, Any] | None) -> str:
    """Return why an origin gets access, and what ends if it has another kind of access."""
    attached = attachment_of(present or {})
    if attached is None:
        return (
            f"CloudFront must sign its requests to S3 ({wanted.value.upper()}), or the bucket "
            "would have to be public"
        )
    change, ends = (
        ("OAI -> OAC", f"as the identity {attached.access_identity_id}")
        if wanted is OriginAccess.OAC
        else ("OAC -> OAI", f"by the access control {attached.access_control_id}")
    )
    return (
        f"{change}, as --origin-access requests: CloudFront no longer reads {ends}. Its statement "
        "stays in the bucket policy; remove it when no other origin uses it"
    )


def _behavior(site: SiteInAws, found: AwsDistribution) -> SetupStep:
    before, after, pattern = site.behavior, site.wanted_behavior(), site.wanted.path_pattern
    if before == after:
        return done("behavior", f"it trusts the key group {site.key_group_id}")
    if pattern is not None and (misplaced := misplaced_patterns(found.config, pattern)):
        return _no_place(pattern, *misplaced)
    return todo(
        "behavior",
        _why_new_behavior(found, pattern) if before is None else _why_behavior(before, after),
        call=update_call(found, site.wanted_config()),
        before=before,
        after=after,
    )


def _no_place(pattern: str, earlier: str, specific: list[str]) -> SetupStep:
    """Return a conflict: a person decides, since moving a behavior changes what it serves."""
    names = ", ".join(specific)
    return conflict(
        "behavior",
        f"there is no correct position for {pattern}: it must come after the more specific "
        f"{names}, but then {earlier} comes first and takes files of {pattern}. In CloudFront > "
        f"Distribution > Behaviors, move {names} before {earlier}, then run this command again",
        blocks=True,
    )


def _why_new_behavior(found: AwsDistribution, pattern: str | None) -> str:
    why = "no behavior has this path pattern"
    overtaken = overtaken_patterns(found.config, pattern) if pattern else []
    return (
        f"{why}; the new one is tried before {', '.join(overtaken)}, and takes what both match"
        if overtaken
        else why
    )


def _why_behavior(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    reasons = []
    if trusted_key_groups(before) != trusted_key_groups(after):
        reasons.append("URLs must be signed by a key of the key group; unsigned URLs stop working")
    if before.get("ViewerProtocolPolicy") != after["ViewerProtocolPolicy"]:
        reasons.append("signed URLs must not be sent unencrypted")
    reasons += [
        f"the {words} becomes {name_of(after[field]).replace(NOT_YET, 'the new one')}"
        for field, words in (
            ("CachePolicyId", "cache policy"),
            ("OriginRequestPolicyId", "origin request policy"),
            ("ResponseHeadersPolicyId", "response headers policy"),
        )
        if before.get(field) != after.get(field)
    ]
    return "; ".join([*reasons, *_losses(before, after)])


def _losses(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is removed because CloudFront allows no cache policy beside older fields."""
    gone = [each for each in LEGACY_CACHE_FIELDS if each in before and each not in after]
    if not gone:
        return
    old = before.get("ForwardedValues") or {}
    forwarded = {
        "query strings": old.get("QueryString"),
        "cookies": (old.get("Cookies") or {}).get("Forward", "none") != "none",
        "headers": listed(old.get("Headers")),
    }
    names = ", ".join(name for name, is_there in forwarded.items() if is_there)
    yield (
        f"{', '.join(gone)} are removed, because CloudFront allows no cache policy beside them"
        + (
            f": what they forward ({names}) then reaches the origin only as the policies allow"
            if names
            else ""
        )
    )


def _domain(site: SiteInAws, found: AwsDistribution) -> SetupStep:
    host, certificate = site.wanted.host, site.wanted.certificate
    if site.has_domain:
        return done(
            "domain",
            f"{host} is an alternate domain name of {found.id}; its DNS must point to "
            f"{found.domain_name}",
        )
    if not certificate:
        return decision(_not_a_domain(site, found))
    config = with_domain(found.config, host, certificate)
    fields = ("Aliases", "ViewerCertificate")
    return todo(
        "domain",
        f"{host} becomes an alternate domain name, with the certificate; point its DNS to "
        f"{found.domain_name} yourself{_replaced(found, certificate)}",
        call=update_call(found, config),
        before={each: found.config.get(each) for each in fields},
        after={each: config[each] for each in fields},
    )


def _replaced(found: AwsDistribution, certificate: str) -> str:
    """Return which names get another certificate, since a distribution has one for all."""
    present = certificate_of(found.config)
    if not present or present == certificate or not found.aliases:
        return ""
    names = ", ".join(found.aliases)
    return (
        f". The certificate replaces {present}, which {names} "
        f"{'uses' if len(found.aliases) == 1 else 'use'} now: it must also cover "
        f"{'that name' if len(found.aliases) == 1 else 'these names'}"
    )


def trusted_signers_steps(site: SiteInAws) -> Iterator[SetupStep]:
    """Return the step that ends the trust in AWS accounts, which a person must decide."""
    found, behavior = site.account.distribution, site.behavior
    if found is None or behavior is None or not trusted_signers(behavior):
        return
    accounts = ", ".join(trusted_signers(behavior))
    if not site.wanted.drops_trusted_signers:
        yield decision(_about("trusted-signers", site, accounts=accounts))
        return
    after = patch_behavior(behavior, site.key_group_id, drops_trusted_signers=True)
    yield todo(
        "trusted-signers",
        f"key pairs of AWS accounts ({accounts}) must no longer sign: their signed URLs stop "
        "working",
        call=update_call(found, replace_behavior(found.config, site.wanted.path_pattern, after)),
        before=behavior,
        after=after,
    )
