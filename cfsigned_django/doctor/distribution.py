"""Check what AWS's API says of a distribution, its behaviors and the keys that it trusts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from cfsigned_django.aws.account import Bucket, Distribution, KeyGroup
from cfsigned_django.aws.client import AwsError
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    behaviors,
    is_open,
    matches,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.aws.documents.distribution import covers
from cfsigned_django.aws.inspection import Inspection
from cfsigned_django.aws.key_groups import ListedPublicKey
from cfsigned_django.doctor.bucket import judge_bucket, judge_origin
from cfsigned_django.doctor.catalog import finding
from cfsigned_django.doctor.delivery import judge_delivery
from cfsigned_django.doctor.exposed_paths import judge_leaks
from cfsigned_django.doctor.findings import Finding, Level, begin, named
from cfsigned_django.doctor.site import Target

#: After so long the admin calls a key old as well.
OLD = timedelta(days=90)


def judge_aws(found: Inspection, target: Target, *, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong at AWS, and for each part that is in order, that it is."""
    for problem in found.problems:
        yield from_aws_error(problem)
    distribution = found.distribution
    if distribution is None:
        if found.has_listed:
            account = f" {found.account_id}" if found.account_id else ""
            what = f"No distribution of the AWS account{account} has the domain {target.host}."
            yield finding("no-distribution", what, subject="AWS_S3_CUSTOM_DOMAIN")
        yield from _judge_keys(found, target, [], now=now)
        yield from judge_bucket(found.bucket, target, None, None)
        return
    behavior = serving_behavior(distribution.config, target.path)
    yield from _or_well(
        _judge_distribution(distribution, target),
        finding(
            "distribution", f"{distribution.id} is enabled and Deployed.", subject=distribution.id
        ),
    )
    yield from judge_behavior(distribution, behavior, target, found.bucket)
    yield from _judge_keys(found, target, trusted_key_groups(behavior), now=now)
    yield from judge_origin(found, behavior, target)
    yield from judge_bucket(found.bucket, target, distribution, behavior)
    yield from judge_delivery(found, behavior, target)


def from_aws_error(error: AwsError) -> Finding:
    """Return what kept AWS from being read, as a finding."""
    return finding(
        "aws-unreadable",
        f"Could not {error.what}: {error.reason}.",
        subject=error.permission or "AWS",
        why=why_unread(error.permission),
        fix=error.next_step,
    )


def _or_well(findings: Iterator[Finding], well: Finding) -> Iterator[Finding]:
    """Yield the findings, and that all is well where none is worse than a note."""
    is_well = True
    for each in findings:
        is_well = is_well and each.level is Level.OK
        yield each
    if is_well:
        yield well


def _judge_distribution(distribution: Distribution, target: Target) -> Iterator[Finding]:
    subject = distribution.id
    if not distribution.config["Enabled"]:
        yield finding("distribution-disabled", f"{subject} is disabled.", subject=subject)
    if not distribution.is_deployed:
        what = f"{subject} is {distribution.status}, not yet Deployed."
        yield finding("distribution-deploying", what, subject=subject)
    names = [distribution.domain_name, *distribution.aliases]
    if not target.is_local and not any(covers(each, target.host) for each in names):
        what = f"{target.host} is not a domain of {subject}, which has {', '.join(names)}."
        yield finding("domain-not-alias", what, subject="AWS_S3_CUSTOM_DOMAIN")


def _judge_keys(
    found: Inspection, target: Target, trusted_groups: list[str], *, now: datetime
) -> Iterator[Finding]:
    if target.key_pair_id is None:
        return
    faults = [
        *_judge_public_key(found, target, now=now),
        *_judge_groups(found, target, trusted_groups),
    ]
    yield from faults
    if not faults and found.public_keys is not None and found.key_groups is not None:
        what = f"CloudFront has {target.key_pair_id}, and the key group holds it."
        yield finding("keys", what, subject=target.key_pair_id)


