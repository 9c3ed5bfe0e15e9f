"""IAM policies with the fewest permissions, for setup, doctor, rotation and the site.

Service Authorization Reference: "Actions, resources, and condition keys for
Amazon CloudFront", "... for Amazon S3" and "... for AWS KMS". The Create and List actions
of CloudFront take no single resource, so their resource is "*".
"""

from __future__ import annotations

from collections.abc import Iterable

from cfsigned_django.tools.account.documents import Document

_LOOK = (
    "GetCachePolicy",
    "GetDistribution",
    "GetOriginRequestPolicy",
    "GetResponseHeadersPolicy",
    "ListCachePolicies",
    "ListDistributions",
    "ListKeyGroups",
    "ListOriginAccessControls",
    "ListOriginRequestPolicies",
    "ListPublicKeys",
    "ListResponseHeadersPolicies",
)
# Required for a plan with --origin-access oai.
_LOOK_AT_IDENTITIES = ("ListCloudFrontOriginAccessIdentities",)
# For cfsigned_doctor, above all with --explain.
_FOLLOW_KEYS = ("GetKeyGroup", "GetPublicKey")
_CHANGE = (
    "CreateCachePolicy",
    "CreateCloudFrontOriginAccessIdentity",
    "CreateDistribution",
    "CreateKeyGroup",
    "CreateOriginAccessControl",
    "CreateOriginRequestPolicy",
    "CreatePublicKey",
    "CreateResponseHeadersPolicy",
    "GetKeyGroup",
    "UpdateDistribution",
    "UpdateKeyGroup",
)
_READ_BUCKET = (
    "GetBucketCORS",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPublicAccessBlock",
    "GetEncryptionConfiguration",
    "ListBucket",
)
_CHANGE_BUCKET = (
    "CreateBucket",
    "PutBucketCORS",
    # CreateBucket requires it if it sets an object ownership (API reference).
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
)
# Only for uploads from browsers (--upload-origin, --upload-prefix).
_READ_LIFECYCLE = ("GetLifecycleConfiguration",)
_CHANGE_LIFECYCLE = ("PutLifecycleConfiguration",)
# Only for a bucket that a KMS key encrypts (--kms-key).
_ENCRYPT_BUCKET = ("PutEncryptionConfiguration",)
_READ_KEY = ("DescribeKey", "GetKeyPolicy")
_CHANGE_KEY = ("PutKeyPolicy",)
_USE_KEY = ("Decrypt", "GenerateDataKey")
_KEEP_FILES = (
    # boto3 uploads a file of 8 MB or more in parts. If that fails, it removes the uploaded parts;
    # without the permission, they stay, invisible, and are charged.
    "AbortMultipartUpload",
    "DeleteObject",
    "GetObject",
    "PutObject",
)
_INVALIDATE = ("CreateInvalidation",)
_ROTATE = (
    "CreatePublicKey",
    "DeletePublicKey",
    "GetKeyGroup",
    "GetPublicKey",
    "ListPublicKeys",
    "UpdateKeyGroup",
)


def setup_policy(bucket: str, *, kms_key: str = "", uploads: bool = False) -> Document:
    """Return the policy for cfsigned_setup --apply; ``kms_key`` is the ARN of the bucket's key."""
    of_bucket = (*_READ_BUCKET, *_CHANGE_BUCKET, *(_ENCRYPT_BUCKET if kms_key else ()))
    of_bucket += (*_READ_LIFECYCLE, *_CHANGE_LIFECYCLE) if uploads else ()
    return _policy(
        _statement("CloudFront", "cloudfront", (*_LOOK, *_LOOK_AT_IDENTITIES, *_CHANGE), "*"),
        _statement("Bucket", "s3", of_bucket, f"arn:aws:s3:::{bucket}"),
        _statement("Account", "sts", ("GetCallerIdentity",), "*"),
        *_key_statements((*_READ_KEY, *_CHANGE_KEY), kms_key),
    )


def doctor_policy(bucket: str, *, kms_key: str = "", uploads: bool = False) -> Document:
    """Return the policy for reading only: to print a plan, to diagnose, and to follow keys."""
    of_bucket = (*_READ_BUCKET, *(_READ_LIFECYCLE if uploads else ()))
    return _policy(
        _statement("CloudFront", "cloudfront", (*_LOOK, *_LOOK_AT_IDENTITIES, *_FOLLOW_KEYS), "*"),
        _statement("Bucket", "s3", of_bucket, f"arn:aws:s3:::{bucket}"),
        _statement("Account", "sts", ("GetCallerIdentity",), "*"),
        *_key_statements(_READ_KEY, kms_key),
    )


def rotation_policy() -> Document:
    """Return the policy for cfsigned_rotate, and for a site with the rotation page."""
    return _policy(_statement("RotateSigningKeys", "cloudfront", _ROTATE, "*"))


def runtime_policy(bucket: str, *, kms_key: str = "", invalidated: Iterable[str] = ()) -> Document:
    """Return the policy for the site's files; signing needs no permission at all.

    ``invalidated``: the IDs of the distributions that must forget files.
    """
    # An ID is unique, so that an ARN need not name the account.
    arns = [f"arn:aws:cloudfront::*:distribution/{each}" for each in sorted(invalidated)]
    return _policy(
        _statement("Files", "s3", _KEEP_FILES, f"arn:aws:s3:::{bucket}/*"),
        _statement("Names", "s3", ("ListBucket",), f"arn:aws:s3:::{bucket}"),
        *([_statement("Invalidations", "cloudfront", _INVALIDATE, arns)] if arns else ()),
        *_key_statements(_USE_KEY, kms_key),
    )


def _key_statements(actions: tuple[str, ...], kms_key: str) -> list[Document]:
    return [_statement("Key", "kms", actions, kms_key)] if kms_key else []


def _policy(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(
    sid: str, service: str, actions: tuple[str, ...], resource: str | list[str]
) -> Document:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:{each}" for each in sorted(actions)],
        "Resource": resource,
    }
