"""Check what AWS's API says about a distribution, its behaviors and the keys that it trusts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from cfsigned_django.aws.account import Account, Bucket, Distribution, KeyGroup
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.behavior import (
    behaviors,
    is_open,
    matches,
    trusted_key_groups,
    trusted_signers,
)
from cfsigned_django.aws.documents.distribution import covers
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.aws.key_groups import ListedPublicKey
from cfsigned_django.doctor.bucket import check_bucket, check_origin
from cfsigned_django.doctor.catalog import finding
from cfsigned_django.doctor.delivery import check_delivery
from cfsigned_django.doctor.exposed_paths import check_exposed_paths
from cfsigned_django.doctor.findings import Finding, Level, begin, named
from cfsigned_django.doctor.site import ExpectedState
from cfsigned_django.rotation.lifecycle import OLD


def check_aws(found: Account, expected: ExpectedState, *, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong at AWS, and one finding for each part that is in order."""
    for problem in found.all_problems:
        yield from_aws_error(problem)
    distribution = found.distribution
    if distribution is None:
        if found.has_looked_for_distribution:
            account = f" {found.account_id}" if found.account_id else ""
            what = f"No distribution of the AWS account{account} has the domain {expected.host}."
            yield finding("no-distribution", what, subject="AWS_S3_CUSTOM_DOMAIN")
        yield from _check_keys(found, expected, [], now=now)
        yield from check_bucket(found, expected, None, None)
        return
    behavior = serving_behavior(distribution.config, expected.path)
    yield from _or_well(
        _check_distribution(distribution, expected),
        finding(
            "distribution", f"{distribution.id} is enabled and Deployed.", subject=distribution.id
        ),
    )
    yield from check_behavior(distribution, behavior, expected, found.bucket)
    yield from _check_keys(found, expected, trusted_key_groups(behavior), now=now)
    yield from check_origin(found, behavior, expected)
    yield from check_bucket(found, expected, distribution, behavior)
    yield from check_delivery(found, behavior, expected)


def from_aws_error(error: AwsError) -> Finding:
    """Return the finding for an error of AWS, and what was not checked because of it."""
    return finding(
        "aws-unreadable",
        f"Could not {error.what}: {error.reason}.",
        subject=error.permission or "AWS",
        why=why_not_checked(error.permission),
        fix=error.next_step,
    )


def _or_well(findings: Iterator[Finding], well: Finding) -> Iterator[Finding]:
    """Yield the findings, and ``well`` if none of them is a warning or an error."""
    is_well = True
    for each in findings:
        is_well = is_well and each.level is Level.OK
        yield each
    if is_well:
        yield well


def _check_distribution(distribution: Distribution, expected: ExpectedState) -> Iterator[Finding]:
    subject = distribution.id
    if not distribution.config["Enabled"]:
        yield finding("distribution-disabled", f"{subject} is disabled.", subject=subject)
    if not distribution.is_deployed:
        what = f"{subject} is {distribution.status}, not Deployed yet."
        yield finding("distribution-deploying", what, subject=subject)
    if distribution.is_multi_tenant:
        what = f"{subject} is a multi-tenant distribution. Whether {expected.host} is a domain of "
        what += "a tenant was not checked."
        yield finding("distribution-multi-tenant", what, subject=subject)
        return
    names = [distribution.domain_name, *distribution.aliases]
    if not expected.is_local and not any(covers(each, expected.host) for each in names):
        what = f"{expected.host} is not a domain of {subject}, which has {', '.join(names)}."
        yield finding("domain-not-alias", what, subject="AWS_S3_CUSTOM_DOMAIN")


def _check_keys(
    found: Account, expected: ExpectedState, trusted_groups: list[str], *, now: datetime
) -> Iterator[Finding]:
    if expected.key_pair_id is None:
        return
    faults = [
        *_check_public_key(found, expected, now=now),
        *_check_groups(found, expected, trusted_groups),
    ]
    yield from faults
    if not faults and found.public_keys is not None and found.key_groups is not None:
        what = f"CloudFront has {expected.key_pair_id}, and the key group contains it."
        yield finding("keys", what, subject=expected.key_pair_id)


