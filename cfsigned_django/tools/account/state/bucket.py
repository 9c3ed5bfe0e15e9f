"""Judge the bucket: it must exist, and only CloudFront and the given pages may read it.

CloudFront must be able to decrypt what it reads, too; a bucket with SSE-S3, as every new one, needs
nothing for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cfsigned_django.tools.account.account import AwsDistribution, Bucket, BucketPart, BucketState
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.bucket import (
    RESTRICTS_PUBLIC,
    UPLOAD_RULE_ID,
    access_control_statement,
    access_identity_arn,
    access_identity_statement,
    cors_rule,
    decrypt_statement,
    ends_uploads,
    missing_origins,
    open_switches,
    request_through,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
    may_sign,
)
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.catalog import Finding, Level, finding, with_paste
from cfsigned_django.tools.model import resource_policy


def judge_bucket(site: SiteInAws) -> Iterator[Finding]:
    """Yield what is wrong with the bucket; nothing if it was not read."""
    bucket = site.account.bucket
    if bucket is None:
        return
    if bucket.state is BucketState.MISSING:
        yield finding("bucket-missing", "AWS_STORAGE_BUCKET_NAME", bucket=bucket.name)
        return
    if bucket.state is BucketState.REFUSED:
        account = f" (of account {site.account.account_id})" if site.account.account_id else ""
        values = {"bucket": bucket.name, "account": account}
        yield finding("bucket-refused", f"bucket {bucket.name}", **values)
        return
    distribution = site.account.distribution
    yield from _check_public(site, bucket)
    wished = site.wanted.region
    if wished and bucket.region and wished != bucket.region:
        values = {"bucket": bucket.name, "region": bucket.region, "setting": wished}
        yield finding("bucket-region", "AWS_S3_REGION_NAME", **values)
    if distribution is not None and BucketPart.POLICY not in bucket.unread:
        yield from _check_policy(site, distribution)
    if distribution is not None:
        yield from _check_encryption(site, distribution)
    yield from _check_uploads(site, bucket)


def _check_public(site: SiteInAws, bucket: Bucket) -> Iterator[Finding]:
    subject, switches = f"bucket {bucket.name}", open_switches(bucket.public_access_block)
    if public := resource_policy.public_statements(bucket.policy, site.arn_of_files):
        found = finding("bucket-public", subject, bucket=bucket.name, statement=_sids(public))
        yield found if RESTRICTS_PUBLIC in switches else replace(found, level=Level.WARNING)
    if switches and BucketPart.PUBLIC_ACCESS not in bucket.unread:
        values = {"bucket": bucket.name, "switches": ", ".join(switches)}
        yield finding("bucket-not-blocked", subject, **values)


def _check_uploads(site: SiteInAws, bucket: Bucket) -> Iterator[Finding]:
    """Yield why browsers cannot upload files, and that what they abandon stays."""
    subject = f"bucket {bucket.name}"
    missing = missing_origins(bucket.cors_rules, site.wanted.upload_origins, UPLOAD_RULE_ID)
    if missing and BucketPart.CORS not in bucket.unread:
        rule = cors_rule(missing, UPLOAD_RULE_ID)
        values = {"bucket": bucket.name, "origins": ", ".join(missing)}
        yield with_paste(finding("upload-cors", subject, **values), rule)
    ends = ends_uploads(bucket.lifecycle_rules, site.wanted.upload_prefix)
    if site.wanted.uploads and not ends and BucketPart.LIFECYCLE not in bucket.unread:
        yield finding("uploads-kept", subject, bucket=bucket.name)


def _check_policy(site: SiteInAws, distribution: AwsDistribution) -> Iterator[Finding]:
    """Yield what is wrong with the policy. It must admit the origin's access, and no strangers."""
    bucket, origin, partition = site.bucket, site.origin or {}, distribution.partition
    subject, identity_id = f"bucket {bucket.name}", access_identity_of(origin)
    identity = access_identity_arn(identity_id, partition=partition) if identity_id else ""
    if access_control_of(origin):
        reader = distribution.id
        statement = access_control_statement(bucket.name, distribution.arn, partition=partition)
    else:
        reader = f"the identity {identity_id}"
        statement = access_identity_statement(bucket.name, identity_id, partition=partition)
    if may_sign(origin):
        request = request_through(
            origin, distribution.arn, site.arn_of_files, uses_tls=site.uses_tls
        )
        policy = f"the policy of the bucket {bucket.name}"
        values = {"policy": policy, "bucket": bucket.name, "reader": reader}
        yield from _evaluated("bucket-policy", bucket.policy, request, statement, subject, values)
    readers = resource_policy.other_readers(
        bucket.policy, site.arn_of_files, distribution_arn=distribution.arn, identity_arn=identity
    )
    for kind, is_named in (("bucket-readers-wide", False), ("bucket-readers", True)):
        said = [f"{who} ({statement})" for statement, who, named in readers if named is is_named]
        if said:
            yield finding(kind, subject, bucket=bucket.name, readers=", ".join(said))


def _check_encryption(site: SiteInAws, distribution: AwsDistribution) -> Iterator[Finding]:
    """Yield why CloudFront cannot decrypt new objects, or that it is unknown."""
    bucket, key, origin = site.bucket, site.account.kms_key, site.origin or {}
    if not site.wanted.kms_key and bucket.kms_key_id is None:
        return
    if access_identity_of(origin) and not access_control_of(origin):
        present = f"an identity, and a KMS key encrypts new objects of the bucket {bucket.name}"
        yield finding("origin-access", f"bucket {bucket.name}", present=present)
    elif key is None or key.is_aws_managed:
        yield finding("kms-aws-managed", f"bucket {bucket.name}", bucket=bucket.name)
    elif key.unread is None:
        request = resource_policy.by_distribution(
            distribution.arn, key.arn, resource_policy.DECRYPT, uses_tls=False
        )
        statement = decrypt_statement(distribution.arn)
        values = {"policy": f"the policy of the KMS key {key.arn}", "key": key.arn}
        values |= {"bucket": bucket.name, "reader": distribution.id}
        yield from _evaluated("kms-key-policy", key.policy, request, statement, key.arn, values)


def _evaluated(
    refused: str,
    policy: Document | None,
    request: resource_policy.Request,
    paste: Document,
    subject: str,
    values: Mapping[str, str],
) -> Iterator[Finding]:
    """Yield that a policy refuses a request, or that it is unknown, and by which statements.

    ``paste`` is the statement that allows it; if another denies it, adding that helps nobody.
    """
    decision, deciding = resource_policy.evaluate(policy, request)
    named = _sids(deciding)
    if decision is resource_policy.Decision.UNKNOWN:
        yield finding("bucket-policy-unknown", subject, statements=named, **values)
    elif decision is resource_policy.Decision.DENIED:
        is_denied = any(each["Effect"] == "Deny" for each in deciding)
        present = f" The conditions of {named} are not met." if named else ""
        if is_denied:
            present = f" {named} denies it."
        elif policy is None:
            present = " It has no policy."
            paste = {"Version": "2012-10-17", "Statement": [paste]}
        found = finding(refused, subject, present=present, **values)
        yield found if is_denied else with_paste(found, paste)


def _sids(statements: Sequence[resource_policy.Statement]) -> str:
    return ", ".join(each.get("Sid") or "a statement without a Sid" for each in statements)