def _judge_public_key(found: Inspection, target: Target, *, now: datetime) -> Iterator[Finding]:
    if found.public_keys is None or target.public_key is None:
        return
    key_pair_id, pem = str(target.key_pair_id), target.public_key.to_pem()
    listed = next((each for each in found.public_keys if each.key_pair_id == key_pair_id), None)
    twins = [each.key_pair_id for each in found.public_keys if each.holds(pem)]
    here = f" The private key belongs to {' and '.join(twins)}." if twins else ""
    if listed is None:
        what = f"The AWS account has no public key {key_pair_id}.{here}"
        yield finding("key-unknown", what, subject="AWS_CLOUDFRONT_KEY_ID")
    elif not listed.holds(pem):
        what = f"The public key {key_pair_id} is not the other half of the private key.{here}"
        yield finding("key-mismatch", what, subject="AWS_CLOUDFRONT_KEY")
    elif _is_old(listed, now):
        what = f"{key_pair_id} was created on {listed.created_at:%Y-%m-%d}."
        yield finding("key-old", what, subject=key_pair_id)


def _is_old(listed: ListedPublicKey, now: datetime) -> bool:
    return listed.created_at is not None and now - listed.created_at > OLD


def _judge_groups(
    found: Inspection, target: Target, trusted_groups: list[str]
) -> Iterator[Finding]:
    if found.key_groups is None:
        return
    by_id = {each.id: each for each in found.key_groups}
    wanted = target.key_group_id
    if wanted and wanted not in by_id:
        what = f"The AWS account has no key group {wanted}."
        yield finding("no-key-group", what, subject="AWS_CLOUDFRONT_KEY_GROUP_ID")
        return
    groups = [by_id[each] for each in ([wanted] if wanted else trusted_groups) if each in by_id]
    listed = {each.key_pair_id for each in found.public_keys or ()}
    # A key that CloudFront does not have is one finding, not two.
    is_there = found.public_keys is None or target.key_pair_id in listed
    if groups and is_there and not any(target.key_pair_id in each.key_pair_ids for each in groups):
        yield _not_in_group(groups, str(target.key_pair_id))
    elif groups and found.distribution is not None:
        yield from _judge_edges(found.distribution, groups, str(target.key_pair_id))


def _not_in_group(groups: list[KeyGroup], key_pair_id: str) -> Finding:
    names = " and ".join(f"{each.name} ({each.id})" for each in groups)
    held = ", ".join(sorted({key for each in groups for key in each.key_pair_ids})) or "none"
    what = f"{key_pair_id} is not in the key group {names}, which holds {held}."
    return finding("key-not-in-group", what, subject=groups[0].id)


def _judge_edges(
    distribution: Distribution, groups: list[KeyGroup], key_pair_id: str
) -> Iterator[Finding]:
    for group in groups:
        active = distribution.active_key_pairs.get(group.id)
        if active is not None and key_pair_id in group.key_pair_ids and key_pair_id not in active:
            what = f"{key_pair_id} is in the key group {group.name}, but not yet active in "
            what += f"{distribution.id}."
            yield finding("key-not-at-edges", what, subject=key_pair_id)


def serving_behavior(config: Document, path: str) -> Document:
    """Return the first behavior whose path pattern matches a path."""
    return next(each for each in behaviors(config) if matches(each["PathPattern"], path))


def judge_behavior(
    distribution: Distribution, behavior: Document, target: Target, bucket: Bucket | None
) -> Iterator[Finding]:
    """Yield what is wrong with the behavior that serves the storage, and with those beside it."""
    config = distribution.config
    faults = [
        *_judge_restriction(config, behavior, target),
        *judge_leaks(config, behavior, target, bucket),
        *_judge_connection(config, behavior, target),
    ]
    yield from faults
    if all(each.level is Level.OK for each in faults):
        what = f"{begin(named(behavior))} serves {target.location} and asks for signatures."
        yield finding("behavior", what, subject=named(behavior))


