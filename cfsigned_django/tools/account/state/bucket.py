"""Judge the bucket: it must exist, and only CloudFront and the given pages may read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cfsigned_django.tools.account.account import AwsDistribution, Bucket, BucketPart, BucketState
from cfsigned_django.tools.account.documents import Document, cors, lifecycle
from cfsigned_django.tools.account.documents.bucket_policy import (
    access_control_statement,
    access_identity_statement,
    admits,
    denials,
    has_known_conditions,
    identity_statements,
    is_for_any_distribution,
    open_switches,
    other_readers,
    public_statements,
    service_statements,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
)
from cfsigned_django.tools.account.state.encryption import encryption_facts
from cfsigned_django.tools.account.state.facts import Fact, Level, fact
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws


def bucket_facts(site: SiteInAws) -> Iterator[Fact]:
    """Yield what is wrong with the bucket; nothing if it was not read."""
    bucket = site.account.bucket
    if bucket is None:
        return
    if bucket.state is BucketState.MISSING:
        yield fact("bucket-missing", "AWS_STORAGE_BUCKET_NAME", bucket=bucket.name)
        return
    if bucket.state is BucketState.REFUSED:
        yield _refused(site)
        return
    distribution, origin = site.account.distribution, _origin_with_access(site)
    faults = [*_check_public(bucket), *_check_region(site)]
    if distribution is not None and BucketPart.POLICY not in bucket.unread:
        faults += _check_policy(site, bucket, distribution, origin)
    if distribution is not None:
        faults += encryption_facts(site)
    yield from faults
    yield from _check_uploads(site, bucket)
    # A part that may not be read has a separate error, and does not count as in order.
    is_well = all(each.level is Level.OK for each in faults)
    is_read = not bucket.unread.keys() & {BucketPart.POLICY, BucketPart.PUBLIC_ACCESS}
    if is_well and is_read and distribution is not None and origin is not None:
        yield _in_order(bucket, distribution, is_alone=not faults)


def _origin_with_access(site: SiteInAws) -> Document | None:
    """Return the origin whose access the bucket policy must allow; None if there is none."""
    origin = site.origin if site.behavior is not None else None
    if origin is None or not (access_control_of(origin) or access_identity_of(origin)):
        return None
    return origin


def _in_order(bucket: Bucket, admitted: AwsDistribution, *, is_alone: bool) -> Fact:
    """Return the fact that the bucket is in order. It claims only what was checked.

    IAM policies, which may let others read as well, are not checked.
    """
    others = ", and lets no one else read" if is_alone else ""
    values = {"bucket": bucket.name, "distribution": admitted.id, "others": others}
    return fact("bucket", f"bucket {bucket.name}", **values)


def _refused(site: SiteInAws) -> Fact:
    name, account = site.wanted.bucket, site.account.account_id
    said = f" (of account {account})" if account else ""
    return fact("bucket-refused", f"bucket {name}", bucket=name, account=said)


def _check_public(bucket: Bucket) -> Iterator[Fact]:
    subject = f"bucket {bucket.name}"
    if public := public_statements(bucket.policy):
        yield fact("bucket-public", subject, bucket=bucket.name, statement=_sids(public))
    switches = open_switches(bucket.public_access_block)
    if switches and BucketPart.PUBLIC_ACCESS not in bucket.unread:
        values = {"bucket": bucket.name, "switches": ", ".join(switches)}
        yield fact("bucket-not-blocked", subject, **values)


def _check_region(site: SiteInAws) -> Iterator[Fact]:
    bucket, wished = site.bucket, site.wanted.region
    if wished and bucket.region and wished != bucket.region:
        values = {"bucket": bucket.name, "region": bucket.region, "setting": wished}
        yield fact("bucket-region", "AWS_S3_REGION_NAME", **values)


def _check_uploads(site: SiteInAws, bucket: Bucket) -> Iterator[Fact]:
    """Yield why browsers cannot upload files, and that what they abandon stays."""
    subject = f"bucket {bucket.name}"
    missing = cors.missing_origins(
        bucket.cors_rules, site.wanted.upload_origins, cors.UPLOAD_RULE_ID
    )
    if missing and BucketPart.CORS not in bucket.unread:
        rule = cors.cors_rule(missing, cors.UPLOAD_RULE_ID)
        values = {"bucket": bucket.name, "origins": ", ".join(missing)}
        yield replace(fact("upload-cors", subject, **values), paste=rule)
    ends = lifecycle.ends_uploads(bucket.lifecycle_rules, site.wanted.upload_prefix)
    if site.wanted.uploads and not ends and BucketPart.LIFECYCLE not in bucket.unread:
        rule = lifecycle.upload_rule(site.wanted.upload_prefix)
        yield replace(fact("uploads-kept", subject, bucket=bucket.name), paste=rule)


def _check_policy(
    site: SiteInAws, bucket: Bucket, distribution: AwsDistribution, origin: Document | None
) -> Iterator[Fact]:
    """Yield what is wrong with the policy. It must admit the origin's access, and no strangers."""
    bucket_arn = f"arn:{distribution.partition}:s3:::{bucket.name}"
    object_arn = f"{bucket_arn}/{site.wanted.object_key}"
    control_id, identity_id = access_control_of(origin or {}), access_identity_of(origin or {})
    objects = f"{bucket_arn}{site.wanted.location or '/'}*"
    for_service = service_statements(bucket.policy, object_arn)
    if control_id:
        reader = distribution.id
        statement = access_control_statement(
            bucket.name, distribution.arn, partition=distribution.partition
        )
        admitting = [each for each in for_service if admits(each, distribution.arn)]
        other = " It lets another distribution read." if for_service else ""
        present = " It has no policy." if bucket.policy is None else other
    else:
        reader, present = f"the identity {identity_id}", ""
        statement = access_identity_statement(
            bucket.name, identity_id, partition=distribution.partition
        )
        admitting = identity_statements(bucket.policy, identity_id, object_arn)
    if (control_id or identity_id) and not admitting:
        yield _not_admitted(bucket, reader, present, statement)
    elif control_id or identity_id:
        unknown = denials(bucket.policy, objects, identity_id=identity_id)
        if not any(has_known_conditions(each) for each in admitting):
            unknown += admitting
        if unknown:
            values = {"bucket": bucket.name, "reader": reader, "statements": _sids(unknown)}
            yield fact("bucket-policy-unknown", f"bucket {bucket.name}", **values)
    yield from _check_readers(bucket, objects, distribution, identity_id, for_service)


