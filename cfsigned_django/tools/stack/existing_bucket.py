"""Look for a bucket before the stack is created: who makes it is decided then, and never again."""

from __future__ import annotations

from typing import Any, Final

from cfsigned_django.aws.client import call
from cfsigned_django.aws.errors import AwsError
from cfsigned_django.tools.account.reader import region_of

_MISSING: Final = ("404", "NoSuchBucket")
#: A name that is taken: by a bucket that these credentials may not see, or in another region.
_TAKEN: Final = ("403", "AccessDenied", "301", "PermanentRedirect", "400")


def find_region(s3: Any, name: str) -> str | None:
    """Return the region of a bucket: empty if S3 does not tell it, None if there is no such bucket.

    Raise :exc:`AwsError` if S3 does not answer.
    """
    try:
        head = call(s3.head_bucket, f"look for the bucket {name}", "s3:ListBucket", Bucket=name)
    except AwsError as error:
        if error.code not in _MISSING + _TAKEN:
            raise
        return "" if error.code in _TAKEN else None
    return region_of(head)
