"""Check the origin and its bucket: whether CloudFront may read, and who else. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfsigned_django.aws.account import (
    Account,
    Bucket,
    BucketPart,
    BucketState,
    Distribution,
    KmsKey,
)
from cfsigned_django.aws.documents import Document
from cfsigned_django.aws.documents.bucket_policy import (
    Reader,
    admits,
    admits_identity,
    is_for_any_distribution,
    open_switches,
    other_readers,
    public_statements,
    service_statements,
)
from cfsigned_django.aws.documents.distribution import (
    access_control_of,
    access_identity_of,
    origin_in_bucket,
)
from cfsigned_django.aws.documents.key_policy import lets_decrypt
from cfsigned_django.aws.documents.origins import is_access_point, origins_of
from cfsigned_django.doctor.catalog import finding
from cfsigned_django.doctor.findings import Finding, Level
from cfsigned_django.doctor.site import ExpectedState


def check_origin(found: Account, behavior: Document, expected: ExpectedState) -> Iterator[Finding]:
    """Yield what is wrong with the origin that the behavior reads.

    In an origin group, only the origin that is the bucket is checked.
    """
    distribution = found.distribution
    if distribution is None or not expected.bucket:
        return
    origin = origin_in_bucket(distribution.config, behavior, expected.bucket)
    points = [each for each in origins_of(distribution.config, behavior) if is_access_point(each)]
    if origin is None and points:
        hosts = " and ".join(each["DomainName"] for each in points)
        what = f"The behavior reads S3 through {hosts}. Whether that is {expected.bucket}, and who "
        what += "may read it, was not checked."
        yield finding("origin-access-point", what, subject=behavior["TargetOriginId"])
        for each in points:
            yield from (*_check_access(found, each), *_check_path(each, expected))
        return
    faults = (
        [_not_the_bucket(distribution.config, behavior, expected.bucket)]
        if origin is None
        else [*_check_access(found, origin), *_check_path(origin, expected)]
    )
    yield from faults
    if not faults:
        what = f"The behavior reads the bucket {expected.bucket}, with one kind of access."
        yield finding("origin", what, subject=behavior["TargetOriginId"])


def _not_the_bucket(config: Document, behavior: Document, bucket: str) -> Finding:
    subject = f"origin {behavior['TargetOriginId']}"
    domains = [str(each["DomainName"]) for each in origins_of(config, behavior)]
    website = next((each for each in domains if "s3-website" in each), None)
    if website is not None:
        what = f"The origin is {website}, a website endpoint."
        return finding("origin-website", what, subject=subject)
    what = (
        f"The behavior reads {' and '.join(domains) or 'an origin that does not exist'}, not the "
    )
    what += f"bucket {bucket}."
    return finding("origin-not-bucket", what, subject=subject)


def _check_path(origin: Document, expected: ExpectedState) -> Iterator[Finding]:
    if folder := origin.get("OriginPath"):
        what = f"CloudFront looks for the files in {folder}{expected.location} of the bucket; the "
        what += f"storage saves them in {expected.location}."
        yield finding("origin-path", what, subject=f"origin {origin['Id']}")


def _check_access(found: Account, origin: Document) -> Iterator[Finding]:
    control_id, identity_id = access_control_of(origin), access_identity_of(origin)
    subject = f"origin {origin['Id']}"
    if control_id and identity_id:
        what = f"The origin has the access control {control_id} and the identity {identity_id}."
        yield finding("two-origin-accesses", what, subject=subject)
    elif not control_id and not identity_id:
        what = "The origin has neither an access control nor an identity."
        yield finding("no-origin-access", what, subject=subject)
    for control in found.access_controls or ():
        behavior = control.config.get("SigningBehavior")
        if control.id == control_id and behavior != "always":
            what = f"The access control {control.name} signs {behavior}."
            yield finding("origin-access-unsigned", what, subject=control.id)


def check_bucket(
    found: Account,
    expected: ExpectedState,
    distribution: Distribution | None,
    behavior: Document | None,
) -> Iterator[Finding]:
    """Yield what is wrong with the bucket; nothing if it could not be read."""
    bucket = found.bucket
    if bucket is None:
        return
    name = f"bucket {bucket.name}"
    if bucket.state is BucketState.MISSING:
        yield finding("bucket-missing", f"There is no {name}.", subject="AWS_STORAGE_BUCKET_NAME")
        return
    if bucket.state is BucketState.REFUSED:
        what = f"The {name} belongs to another account, or these credentials may not read it."
        yield finding("bucket-refused", what, subject=name)
        return
    origin = _origin_with_access(distribution, behavior, bucket.name)
    faults = [
        *_check_public(bucket, name),
        *_check_region(bucket, expected),
        *(
            _check_policy(bucket, expected, distribution, origin, name)
            if distribution and BucketPart.POLICY not in bucket.unread
            else ()
        ),
        *(
            _check_encryption(bucket, found.kms_key, distribution, origin, name)
            if distribution and origin
            else ()
        ),
    ]
    yield from faults
    # A part that may not be read has a finding of its error, and does not count as in order.
    is_well = all(each.level is Level.OK for each in faults)
    if is_well and not bucket.unread.keys() & {BucketPart.POLICY, BucketPart.PUBLIC_ACCESS}:
        yield _in_order(name, distribution if origin else None, is_alone=not faults)


def _origin_with_access(
    distribution: Distribution | None, behavior: Document | None, bucket: str
) -> Document | None:
    """Return the origin whose access the bucket policy must allow; None if there is none."""
    if distribution is None or behavior is None:
        return None
    origin = origin_in_bucket(distribution.config, behavior, bucket)
    if origin is None or not (access_control_of(origin) or access_identity_of(origin)):
        return None
    return origin


def _in_order(name: str, admitted: Distribution | None, *, is_alone: bool) -> Finding:
    """Return the finding that the bucket is in order. It claims only what was checked.

    IAM policies, which may let others read as well, are not checked.
    """
    if admitted is None:
        what = f"The {name} is not public. No known origin reads it with an access control or an "
        what += "identity, so whether it lets CloudFront read was not checked."
        return finding("bucket-not-public", what, subject=name)
    what = f"The policy of the {name} lets {admitted.id} read"
    what += ", and lets no one else read." if is_alone else "."
    return finding("bucket", what, subject=name)


def _check_public(bucket: Bucket, name: str) -> Iterator[Finding]:
    public = public_statements(bucket.policy)
    if public:
        said = " and ".join(each.get("Sid") or "one without Sid" for each in public)
        what = f"The policy of the {name} lets anyone read (statement {said})."
        yield finding("bucket-public", what, subject=name)
    switches = open_switches(bucket.public_access_block)
    if switches and BucketPart.PUBLIC_ACCESS not in bucket.unread:
        what = f"Block Public Access of the {name} is off for {', '.join(switches)}."
        yield finding("bucket-not-blocked", what, subject=name)


def _check_region(bucket: Bucket, expected: ExpectedState) -> Iterator[Finding]:
    if expected.region and bucket.region and expected.region != bucket.region:
        what = f"The bucket {bucket.name} is in {bucket.region}, but AWS_S3_REGION_NAME is "
        what += f"{expected.region}."
        yield finding("bucket-region", what, subject="AWS_S3_REGION_NAME")


def _check_policy(
    bucket: Bucket,
    expected: ExpectedState,
    distribution: Distribution,
    origin: Document | None,
    name: str,
) -> Iterator[Finding]:
    """Yield what is wrong with the policy. It must admit the origin's access, and no strangers."""
    object_arn = f"arn:{distribution.partition}:s3:::{bucket.name}/{expected.object_key}"
    control_id, identity_id = access_control_of(origin or {}), access_identity_of(origin or {})
    for_service = service_statements(bucket.policy, object_arn)
    if control_id and not any(admits(each, distribution.arn) for each in for_service):
        yield _not_admitted(bucket, distribution.id, for_service, name)
    elif (
        identity_id
        and not control_id
        and not admits_identity(bucket.policy, identity_id, object_arn)
    ):
        what = f"The policy of the {name} does not let the identity {identity_id} read."
        yield finding("bucket-policy", what, subject=name)
    if any(is_for_any_distribution(each) for each in for_service):
        what = f"The policy of the {name} lets every CloudFront distribution read."
        yield finding("bucket-policy-wide", what, subject=name)
    objects = f"arn:{distribution.partition}:s3:::{bucket.name}{expected.location}*"
    yield from _check_others(
        other_readers(
            bucket.policy, objects, distribution_arn=distribution.arn, identity_id=identity_id
        ),
        name,
    )


