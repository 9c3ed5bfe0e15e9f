"""Read what S3 says of a bucket: whether it is there, whose it is, and who may do what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cfsigned_django.aws.client import AwsError, call
from cfsigned_django.aws.documents import Document

_HOME_REGION = "us-east-1"
# What S3 answers where nothing was ever set; HeadBucket has no body and so no code.
_MISSING = frozenset({"404", "NoSuchBucket"})
_REFUSED = frozenset({"403", "AccessDenied"})
_NOT_SET = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "OwnershipControlsNotFoundError",
    }
)


class BucketState(StrEnum):
    """Name what is known of a bucket name."""

    #: There, and the account's own.
    OURS = "ours"
    MISSING = "missing"
    #: Somebody else's, or these credentials may not look: S3 says the same for both.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket; None where a setting was never made."""

    name: str
    state: BucketState
    region: str = ""
    policy: Document | None = None
    cors_rules: tuple[Document, ...] = ()
    public_access_block: Mapping[str, bool] | None = None
    #: "BucketOwnerEnforced", "BucketOwnerPreferred" or "ObjectWriter".
    object_ownership: str | None = None

    @property
    def is_ours(self) -> bool:
        """Tell whether it is there and belongs to the account."""
        return self.state is BucketState.OURS


def read_bucket(s3: Any, name: str, *, account_id: str) -> Bucket:
    """Return what there is under a name. Raise :exc:`AwsError` where S3 cannot be asked."""
    try:
        head = call(
            s3.head_bucket,
            f"look at the bucket {name}",
            "s3:ListBucket",
            Bucket=name,
            ExpectedBucketOwner=account_id,
        )
    except AwsError as error:
        if error.code in _MISSING:
            return Bucket(name=name, state=BucketState.MISSING)
        if error.code in _REFUSED:
            return Bucket(name=name, state=BucketState.REFUSED)
        raise
    policy = _get(s3.get_bucket_policy, name, "policy", "s3:GetBucketPolicy")
    cors = _get(s3.get_bucket_cors, name, "CORS rules", "s3:GetBucketCORS")
    block = _get(
        s3.get_public_access_block,
        name,
        "Block Public Access settings",
        "s3:GetBucketPublicAccessBlock",
    )
    ownership = _get(
        s3.get_bucket_ownership_controls,
        name,
        "object ownership",
        "s3:GetBucketOwnershipControls",
    )
    return Bucket(
        name=name,
        state=BucketState.OURS,
        region=_region(head),
        policy=json.loads(policy["Policy"]) if policy else None,
        cors_rules=tuple(cors["CORSRules"]) if cors else (),
        public_access_block=block["PublicAccessBlockConfiguration"] if block else None,
        object_ownership=_ownership(ownership),
    )


def _region(head: Mapping[str, Any]) -> str:
    headers = head["ResponseMetadata"]["HTTPHeaders"]
    return head.get("BucketRegion") or headers.get("x-amz-bucket-region") or _HOME_REGION


def _ownership(controls: Mapping[str, Any] | None) -> str | None:
    rules = controls["OwnershipControls"]["Rules"] if controls else []
    return rules[0]["ObjectOwnership"] if rules else None


def _get(method: Any, name: str, what: str, permission: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = call(
            method, f"read the {what} of the bucket {name}", permission, Bucket=name
        )
    except AwsError as error:
        if error.code in _NOT_SET:
            return None
        raise
    return found
