"""Merge a statement into a bucket policy, and see which statements are public."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.aws.documents.bucket_policy import (
    access_control_statement,
    access_identity_statement,
    holds,
    is_public,
    merge,
    public_statements,
    says_the_same,
    statements,
    without_public,
)

ARN = "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"
OURS = access_control_statement("DOC-EXAMPLE-BUCKET", ARN)
#: As the Developer Guide shows it, but for the Sid.
DOCUMENTED = {
    "Sid": "AllowCloudFrontServicePrincipalReadOnly",
    "Effect": "Allow",
    "Principal": {"Service": "cloudfront.amazonaws.com"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*",
    "Condition": {"StringEquals": {"AWS:SourceArn": ARN}},
}
PUBLIC = {
    "Sid": "PublicRead",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*",
}

words = st.text("abcXYZ:*/-", min_size=1, max_size=8)
one_or_many = words | st.lists(words, min_size=1, max_size=3)
foreign = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": st.just("*")
        | st.dictionaries(st.sampled_from(["AWS", "Service"]), one_or_many),
        "Action": one_or_many,
        "Resource": one_or_many,
    },
    optional={
        "Sid": words,
        "Condition": st.dictionaries(words, st.dictionaries(words, one_or_many), max_size=2),
        "Unknown": words,
    },
)
policies = st.none() | st.fixed_dictionaries(
    {"Version": st.sampled_from(["2008-10-17", "2012-10-17"])},
    optional={"Id": words, "Statement": foreign | st.lists(foreign, max_size=4)},
)


def shuffled(value: Any) -> Any:
    """Write single values as lists, and lists the other way round."""
    if isinstance(value, dict):
        return {name: shuffled(each) for name, each in value.items()}
    return value[::-1] if isinstance(value, list) else [value]


class TestMerge:
    """One statement goes in; nothing goes out."""

    @given(policies)
    def test_loses_nothing(self, policy: dict[str, Any] | None) -> None:
        """Keep every statement and every other field, in their order."""
        merged = merge(policy, OURS)

        kept = statements(policy)
        assert statements(merged)[: len(kept)] == kept
        assert {k: v for k, v in merged.items() if k != "Statement"} == {
            k: v for k, v in (policy or {"Version": "2012-10-17"}).items() if k != "Statement"
        }

    @given(policies)
    def test_is_idempotent(self, policy: dict[str, Any] | None) -> None:
        """Change nothing the second time."""
        merged = merge(policy, OURS)

        assert holds(merged, OURS)
        assert merge(merged, OURS) == merged

    def test_finds_what_the_console_wrote(self) -> None:
        """Add nothing where a statement of another Sid says the same."""
        policy = {"Version": "2008-10-17", "Statement": DOCUMENTED}

        assert merge(policy, OURS) == policy

    def test_replaces_its_own(self) -> None:
        """Put a statement of its own Sid right."""
        wrong = {**OURS, "Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/old/*"}

        merged = merge({"Version": "2012-10-17", "Statement": [wrong, PUBLIC]}, OURS)

        assert merged["Statement"] == [PUBLIC, OURS]


class TestMeaning:
    """Statements are compared by what they say."""

    @given(foreign)
    def test_lists_and_order(self, statement: dict[str, Any]) -> None:
        """Ignore whether a value stands in a list, and the order there."""
        loose = {
            name: shuffled(value) if name in ("Action", "Resource", "Condition") else value
            for name, value in statement.items()
        }

        assert says_the_same(statement, {**loose, "Sid": "other"})

    @pytest.mark.parametrize("field", ["Effect", "Principal", "Action", "Resource", "Condition"])
    def test_differences(self, field: str) -> None:
        """See a difference in each field."""
        other = {**OURS, field: {"StringEquals": {"AWS:SourceArn": "arn:other"}}}

        assert not says_the_same(OURS, other)

    def test_documented(self) -> None:
        """Say what the Developer Guide says, for an access control and for an identity."""
        identity = access_identity_statement("DOC-EXAMPLE-BUCKET", "EH1HDMB1FH2TC")

        assert says_the_same(OURS, DOCUMENTED)
        assert says_the_same(
            identity,
            {
                "Effect": "Allow",
                "Principal": {
                    "AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity "
                    "EH1HDMB1FH2TC"
                },
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*",
            },
        )


class TestPublic:
    """A statement is public if it lets anybody in from anywhere."""

    @pytest.mark.parametrize(
        "change",
        [
            {},
            {"Principal": {"AWS": "*"}},
            {"Principal": {"AWS": ["arn:aws:iam::1:root", "*"]}},
            {"Condition": {"StringLike": {"aws:Referer": "https://example.com/*"}}},
            {"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}}},
            {"Condition": {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}},
            {"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}},
            {"Principal": None, "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}},
        ],
    )
    def test_public(self, change: dict[str, Any]) -> None:
        """See it in every spelling, and through a condition that keeps nobody out."""
        assert is_public({**PUBLIC, **change})

    @pytest.mark.parametrize(
        "change",
        [
            {"Effect": "Deny"},
            {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
            {"Principal": {"Service": "cloudfront.amazonaws.com"}},
            {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}},
            {"Condition": {"IpAddress": {"AWS:SourceIp": "192.0.2.0/24"}}},
        ],
    )
    def test_not_public(self, change: dict[str, Any]) -> None:
        """Leave alone what names somebody, or keeps others out."""
        assert not is_public({**PUBLIC, **change})

    def test_taken_out(self) -> None:
        """Take out the public statements only, and say so where none is left."""
        policy = {"Version": "2012-10-17", "Id": "mine", "Statement": [PUBLIC, OURS]}

        assert public_statements(policy) == [PUBLIC]
        assert without_public(policy) == {**policy, "Statement": [OURS]}
        assert without_public({**policy, "Statement": PUBLIC}) is None
