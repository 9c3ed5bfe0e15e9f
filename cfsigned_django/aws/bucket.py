"""Read what S3 says of a bucket: whether it is there, whose it is, and who may do what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

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


# With other refusals, S3 would answer none of the further questions either.
_NOT_ALLOWED: Final = frozenset({"AccessDenied", "403"})


class Part(StrEnum):
    """Name what is asked for of a bucket by calls of their own, each with its permission."""

    POLICY = "policy"
    CORS = "CORS rules"
    PUBLIC_ACCESS = "Block Public Access settings"
    OWNERSHIP = "object ownership"


class BucketState(StrEnum):
    """Name what is known of a bucket name."""

    #: There, and the account's own.
    OURS = "ours"
    MISSING = "missing"
    #: Somebody else's, or these credentials may not look: S3 says the same for both.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket; None where a setting was never made, or may not be read: see ``unread``."""

    name: str
    state: BucketState
    region: str = ""
    policy: Document | None = None
    cors_rules: tuple[Document, ...] = ()
    public_access_block: Mapping[str, bool] | None = None
    #: "BucketOwnerEnforced", "BucketOwnerPreferred" or "ObjectWriter".
    object_ownership: str | None = None
    #: The parts that these credentials may not read, and the refusal of each.
    unread: Mapping[Part, AwsError] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Tell whether it is there and belongs to the account."""
        return self.state is BucketState.OURS


def read_bucket(s3: Any, name: str, *, account_id: str) -> Bucket:
    """Return what there is under a name. Raise :exc:`AwsError` where S3 cannot be asked.

    A permission that is missing for one part keeps back that part alone.
    """
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
    reading = _Reading(name)
    policy = reading.get(Part.POLICY, s3.get_bucket_policy, "s3:GetBucketPolicy")
    cors = reading.get(Part.CORS, s3.get_bucket_cors, "s3:GetBucketCORS")
    block = reading.get(
        Part.PUBLIC_ACCESS, s3.get_public_access_block, "s3:GetBucketPublicAccessBlock"
    )
    ownership = reading.get(
        Part.OWNERSHIP, s3.get_bucket_ownership_controls, "s3:GetBucketOwnershipControls"
    )
    return Bucket(
        name=name,
        state=BucketState.OURS,
        region=_region(head),
        policy=json.loads(policy["Policy"]) if policy else None,
        cors_rules=tuple(cors["CORSRules"]) if cors else (),
        public_access_block=block["PublicAccessBlockConfiguration"] if block else None,
        object_ownership=_ownership(ownership),
        unread=reading.unread,
    )


def _region(head: Mapping[str, Any]) -> str:
    headers = head["ResponseMetadata"]["HTTPHeaders"]
    return head.get("BucketRegion") or headers.get("x-amz-bucket-region") or _HOME_REGION


def _ownership(controls: Mapping[str, Any] | None) -> str | None:
    rules = controls["OwnershipControls"]["Rules"] if controls else []
    return rules[0]["ObjectOwnership"] if rules else None


class _Reading:
    """Read the parts of a bucket one by one, and go on where one may not be read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.unread: dict[Part, AwsError] = {}

    def get(self, part: Part, method: Any, permission: str) -> Mapping[str, Any] | None:
        what = f"read the {part} of the bucket {self._name}"
        try:
            found: Mapping[str, Any] = call(method, what, permission, Bucket=self._name)
        except AwsError as error:
            if error.code in _NOT_ALLOWED:
                self.unread[part] = error
            elif error.code not in _NOT_SET:
                raise
            return None
        return found
