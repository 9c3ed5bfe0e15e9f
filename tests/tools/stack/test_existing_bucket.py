"""What S3 says of a bucket name before a stack is created."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfsigned_django.aws.errors import AwsError
from cfsigned_django.tools.stack.existing_bucket import find_region


def s3(code: str, **headers: str) -> Any:
    """Return a client that answers HeadBucket."""

    def head_bucket(**given: str) -> Any:
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadBucket")
        return {"ResponseMetadata": {"HTTPHeaders": headers}}

    return SimpleNamespace(head_bucket=head_bucket)


def test_answers() -> None:
    """A name that may not be looked at is taken: another account has it, or another region."""
    found = {code: find_region(s3(code), "media") for code in ("403", "301", "404")}
    there = find_region(s3("", **{"x-amz-bucket-region": "ap-northeast-2"}), "media")

    assert found == {"403": "", "301": "", "404": None}
    assert there == "ap-northeast-2"


def test_no_answer() -> None:
    """Decide nothing if S3 does not answer."""
    with pytest.raises(AwsError):
        find_region(s3("Throttling"), "media")
