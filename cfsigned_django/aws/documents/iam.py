"""Name the least that each job may do: IAM policies for set-up, rotation and the site.

Service Authorization Reference: "Actions, resources, and condition keys for
Amazon CloudFront" and "... for Amazon S3". CloudFront's Create and List
actions take no single resource, hence their "*".
"""

from __future__ import annotations

from cfsigned_django.aws.documents import Document

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
)
# A plan with --origin-access oai.
_LOOK_AT_IDENTITIES = ("ListCloudFrontOriginAccessIdentities",)
# cfsigned_doctor, most of all with --explain, and cfsigned_edge --distribution.
_FOLLOW_KEYS = ("GetKeyGroup", "GetPublicKey")
_CHANGE = (
    "CreateCachePolicy",
    "CreateCloudFrontOriginAccessIdentity",
    "CreateDistribution",
    "CreateKeyGroup",
    "CreateOriginAccessControl",
    "CreateOriginRequestPolicy",
    "CreatePublicKey",
    "GetKeyGroup",
    "UpdateDistribution",
    "UpdateKeyGroup",
)
_READ_BUCKET = (
    "GetBucketCORS",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPublicAccessBlock",
    "ListBucket",
)
_CHANGE_BUCKET = (
    "CreateBucket",
    "PutBucketCORS",
    # CreateBucket wants it where it names an object ownership (API reference).
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
)
_KEEP_FILES = (
    # boto3 sends a file of 8 MB or more in parts. Where that fails, it takes back the parts that
    # have arrived; without the permission, they stay, unseen, and are paid for.
    "AbortMultipartUpload",
    "DeleteObject",
    "GetObject",
    "PutObject",
)
_ROTATE = (
    "CreatePublicKey",
    "DeletePublicKey",
    "GetKeyGroup",
    "GetPublicKey",
    "ListPublicKeys",
    "UpdateKeyGroup",
)


def setup_policy(bucket: str) -> Document:
    """Return what a person needs who runs cfsigned_setup --apply."""
    return _policy(
        _statement("CloudFront", "cloudfront", (*_LOOK, *_LOOK_AT_IDENTITIES, *_CHANGE), "*"),
        _statement("Bucket", "s3", (*_READ_BUCKET, *_CHANGE_BUCKET), f"arn:aws:s3:::{bucket}"),
        _statement("Account", "sts", ("GetCallerIdentity",), "*"),
    )


def doctor_policy(bucket: str) -> Document:
    """Return what it takes to look: to print a plan, to find out what is wrong, to follow keys."""
    return _policy(
        _statement("CloudFront", "cloudfront", (*_LOOK, *_LOOK_AT_IDENTITIES, *_FOLLOW_KEYS), "*"),
        _statement("Bucket", "s3", _READ_BUCKET, f"arn:aws:s3:::{bucket}"),
        _statement("Account", "sts", ("GetCallerIdentity",), "*"),
    )


def rotation_policy() -> Document:
    """Return what cfsigned_rotate, and the site with the rotation page, need."""
    return _policy(_statement("RotateSigningKeys", "cloudfront", _ROTATE, "*"))


def runtime_policy(bucket: str) -> Document:
    """Return what the site needs to keep files; a signature needs no permission at all."""
    return _policy(
        _statement("Files", "s3", _KEEP_FILES, f"arn:aws:s3:::{bucket}/*"),
        _statement("Names", "s3", ("ListBucket",), f"arn:aws:s3:::{bucket}"),
    )


def _policy(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(sid: str, service: str, actions: tuple[str, ...], resource: str) -> Document:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:{each}" for each in sorted(actions)],
        "Resource": resource,
    }
