"""Plan the encryption: CloudFront must be able to decrypt what it reads.

A bucket with SSE-S3, as every new one, needs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from cfsigned_django.aws.account import BucketPart, KmsKey
from cfsigned_django.aws.documents.bucket_policy import merge
from cfsigned_django.aws.documents.key_policy import (
    bucket_encryption,
    decrypt_statement,
    lets_decrypt,
)
from cfsigned_django.aws.state.site import SiteInAws
from cfsigned_django.aws.state.steps import Call, Step, conflict, done, todo
from cfsigned_django.aws.state.wanted import OriginAccess


def bucket_encryption_steps(site: SiteInAws) -> Iterator[Step]:
    """Return the step that encrypts new objects with the desired key."""
    wanted, bucket = site.wanted.kms_key, site.bucket
    if not wanted or BucketPart.ENCRYPTION in bucket.unread:
        return
    if bucket.kms_key_id == wanted:
        yield done("bucket-encryption", f"{wanted} encrypts new objects")
        return
    after = bucket_encryption(wanted, bucket.encryption)
    yield todo(
        "bucket-encryption",
        f"{wanted} encrypts new objects (SSE-KMS); objects that exist stay as they are",
        call=Call(
            service="s3",
            operation="PutBucketEncryption",
            action="PutEncryptionConfiguration",
            arguments={
                "Bucket": bucket.name,
                "ExpectedBucketOwner": site.account.account_id,
                "ServerSideEncryptionConfiguration": {"Rules": [after]},
            },
        ),
        before=bucket.encryption,
        after=after,
    )


def key_policy_steps(site: SiteInAws) -> Iterator[Step]:
    """Return the step that lets CloudFront decrypt, or why it cannot be done."""
    bucket, key = site.bucket, site.account.kms_key
    if (error := bucket.unread.get(BucketPart.ENCRYPTION)) is not None:
        yield conflict(
            "kms-key-policy",
            f"the default encryption of {bucket.name} cannot be read, so whether CloudFront needs "
            f"a KMS key is not known: {error.reason}. {error.next_step.rstrip('.')}",
        )
    elif site.wanted.kms_key or bucket.kms_key_id is not None:
        if site.origin_access is OriginAccess.OAI:
            yield conflict(
                "kms-key-policy",
                f"a KMS key encrypts {bucket.name} (SSE-KMS), and an origin access identity cannot "
                "read such objects: --origin-access oac",
            )
        elif key is None or key.is_aws_managed:
            yield conflict(
                "kms-key-policy",
                f"the AWS managed key aws/s3 encrypts {bucket.name}, and nobody can change its "
                "policy, so CloudFront cannot read new objects. Choose SSE-S3 or a key of the "
                "account (--kms-key ARN) as the default encryption, and copy the objects that "
                "aws/s3 has encrypted onto themselves",
            )
        else:
            yield _key_policy(site, key)


def _key_policy(site: SiteInAws, key: KmsKey) -> Step:
    statement = decrypt_statement(site.distribution_arn)
    if key.unread is not None:
        return conflict(
            "kms-key-policy",
            f"the policy of the KMS key {key.arn} cannot be read: {key.unread.reason}. "
            f"{key.unread.next_step} Or let the owner of the key add this statement to its policy: "
            f"{json.dumps(statement)}",
        )
    if lets_decrypt(key.policy, key.arn, site.distribution_arn):
        return done("kms-key-policy", f"the KMS key {key.arn} lets CloudFront decrypt")
    after = merge(key.policy, statement)
    return todo(
        "kms-key-policy",
        f"CloudFront must be allowed to decrypt with {key.arn}; every other statement stays",
        call=Call(
            service="kms",
            operation="PutKeyPolicy",
            arguments={"KeyId": key.arn, "PolicyName": "default", "Policy": json.dumps(after)},
        ),
        before=key.policy,
        after=after,
    )