def _check_encryption(
    bucket: Bucket, key: KmsKey | None, distribution: Distribution, origin: Document, name: str
) -> Iterator[Finding]:
    """Yield why CloudFront cannot decrypt new objects; nothing if it can, or if it is unknown."""
    if bucket.kms_key_id is None:
        return
    if not access_control_of(origin):
        what = f"A KMS key encrypts new objects of the {name}, and the origin has an identity."
        yield finding("kms-identity", what, subject=name)
    elif key is None or key.is_aws_managed:
        what = f"The AWS managed key aws/s3 encrypts new objects of the {name}."
        yield finding("kms-aws-managed", what, subject=name)
    elif key.unread is None and not lets_decrypt(key.policy, key.arn, distribution.arn):
        what = f"The policy of the KMS key {key.arn}, which encrypts new objects of the {name}, "
        what += f"does not let {distribution.id} decrypt."
        yield finding("kms-key-policy", what, subject=key.arn)


def _check_others(readers: list[Reader], name: str) -> Iterator[Finding]:
    for kind, is_named in (("bucket-readers-wide", False), ("bucket-readers", True)):
        said = [f"{each.who} ({each.statement})" for each in readers if each.is_named is is_named]
        if said:
            what = f"The policy of the {name} also lets others read: {', '.join(said)}."
            yield finding(kind, what, subject=name)


def _not_admitted(
    bucket: Bucket, distribution_id: str, for_service: list[dict[str, Any]], name: str
) -> Finding:
    if bucket.policy is None:
        what = f"The {name} has no policy: it does not let {distribution_id} read."
    elif for_service:
        what = f"The policy of the {name} lets another distribution read, not {distribution_id}."
    else:
        what = f"The policy of the {name} does not let {distribution_id} read."
    return finding("bucket-policy", what, subject=name)
