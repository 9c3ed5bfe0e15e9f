"""What S3 says of a bucket name before a stack is created.

Modules: tools/account/reader.py
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cfsigned_django.core.aws.errors import AwsError
from cfsigned_django.tools.account.reader import find_region


def find(code: str, **headers: str) -> str | None:
    """Return what is found if S3 answers HeadBucket so."""

    def head_bucket(**given: str) -> Any:
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadBucket")
        return {"ResponseMetadata": {"HTTPHeaders": headers}}

    return find_region(SimpleNamespace(head_bucket=head_bucket), "media")


def test_answers() -> None:
    """A name that may not be looked at is taken: another account has it, or another region."""
    assert {code: find(code) for code in ("403", "301", "404")} == {
        "403": "",
        "301": "",
        "404": None,
    }
    assert find("", **{"x-amz-bucket-region": "ap-northeast-2"}) == "ap-northeast-2"
    with pytest.raises(AwsError):
        find("Throttling")