def _check_readers(
    bucket: Bucket,
    objects: str,
    distribution: AwsDistribution,
    identity_id: str,
    for_service: list[Document],
) -> Iterator[Fact]:
    """Yield who else the policy lets read: anybody within reach, and those that it names."""
    readers = other_readers(
        bucket.policy,
        objects,
        distribution_arn=distribution.arn,
        identity_id=identity_id,
    )
    wide = [each for each in for_service if is_for_any_distribution(each)]
    any_distribution = [f"every distribution of every account ({_sids(wide)})"] if wide else []
    for kind, is_named, said in (
        ("bucket-readers-wide", False, any_distribution),
        ("bucket-readers", True, []),
    ):
        said += [f"{each.who} ({each.statement})" for each in readers if each.is_named is is_named]
        if said:
            subject = f"bucket {bucket.name}"
            yield fact(kind, subject, bucket=bucket.name, readers=", ".join(said))


def _not_admitted(bucket: Bucket, reader: str, present: str, statement: Document) -> Fact:
    values = {"bucket": bucket.name, "reader": reader, "present": present}
    return replace(fact("bucket-policy", f"bucket {bucket.name}", **values), paste=statement)


def _sids(statements: list[Document]) -> str:
    return ", ".join(each.get("Sid") or "a statement without a Sid" for each in statements)
