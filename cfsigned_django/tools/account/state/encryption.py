"""Judge the encryption: CloudFront must be able to decrypt what it reads.

A bucket with SSE-S3, as every new one, needs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
)
from cfsigned_django.tools.account.documents.key_policy import decrypt_statement, lets_decrypt
from cfsigned_django.tools.account.state.facts import Fact, fact
from cfsigned_django.tools.account.state.site_in_aws import SiteInAws


def encryption_facts(site: SiteInAws) -> Iterator[Fact]:
    """Yield why CloudFront cannot decrypt new objects; nothing if it can, or if it is unknown."""
    bucket, key, found = site.bucket, site.account.kms_key, site.account.distribution
    name = f"bucket {bucket.name}"
    if not site.wanted.kms_key and bucket.kms_key_id is None:
        return
    origin = site.origin or {}
    if access_identity_of(origin) and not access_control_of(origin):
        yield fact("kms-identity", name, bucket=bucket.name)
    elif key is None or key.is_aws_managed:
        yield fact("kms-aws-managed", name, bucket=bucket.name)
    elif (
        key.unread is None
        and found is not None
        and not lets_decrypt(key.policy, key.arn, found.arn)
    ):
        values = {"key": key.arn, "bucket": bucket.name, "distribution": found.id}
        statement = decrypt_statement(found.arn)
        yield replace(fact("kms-key-policy", key.arn, **values), paste=statement)
