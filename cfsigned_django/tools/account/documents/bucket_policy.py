"""Access to a bucket, for CloudFront only: the statements to paste, and Block Public Access.

Developer Guide: "Restrict access to an Amazon S3 origin"
(private-content-restricting-access-to-s3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.model.resource_policy import DECRYPT, READ, SERVICE


def access_control_statement(
    bucket: str, distribution_arn: str, *, partition: str = "aws"
) -> Document:
    """Return the statement that lets one distribution read through an origin access control."""
    return _statement(distribution_arn, READ, f"arn:{partition}:s3:::{bucket}/*")


def decrypt_statement(distribution_arn: str) -> Document:
    """Return the statement of a key policy that lets one distribution decrypt (SSE-KMS).

    Of the documented actions, reading needs kms:Decrypt alone, which is also all that the AWS CDK
    grants for it.
    """
    return _statement(distribution_arn, DECRYPT, "*")  # in the policy of a key, the key itself


def _statement(distribution_arn: str, action: str, resource: str) -> Document:
    return {
        "Sid": f"AllowCloudFront{distribution_arn.rpartition('/')[2]}",
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
    }


def access_identity_statement(bucket: str, identity_id: str, *, partition: str = "aws") -> Document:
    """Return the statement that lets an origin access identity (the legacy way) read."""
    return {
        "Sid": f"AllowCloudFront{identity_id}",
        "Effect": "Allow",
        "Principal": {"AWS": access_identity_arn(identity_id, partition=partition)},
        "Action": READ,
        "Resource": f"arn:{partition}:s3:::{bucket}/*",
    }


def access_identity_arn(identity_id: str, *, partition: str = "aws") -> str:
    """Return the name of an origin access identity in policies."""
    return f"arn:{partition}:iam::cloudfront:user/CloudFront Origin Access Identity {identity_id}"


# Block Public Access (S3 User Guide)

#: With it, a public policy lets in AWS services and users of the bucket's account only (S3 API
#: reference: PublicAccessBlockConfiguration). The other switches do not change what a policy says.
RESTRICTS_PUBLIC: Final = "RestrictPublicBuckets"
#: All four switches; CloudFront's own access is not public and continues.
PUBLIC_ACCESS_BLOCK: Final[Mapping[str, bool]] = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    RESTRICTS_PUBLIC: True,
}


def open_switches(block: Mapping[str, bool] | None) -> list[str]:
    """Return the switches that are not on."""
    return [name for name in PUBLIC_ACCESS_BLOCK if not (block or {}).get(name)]