def _check_public_key(
    found: Account, expected: ExpectedState, *, now: datetime
) -> Iterator[Finding]:
    if found.public_keys is None or expected.public_key is None:
        return
    key_pair_id, pem = str(expected.key_pair_id), expected.public_key.to_pem()
    listed = next((each for each in found.public_keys if each.key_pair_id == key_pair_id), None)
    twins = [each.key_pair_id for each in found.public_keys if each.holds(pem)]
    here = f" The private key belongs to {' and '.join(twins)}." if twins else ""
    if listed is None:
        what = f"The AWS account has no public key {key_pair_id}.{here}"
        yield finding("key-unknown", what, subject="AWS_CLOUDFRONT_KEY_ID")
    elif not listed.holds(pem):
        what = f"The public key {key_pair_id} does not match the private key.{here}"
        yield finding("key-mismatch", what, subject="AWS_CLOUDFRONT_KEY")
    elif _is_old(listed, now):
        what = f"{key_pair_id} was created on {listed.created_at:%Y-%m-%d}."
        yield finding("key-old", what, subject=key_pair_id)


def _is_old(listed: ListedPublicKey, now: datetime) -> bool:
    return listed.created_at is not None and now - listed.created_at > OLD


def _check_groups(
    found: Account, expected: ExpectedState, trusted_groups: list[str]
) -> Iterator[Finding]:
    if found.key_groups is None:
        return
    by_id = {each.id: each for each in found.key_groups}
    wanted = expected.key_group_id
    if wanted and wanted not in by_id:
        what = f"The AWS account has no key group {wanted}."
        yield finding("no-key-group", what, subject="AWS_CLOUDFRONT_KEY_GROUP_ID")
        return
    groups = [by_id[each] for each in ([wanted] if wanted else trusted_groups) if each in by_id]
    listed = {each.key_pair_id for each in found.public_keys or ()}
    # A key that CloudFront does not have is one finding, not two.
    is_there = found.public_keys is None or expected.key_pair_id in listed
    if (
        groups
        and is_there
        and not any(expected.key_pair_id in each.key_pair_ids for each in groups)
    ):
        yield _not_in_group(groups, str(expected.key_pair_id))
    elif groups and found.distribution is not None:
        yield from _check_edges(found.distribution, groups, str(expected.key_pair_id))


def _not_in_group(groups: list[KeyGroup], key_pair_id: str) -> Finding:
    names = " and ".join(f"{each.name} ({each.id})" for each in groups)
    held = ", ".join(sorted({key for each in groups for key in each.key_pair_ids})) or "none"
    what = f"{key_pair_id} is not in the key group {names}, which contains {held}."
    return finding("key-not-in-group", what, subject=groups[0].id)


