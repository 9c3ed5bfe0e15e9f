"""The state of an AWS account for one bucket and one distribution, as one value.

reader.py reads it. The judge uses nothing else; the doctor reports the problems.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.core.aws.key_groups import ListedPublicKey
from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.model import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedConfig:
    """An origin access control, or a policy."""

    id: str
    name: str
    config: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsDistribution:
    id: str
    arn: str
    status: str
    domain_name: str
    config: Document
    #: Key group ID -> the public key IDs that edges know, if CloudFront lists them.
    active_key_pairs: Mapping[str, tuple[str, ...]]

    @property
    def aliases(self) -> list[str]:
        return listed(self.config.get("Aliases"))

    @property
    def partition(self) -> str:
        """Return the first part of its ARN: "aws", or "aws-cn"."""
        return self.arn.split(":")[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGroup:
    id: str
    name: str
    key_pair_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsKey:
    """The KMS key that encrypts the objects of a bucket."""

    #: Its ARN; its ID or alias, as the bucket names it, if the key could not be read.
    arn: str
    #: Whether it is a key such as aws/s3, whose policy nobody can change.
    is_aws_managed: bool = False
    policy: Document | None = None
    #: The error, if the key or its policy could not be read.
    unread: AwsError | None = None


class BucketPart(StrEnum):
    """A part of a bucket that is read by a separate call, with its own permission."""

    POLICY = "policy"
    CORS = "CORS rules"
    PUBLIC_ACCESS = "Block Public Access settings"
    ENCRYPTION = "default encryption"
    LIFECYCLE = "lifecycle rules"


class BucketState(StrEnum):
    """What is known about a bucket name."""

    #: It exists and belongs to the account.
    OURS = "ours"
    MISSING = "missing"
    #: It belongs to another account, or these credentials may not look: S3 returns the same error.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket. A setting is None if it was never made or may not be read: see ``unread``."""

    name: str
    state: BucketState
    region: str = ""
    policy: Document | None = None
    cors_rules: tuple[Document, ...] = ()
    public_access_block: Mapping[str, bool] | None = None
    #: Read for uploads only.
    lifecycle_rules: tuple[Document, ...] = ()
    #: The rule of the default encryption.
    encryption: Document | None = None
    #: The parts that these credentials may not read, with the error of each.
    unread: Mapping[BucketPart, AwsError] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        return self.state is BucketState.OURS

    @property
    def kms_key_id(self) -> str | None:
        """Return the KMS key that encrypts new objects, as the bucket names it.

        Empty for the AWS managed key; None if no KMS key does.
        """
        by_default = (self.encryption or {}).get("ApplyServerSideEncryptionByDefault") or {}
        if not str(by_default.get("SSEAlgorithm")).startswith("aws:kms"):
            return None
        return by_default.get("KMSMasterKeyID") or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What exists, as far as it could be read.

    A field is None if it could not be read, with the reason in ``problems``; it is empty if there
    is nothing. ``bucket`` is also None if no bucket was requested. ``distribution`` is also None if
    the account has no matching one; ``has_looked_for_distribution`` is true in that case.
    """

    #: Empty if STS did not answer.
    account_id: str = ""
    distribution: AwsDistribution | None = None
    has_looked_for_distribution: bool = False
    bucket: Bucket | None = None
    #: Summaries of the other distributions, read if the bucket's policy lets in another reader.
    other_distributions: tuple[Document, ...] = ()
    #: The key that encrypts the bucket, or the desired one; None if there is none, or for aws/s3.
    kms_key: KmsKey | None = None
    public_keys: tuple[ListedPublicKey, ...] | None = None
    key_groups: tuple[KeyGroup, ...] | None = None
    access_controls: tuple[NamedConfig, ...] | None = None
    #: The policies that the distribution uses, and all custom policies of the account.
    cache_policies: Mapping[str, NamedConfig] | None = None
    origin_request_policies: Mapping[str, NamedConfig] | None = None
    response_headers_policies: Mapping[str, NamedConfig] | None = None
    problems: tuple[AwsError, ...] = ()

    @property
    def all_problems(self) -> tuple[AwsError, ...]:
        """Return all problems, including what of the bucket and its key may not be read."""
        key = self.kms_key.unread if self.kms_key else None
        of_the_bucket = self.bucket.unread.values() if self.bucket else ()
        return (*self.problems, *of_the_bucket, *([key] if key else []))
