"""Let CloudFront decrypt what a KMS key encrypts (SSE-KMS): the policy of the key.

Developer Guide: "Restrict access to an Amazon S3 origin" (SSE-KMS). Of the actions there, reading
needs kms:Decrypt alone, which is also all that the AWS CDK grants for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.bucket_policy import (
    SERVICE,
    admits,
    service_statements,
)

_DECRYPT: Final = "kms:Decrypt"


def decrypt_statement(distribution_arn: str) -> Document:
    """Return the statement that lets one distribution decrypt."""
    return {
        "Sid": f"AllowCloudFront{distribution_arn.rpartition('/')[2]}",
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": _DECRYPT,
        "Resource": "*",  # in the policy of a key, the key itself
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
    }


def lets_decrypt(policy: Mapping[str, Any] | None, key_arn: str, distribution_arn: str) -> bool:
    """Return whether the policy of a key lets a distribution decrypt."""
    return any(
        admits(each, distribution_arn)
        for each in service_statements(policy, key_arn, action=_DECRYPT)
    )