def _check_edges(
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


def check_behavior(
    distribution: Distribution, behavior: Document, expected: ExpectedState, bucket: Bucket | None
) -> Iterator[Finding]:
    """Yield what is wrong with the behavior that serves the storage, and with the others."""
    config = distribution.config
    faults = [
        *_check_restriction(config, behavior, expected),
        *check_exposed_paths(config, behavior, expected, bucket),
        *_check_connection(config, behavior, expected),
    ]
    yield from faults
    if all(each.level is Level.OK for each in faults):
        what = f"{begin(named(behavior))} serves {expected.location} and requires signatures."
        yield finding("behavior", what, subject=named(behavior))


def _check_restriction(
    config: Document, behavior: Document, expected: ExpectedState
) -> Iterator[Finding]:
    groups, signers, name = (
        trusted_key_groups(behavior),
        trusted_signers(behavior),
        named(behavior),
    )
    if signers:
        who = ", ".join(signers)
        if groups:
            what = f"{begin(name)} trusts AWS accounts ({who}), besides its key groups."
            yield finding("trusted-signers", what, subject=name)
        else:
            what = f"{begin(name)} trusts AWS accounts ({who}), but no key group."
            yield finding("only-trusted-signers", what, subject=name)
            return
    if not groups:
        yield _open(config, behavior, expected)
    elif expected.key_group_id and expected.key_group_id not in groups:
        what = f"{begin(name)} trusts {', '.join(groups)}, not {expected.key_group_id}."
        yield finding("group-not-on-behavior", what, subject=name)


def _open(config: Document, behavior: Document, expected: ExpectedState) -> Finding:
    """Return the finding for an open behavior, which may come before a restricted one."""
    name = named(behavior)
    later = list(behaviors(config))
    later = later[[each["PathPattern"] for each in later].index(behavior["PathPattern"]) + 1 :]
    for each in later:
        if matches(each["PathPattern"], expected.path) and not is_open(each):
            what = (
                f"{begin(name)} is open and comes before {named(each)}: it serves {expected.path}."
            )
            return finding("earlier-behavior-open", what, subject=name)
    what = f"{begin(name)} serves {expected.path} and requires no signature."
    return finding("behavior-open", what, subject=name)


def _check_connection(
    config: Document, behavior: Document, expected: ExpectedState
) -> Iterator[Finding]:
    if behavior.get("ViewerProtocolPolicy") == "allow-all" and not expected.is_local:
        name = named(behavior)
        yield finding("plain-http", f"{begin(name)} serves plain HTTP.", subject=name)
    if config.get("IsIPV6Enabled"):
        kind = "ipv6-on" if expected.uses_addresses else "ipv6-note"
        yield finding(kind, "IPv6 is on for the distribution.", subject="IPv6 of the distribution")


#: IAM action -> what the doctor cannot check without it.
DEPENDS_ON_PERMISSION: Final[Mapping[str, str]] = {
    "cloudfront:GetCachePolicy": "whether download parameters and Origin are in the cache key",
    "cloudfront:GetDistribution": "the distribution, its behaviors and its origin",
    "cloudfront:GetOriginRequestPolicy": "whether Origin and download parameters reach S3",
    "cloudfront:GetResponseHeadersPolicy": "whether CloudFront itself adds the CORS headers",
    "cloudfront:ListCachePolicies": "whether download parameters and Origin are in the cache key",
    "cloudfront:ListDistributions": "the distribution, its behaviors and its origin",
    "cloudfront:ListKeyGroups": "whether the key that signs is in the key group",
    "cloudfront:ListOriginAccessControls": "whether CloudFront signs its requests to S3",
    "cloudfront:ListOriginRequestPolicies": "whether Origin and download parameters reach S3",
    "cloudfront:ListResponseHeadersPolicies": "whether CloudFront itself adds the CORS headers",
    "cloudfront:ListPublicKeys": "whether CloudFront has the key that signs",
    "s3:GetBucketCORS": "whether the bucket has a CORS rule for each origin",
    "s3:GetBucketOwnershipControls": "which account owns the objects",
    "s3:GetBucketPolicy": "whether the bucket lets CloudFront, or others, read",
    "s3:GetBucketPublicAccessBlock": "whether Block Public Access is on",
    "kms:DescribeKey": "whether CloudFront may decrypt what the KMS key encrypts",
    "kms:GetKeyPolicy": "whether CloudFront may decrypt what the KMS key encrypts",
    "s3:GetEncryptionConfiguration": "whether a KMS key encrypts the objects",
    "s3:ListBucket": "the bucket",
    "sts:GetCallerIdentity": "which account the credentials belong to",
}


def why_not_checked(permission: str | None) -> str | None:
    """Return what was not checked; None if the error does not belong to one permission."""
    question = DEPENDS_ON_PERMISSION.get(permission or "")
    return None if question is None else f"Not checked, and so unknown: {question}."
