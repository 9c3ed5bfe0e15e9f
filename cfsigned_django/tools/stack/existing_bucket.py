"""Look for a bucket before the stack is created: who makes it is decided then, and never again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from cfsigned_django.aws.client import call
from cfsigned_django.aws.errors import AwsError

_MISSING: Final = ("404", "NoSuchBucket")
#: A name that is taken: by a bucket that these credentials may not see, or in another region.
_TAKEN: Final = ("403", "AccessDenied", "301", "PermanentRedirect", "400")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBucket:
    """Whether a bucket exists, and its region if S3 tells it."""

    exists: bool
    region: str = ""


def look_for_bucket(s3: Any, name: str) -> FoundBucket:
    """Return what S3 says about a bucket name. Raise :exc:`AwsError` if S3 does not answer."""
    try:
        head = call(s3.head_bucket, f"look for the bucket {name}", "s3:ListBucket", Bucket=name)
    except AwsError as error:
        if error.code in _MISSING:
            return FoundBucket(exists=False)
        if error.code in _TAKEN:
            return FoundBucket(exists=True)
        raise
    headers = head["ResponseMetadata"]["HTTPHeaders"]
    region = head.get("BucketRegion") or headers.get("x-amz-bucket-region") or ""
    return FoundBucket(exists=True, region=region)
