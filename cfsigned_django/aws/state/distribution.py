"""Plan the distribution: its origin, its behavior, and what a person must know about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfsigned_django.aws.account import Distribution
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    LEGACY_CACHE_FIELDS,
    listed,
    misplaced_patterns,
    overtaken_patterns,
    trusted_key_groups,
)
from cfsigned_django.aws.documents.distribution import (
    attachment_of,
    certificate_of,
    find_origin,
    replace_origin,
    with_domain,
)
from cfsigned_django.aws.documents.origins import origins_of
from cfsigned_django.aws.documents.policies import name_of
from cfsigned_django.aws.state.site import SiteInAws
from cfsigned_django.aws.state.steps import Call, Step, conflict, done, todo
from cfsigned_django.aws.state.wanted import OriginAccess

#: The step that waits until every edge has the configuration.
DEPLOYED = "deployed"


def distribution_step(site: SiteInAws) -> Step:
    """Return the step that creates the distribution, or finds it."""
    found = site.account.distribution
    if found is not None:
        if not found.config["Enabled"]:
            return conflict(
                "distribution",
                f"{found.id} is disabled, so CloudFront serves nothing: enable it in CloudFront",
            )
        if found.is_multi_tenant:
            return conflict(
                "distribution",
                f"{found.id} is a multi-tenant distribution, which cfsigned_setup does not change: "
                "its domain names belong to its tenants. Turn on Restrict viewer "
                "access, with a key group, for the behavior in CloudFront, and set "
                "AWS_S3_CUSTOM_DOMAIN to a domain of a tenant; or use another distribution",
                blocks=True,
            )
        if site.access_points:
            return _access_point(site)
        if site.serves_other_origin:
            return _other_origin(site)
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
    if site.host and not site.wanted.certificate:
        why += (
            f". {site.host} is not one of its domain names, since that needs an ACM certificate "
            "in us-east-1: --certificate ARN"
        )
    return todo(
        "distribution",
        why,
        call=Call(
            service="cloudfront",
            operation="CreateDistribution",
            arguments={"DistributionConfig": config},
        ),
        after=config,
    )


def behavior_steps(site: SiteInAws) -> Iterator[Step]:
    """Return the steps that change an existing distribution."""
    found = site.account.distribution
    if found is None or not site.changes_distribution:
        return
    yield _origin(site, found)
    yield _behavior(site, found)


def deployed_step(site: SiteInAws, *, changes: bool) -> Step:
    """Return the wait for every edge; ``changes`` is whether there is something to wait for."""
    found = site.account.distribution
    if changes or found is None:
        return todo(DEPLOYED, "every edge must get the change, which takes some minutes")
    if not found.is_deployed:
        return todo(DEPLOYED, f"its status is {found.status}: edges are still being updated")
    return done(DEPLOYED, "every edge has the configuration")


def update_call(found: Distribution, config: Document) -> Call:
    """Return the call that gives a distribution a whole configuration."""
    return Call(
        service="cloudfront",
        operation="UpdateDistribution",
        arguments={"Id": found.id, "IfMatch": found.etag, "DistributionConfig": config},
    )


def _access_point(site: SiteInAws) -> Step:
    """Return a conflict: neither a second origin nor another policy may be guessed."""
    where = "the distribution" if site.behavior is None else "its behavior"
    return conflict(
        "distribution",
        f"{where} reads S3 through an access point ({', '.join(site.access_points)}), and "
        f"CloudFront does not show whether {site.wanted.bucket} is behind it. If it is, let the "
        "policies of the access point and of the bucket allow the distribution, and restrict the "
        "behavior to the key group, in the AWS console. If it is not, add the bucket as an origin "
        "in CloudFront, or give other paths (--path-pattern)",
        blocks=True,
    )


def _other_origin(site: SiteInAws) -> Step:
    behavior = site.behavior or {}
    origins = origins_of(site.config or {}, behavior)
    # If there is no origin, only its ID can be named.
    serves = " and ".join(each["DomainName"] for each in origins) or behavior["TargetOriginId"]
    hint = (
        "; a website endpoint cannot have an origin access control"
        if "s3-website" in serves
        else ""
    )
    return conflict(
        "distribution",
        f"its behavior {site.wanted.path_pattern or 'Default (*)'} serves {serves}, not the "
        f"bucket{hint}: give the paths of the private files, as in --path-pattern 'media/*'",
        blocks=True,
    )


def _origin(site: SiteInAws, found: Distribution) -> Step:
    wanted = site.wanted_origin()
    present = find_origin(found.config, wanted["Id"])
    if present == wanted:
        way = site.origin_access.value.upper()
        return done(
            "origin", f"CloudFront reads the bucket through its {way}{_origin_path_note(wanted)}"
        )
    return todo(
        "origin",
        f"{_why_origin(site.origin_access, present)}{_origin_path_note(wanted)}",
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


def _origin_path_note(origin: Mapping[str, Any]) -> str:
    """Return what an origin path means for the files of a storage."""
    folder = origin.get("OriginPath")
    if not folder:
        return ""
    return (
        f". Note its origin path: CloudFront looks for every file under {folder}, but the storage "
        "of the site does not save there unless it is configured to"
    )


def _behavior(site: SiteInAws, found: Distribution) -> Step:
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


def _no_place(pattern: str, earlier: str, specific: list[str]) -> Step:
    """Return a conflict: a person decides, since moving a behavior changes what it serves."""
    names = ", ".join(specific)
    return conflict(
        "behavior",
        f"there is no correct position for {pattern}: it must come after {names}, which are more "
        f"specific, but then {earlier} comes first and takes files of {pattern}. In CloudFront > "
        f"Distribution > Behaviors, move {names} before {earlier}, then run this command again",
        blocks=True,
    )


def _why_new_behavior(found: Distribution, pattern: str | None) -> str:
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
        f"the {words} becomes {name_of(after[field])}"
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


def domain_steps(site: SiteInAws) -> Iterator[Step]:
    """Return the step that adds the domain to an existing distribution."""
    found = site.account.distribution
    if found is None or not site.changes_distribution:
        return
    if site.host and site.host != found.domain_name:
        yield _domain(site, found)


def _domain(site: SiteInAws, found: Distribution) -> Step:
    host, certificate = site.host, site.wanted.certificate
    if site.has_domain:
        return done(
            "domain",
            f"{host} is an alternate domain name of {found.id}; its DNS must point to "
            f"{found.domain_name}",
        )
    if not certificate:
        return conflict(
            "domain",
            f"{host} is not an alternate domain name of {found.id}, and needs a certificate: "
            "request an ACM certificate for it in us-east-1, add --certificate ARN, and point its "
            f"DNS (a CNAME or alias record) to {found.domain_name}. Until then, only "
            f"{found.domain_name} works",
        )
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


def _replaced(found: Distribution, certificate: str) -> str:
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
