"""Judge and plan the encryption: CloudFront must be able to decrypt what it reads.

A bucket with SSE-S3, as every new one, needs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from cfsigned_django.tools.account.account import BucketPart, KmsKey
from cfsigned_django.tools.account.documents.bucket_policy import merge
from cfsigned_django.tools.account.documents.key_policy import (
    bucket_encryption,
    decrypt_statement,
    lets_decrypt,
)
from cfsigned_django.tools.account.state.facts import Fact, fact
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws
from cfsigned_django.tools.account.state.steps import (
    Call,
    SetupStep,
    conflict,
    decision,
    done,
    todo,
)
from cfsigned_django.tools.account.state.wanted import OriginAccess


def encryption_facts(site: SiteInAws) -> Iterator[Fact]:
    """Yield why CloudFront cannot decrypt new objects; nothing if it can, or if it is unknown."""
    bucket, key, found = site.bucket, site.account.kms_key, site.account.distribution
    name = f"bucket {bucket.name}"
    # The plan may be about to choose a key.
    if not site.wanted.kms_key and bucket.kms_key_id is None:
        return
    if site.origin_access is OriginAccess.OAI:
        yield fact("kms-identity", name, bucket=bucket.name)
    elif key is None or key.is_aws_managed:
        yield fact("kms-aws-managed", name, bucket=bucket.name)
    elif (
        key.unread is None
        and found is not None
        and not lets_decrypt(key.policy, key.arn, found.arn)
    ):
        values = {"key": key.arn, "bucket": bucket.name, "distribution": found.id}
        paste = decrypt_statement(found.arn)
        yield replace(fact("kms-key-policy", key.arn, **values), paste=paste)


def bucket_encryption_steps(site: SiteInAws) -> Iterator[SetupStep]:
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
        call=site.put_call(
            "PutBucketEncryption",
            "PutEncryptionConfiguration",
            ServerSideEncryptionConfiguration={"Rules": [after]},
        ),
        before=bucket.encryption,
        after=after,
    )


def key_policy_steps(site: SiteInAws) -> Iterator[SetupStep]:
    """Return the step that lets CloudFront decrypt, or why it cannot be done."""
    bucket, key = site.bucket, site.account.kms_key
    if (error := bucket.unread.get(BucketPart.ENCRYPTION)) is not None:
        yield conflict(
            "kms-key-policy",
            f"the default encryption of {bucket.name} cannot be read, so whether CloudFront needs "
            f"a KMS key is not known: {error.reason}. {error.next_step.rstrip('.')}",
        )
        return
    for found in encryption_facts(site):
        if found.id != "kms-key-policy":
            yield decision(found)
            return
    if key is not None and (site.wanted.kms_key or bucket.kms_key_id is not None):
        yield _key_policy(site, key)


def _key_policy(site: SiteInAws, key: KmsKey) -> SetupStep:
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