def _judge_restriction(config: Document, behavior: Document, target: Target) -> Iterator[Finding]:
    groups, signers, name = (
        trusted_key_groups(behavior),
        trusted_signers(behavior),
        named(behavior),
    )
    if signers:
        who = ", ".join(signers)
        if groups:
            what = f"{begin(name)} trusts AWS accounts ({who}) beside its key groups."
            yield finding("trusted-signers", what, subject=name)
        else:
            what = f"{begin(name)} trusts AWS accounts ({who}), and no key group."
            yield finding("only-trusted-signers", what, subject=name)
            return
    if not groups:
        yield _open(config, behavior, target)
    elif target.key_group_id and target.key_group_id not in groups:
        what = f"{begin(name)} trusts {', '.join(groups)}, not {target.key_group_id}."
        yield finding("group-not-on-behavior", what, subject=name)


def _open(config: Document, behavior: Document, target: Target) -> Finding:
    """Tell whether the behavior is open, or stands before the one that was closed."""
    name = named(behavior)
    later = list(behaviors(config))
    later = later[[each["PathPattern"] for each in later].index(behavior["PathPattern"]) + 1 :]
    for each in later:
        if matches(each["PathPattern"], target.path) and not is_open(each):
            what = f"{begin(name)} is open and comes before {named(each)}: it serves {target.path}."
            return finding("earlier-behavior-open", what, subject=name)
    what = f"{begin(name)} serves {target.path} and asks for no signature."
    return finding("behavior-open", what, subject=name)


def _judge_connection(config: Document, behavior: Document, target: Target) -> Iterator[Finding]:
    if behavior.get("ViewerProtocolPolicy") == "allow-all" and not target.is_local:
        name = named(behavior)
        yield finding("plain-http", f"{begin(name)} serves plain HTTP.", subject=name)
    if config.get("IsIPV6Enabled"):
        kind = "ipv6-on" if target.uses_addresses else "ipv6-note"
        yield finding(kind, "IPv6 is on for the distribution.", subject="IPv6 of the distribution")


#: IAM action -> what of the doctor's questions depends on it.
QUESTIONS: Final[Mapping[str, str]] = {
    "cloudfront:GetCachePolicy": "whether download parameters and Origin are in the cache key",
    "cloudfront:GetDistribution": "the distribution, its behaviors and its origin",
    "cloudfront:GetOriginRequestPolicy": "whether Origin and download parameters reach S3",
    "cloudfront:GetPublicKey": "whether CloudFront has the key that signs",
    "cloudfront:GetResponseHeadersPolicy": "whether CloudFront itself adds the CORS headers",
    "cloudfront:ListCachePolicies": "whether download parameters and Origin are in the cache key",
    "cloudfront:ListDistributions": "the distribution, its behaviors and its origin",
    "cloudfront:ListKeyGroups": "whether the key that signs is in the key group",
    "cloudfront:ListOriginAccessControls": "whether CloudFront signs what it asks of S3",
    "cloudfront:ListOriginRequestPolicies": "whether Origin and download parameters reach S3",
    "cloudfront:ListPublicKeys": "under which id CloudFront has the public half, if it has it",
    "s3:GetBucketCORS": "whether the bucket has a CORS rule for each origin",
    "s3:GetBucketOwnershipControls": "whose the objects are",
    "s3:GetBucketPolicy": "whether the bucket lets CloudFront read, and whom else",
    "s3:GetBucketPublicAccessBlock": "whether Block Public Access is on",
    "s3:ListBucket": "the bucket",
    "sts:GetCallerIdentity": "whose account this is",
}


def why_unread(permission: str | None) -> str | None:
    """Return what was not looked at; None for what does not belong to one permission."""
    question = QUESTIONS.get(permission or "")
    return None if question is None else f"Not looked at, and so not known: {question}."
