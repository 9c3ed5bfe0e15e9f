"""Plan the distribution: its origin, its behavior, and what a person must know about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    BehaviorWish,
    earlier_open_patterns,
    find_behavior,
    patch_behavior,
    replace_behavior,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.aws.documents.distribution import find_origin, replace_origin, with_domain
from cfsigned_django.aws.documents.managed_policies import name_of
from cfsigned_django.aws.provisioning.steps import Call, Step, conflict, done, todo
from cfsigned_django.aws.provisioning.target import Target
from cfsigned_django.aws.stack import Distribution

#: The step that waits until every edge has the configuration.
DEPLOYED = "deployed"


def distribution_step(target: Target) -> Step:
    """Return what makes the distribution, or finds it."""
    found = target.stack.distribution
    if found is not None:
        if not found.config["Enabled"]:
            return conflict(
                "distribution",
                f"{found.id} is disabled, so CloudFront answers nobody: enable it in CloudFront",
            )
        if target.serves_other_origin:
            return _other_origin(target)
        return done("distribution", f"{found.id} is there, as {found.domain_name}")
    if not target.wish.creates_distribution:
        return conflict(
            "distribution",
            f"none is named, and cfsigned_setup has made none for {target.wish.bucket} in account "
            f"{target.stack.account_id}: --create makes one, --distribution ID takes one that is "
            "there",
            blocks=True,
        )
    config = target.wanted_config()
    why = "there is none for the bucket; it wants signatures from its first moment"
    if target.host and not target.wish.certificate:
        why += (
            f". {target.host} is not among its names, for that needs a certificate of ACM in "
            "us-east-1: --certificate ARN"
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


def behavior_steps(target: Target) -> Iterator[Step]:
    """Return what changes a distribution that is there."""
    found = target.stack.distribution
    if found is None:
        return
    if target.serves_other_origin:
        return
    yield _origin(target, found)
    yield _behavior(target, found)
    if target.host and target.host != found.domain_name:
        yield _domain(target, found)


def after_steps(target: Target) -> Iterator[Step]:
    """Return what comes when every edge has the change, and what a person must decide."""
    found = target.stack.distribution
    if found is None:
        return
    if target.behavior and trusted_signers(target.behavior):
        yield _trusted_signers(target, found)
    if patterns := list(_leaking_patterns(target, found)):
        yield conflict(
            "earlier-behaviors",
            f"CloudFront tries {', '.join(patterns)} first, where no signature is wanted: what "
            "they match is open to everybody. Restrict them, too (--path-pattern), if they "
            "serve private files",
        )
    if lacking := target.origins_without_cors:
        yield conflict(
            "response-headers-policy",
            f"the one on the behavior ({target.behavior_headers_policy}) sets CORS headers, and "
            f"not for {', '.join(lacking)}: add them to its Access-Control-Allow-Origin, in "
            "CloudFront > Policies > Response headers",
        )


def _leaking_patterns(target: Target, found: Distribution) -> Iterator[str]:
    """Return the open patterns that are tried first, and may serve the files or take their paths.

    Every pattern takes paths of the default behavior, such as those of a
    site's static files: there, only one that may read the bucket counts.
    """
    for pattern in earlier_open_patterns(found.config, target.wish.path_pattern):
        behavior = find_behavior(found.config, pattern) or {}
        origin = find_origin(found.config, behavior["TargetOriginId"])
        # A website endpoint is the bucket, too.
        bucket_hosts = f"{target.wish.bucket}.s3"
        is_elsewhere = origin is not None and not origin["DomainName"].startswith(bucket_hosts)
        if target.wish.path_pattern is not None or not is_elsewhere:
            yield pattern


def deployed_step(target: Target, *, changes: bool) -> Step:
    """Return the wait for every edge; ``changes`` says that there is something to wait for."""
    found = target.stack.distribution
    if changes or found is None:
        return todo(DEPLOYED, "every edge must have the change; it takes some minutes")
    if not found.is_deployed:
        return todo(DEPLOYED, f"its status is {found.status}: edges are still being told")
    return done(DEPLOYED, "every edge has the configuration")


def _other_origin(target: Target) -> Step:
    behavior = target.behavior or {}
    origin = target.origin
    serves = origin["DomainName"] if origin else behavior["TargetOriginId"]
    hint = "; a website endpoint takes no origin access control" if "s3-website" in serves else ""
    return conflict(
        "distribution",
        f"its behavior {target.wish.path_pattern or 'Default (*)'} serves {serves}, not the "
        f"bucket{hint}: name the paths of the private files, as in --path-pattern 'media/*'",
        blocks=True,
    )


def _origin(target: Target, found: Distribution) -> Step:
    wanted = target.wanted_origin()
    present = find_origin(found.config, wanted["Id"])
    way = target.wish.origin_access.value.upper()
    if present == wanted:
        return done("origin", f"CloudFront reads the bucket through its {way}")
    return todo(
        "origin",
        f"CloudFront must sign what it asks of S3 ({way}), else the bucket would have to be public",
        call=_update(found, replace_origin(found.config, wanted)),
        before=present,
        after=wanted,
    )


def _behavior(target: Target, found: Distribution) -> Step:
    before, after = target.behavior, target.wanted_behavior()
    if before == after:
        return done("behavior", f"it trusts the key group {target.key_group_id}")
    return todo(
        "behavior",
        _why_behavior(before, after),
        call=_update(found, target.wanted_config()),
        before=before,
        after=after,
    )


def _why_behavior(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    if before is None:
        return "there is none with this path pattern"
    reasons = []
    if trusted_key_groups(before) != trusted_key_groups(after):
        reasons.append("links must be signed by a key of the key group, and unsigned ones end")
    if before.get("ViewerProtocolPolicy") != after["ViewerProtocolPolicy"]:
        reasons.append("a signed link must not travel in the clear")
    reasons += [
        f"the {words} becomes {name_of(after[field])}"
        for field, words in (
            ("CachePolicyId", "cache policy"),
            ("OriginRequestPolicyId", "origin request policy"),
            ("ResponseHeadersPolicyId", "response headers policy"),
        )
        if before.get(field) != after.get(field)
    ]
    return "; ".join(reasons)


def _trusted_signers(target: Target, found: Distribution) -> Step:
    behavior = target.behavior or {}
    accounts = ", ".join(trusted_signers(behavior))
    if not target.wish.drops_trusted_signers:
        return conflict(
            "trusted-signers",
            f"the behavior also trusts the key pairs of AWS accounts ({accounts}), the old way: "
            "when the site signs with the key group, and the last link of the old keys has "
            "expired, --drop-trusted-signers takes them out",
        )
    after = patch_behavior(
        behavior, BehaviorWish(key_group_id=target.key_group_id, drops_trusted_signers=True)
    )
    return todo(
        "trusted-signers",
        f"key pairs of AWS accounts ({accounts}) shall no longer sign: their links end",
        call=_update(found, replace_behavior(found.config, target.wish.path_pattern, after)),
        before=behavior,
        after=after,
    )


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
        f"{found.domain_name}, which is yours to do",
        call=_update(found, config),
        before={each: found.config.get(each) for each in fields},
        after={each: config[each] for each in fields},
    )


def _update(found: Distribution, config: Document) -> Call:
    return Call(
        service="cloudfront",
        operation="UpdateDistribution",
        arguments={"Id": found.id, "IfMatch": found.etag, "DistributionConfig": config},
    )
