"""Merge a statement and origins into what a bucket has, and see which statements are public.

Modules: tools/account/documents/bucket_policy.py, tools/account/documents/cors.py,
tools/account/documents/lifecycle.py
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from cfsigned_django.tools.account.documents.bucket_policy import (
    PUBLIC_ACCESS_BLOCK,
    access_control_statement,
    access_identity_statement,
    holds,
    is_public,
    merge,
    open_switches,
    public_statements,
    says_the_same,
    statements,
    without_public,
)
from cfsigned_django.tools.account.documents.cors import (
    UPLOAD_RULE_ID as UPLOADS,
    cors_rule,
    echoes_origins,
    merge as merge_rules,
    missing_origins,
)
from cfsigned_django.tools.account.documents.lifecycle import ends_uploads, upload_rule

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


@given(policies)
def test_merge_loses_nothing(policy: dict[str, Any] | None) -> None:
    """Keep every statement and every other field, in their order; change nothing twice.

    Whether a value stands in a list, and the order there, mean nothing.
    """
    merged = merge(policy, OURS)

    kept = statements(policy)
    assert statements(merged)[: len(kept)] == kept
    assert {k: v for k, v in merged.items() if k != "Statement"} == {
        k: v for k, v in (policy or {"Version": "2012-10-17"}).items() if k != "Statement"
    }
    assert holds(merged, OURS)
    assert merge(merged, OURS) == merged
    for each in kept:
        loose = {
            name: shuffled(value) if name in ("Action", "Resource", "Condition") else value
            for name, value in each.items()
        }
        assert says_the_same(each, {**loose, "Sid": "other"})


def test_merge_finds_and_replaces() -> None:
    """Add nothing if the console wrote the same; correct a statement that has our Sid."""
    console = {"Version": "2008-10-17", "Statement": DOCUMENTED}
    wrong = {**OURS, "Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/old/*"}

    assert merge(console, OURS) == console
    merged = merge({"Version": "2012-10-17", "Statement": [wrong, PUBLIC]}, OURS)
    assert merged["Statement"] == [PUBLIC, OURS]


@pytest.mark.parametrize("field", ["Effect", "Principal", "Action", "Resource", "Condition"])
def test_differences(field: str) -> None:
    """Find a difference in each field."""
    other = {**OURS, field: {"StringEquals": {"AWS:SourceArn": "arn:other"}}}

    assert not says_the_same(OURS, other)


def test_documented() -> None:
    """Write what the Developer Guide shows, for an access control and for an identity."""
    who = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC"
    identity = {
        **{name: each for name, each in DOCUMENTED.items() if name != "Condition"},
        "Principal": {"AWS": who},
    }

    assert says_the_same(OURS, DOCUMENTED)
    assert says_the_same(access_identity_statement("DOC-EXAMPLE-BUCKET", "EH1HDMB1FH2TC"), identity)


SOMEBODY = "arn:aws:iam::111122223333:root"
R = range(256)


#: What is different in a public statement, and whether it is public still.
STATEMENTS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"Principal": {"AWS": "*"}}, True),
    ({"Principal": {"AWS": [SOMEBODY, "*"]}}, True),
    ({"Principal": None, "NotPrincipal": {"AWS": SOMEBODY}}, True),
    (
        {
            "Principal": None,
            "NotPrincipal": {"AWS": SOMEBODY},
            "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
        },
        True,
    ),
    ({"Condition": {"StringLike": {"aws:Referer": "https://example.com/*"}}}, True),
    ({"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}}}, True),
    ({"Condition": {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}}, True),
    ({"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}, True),
    ({"Condition": {"ForAllValues:StringEquals": {"aws:SourceVpce": "vpce-1"}}}, True),
    ({"Condition": {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}}, True),
    ({"Condition": {"IpAddress": {"aws:SourceIp": [f"{n}.0.0.0/8" for n in R]}}}, True),
    ({"Condition": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "::/1"]}}}, True),
    ({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*"}}}, True),
    ({"Condition": {"StringLike": {"aws:PrincipalArn": "arn:*:111122223333:*"}}}, True),
    ({"Condition": {"StringLike": {"aws:SourceArn": "arn:aws:s3:::a*"}}}, True),
    ({"Condition": {"StringLike": {"aws:userid": "*:*"}}}, True),
    ({"Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*"}}}, True),
    ({"Condition": {"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}}, True),
    ({"Principal": {"AWS": "arn:aws:iam::*:root"}}, True),
    ({"Effect": "Deny"}, False),
    ({"Principal": {"AWS": SOMEBODY}}, False),
    ({"Principal": {"Service": "cloudfront.amazonaws.com"}}, False),
    ({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}, False),
    ({"Condition": {"IpAddress": {"AWS:SourceIp": "192.0.2.0/24"}}}, False),
    ({"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}}}, False),
    ({"Condition": {"ForAnyValue:StringEquals": {"aws:SourceVpce": "vpce-1"}}}, False),
    ({"Condition": {"ArnLike": {"aws:PrincipalArn": f"{SOMEBODY[:-4]}role/*"}}}, False),
    ({"Condition": {"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}}, False),
    ({"Condition": {"StringLike": {"aws:PrincipalOrgPaths": "o-a1/r-b2/*"}}}, False),
    ({"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::their-bucket"}}}, False),
]


def test_public() -> None:
    """A statement for everyone is public, in every spelling and with a useless condition."""
    found = [(change, is_public({**PUBLIC, **change})) for change, _ in STATEMENTS]
    assert found == STATEMENTS


def test_public_statements_are_taken_out() -> None:
    """Remove the public statements only; return None if none is left."""
    policy = {"Version": "2012-10-17", "Id": "mine", "Statement": [PUBLIC, OURS]}

    assert public_statements(policy) == [PUBLIC]
    assert without_public(policy) == {**policy, "Statement": [OURS]}
    assert without_public({**policy, "Statement": PUBLIC}) is None


def test_switches_that_are_open() -> None:
    """Return the switches of Block Public Access that are not on."""
    assert open_switches(PUBLIC_ACCESS_BLOCK) == []
    assert open_switches({**PUBLIC_ACCESS_BLOCK, "IgnorePublicAcls": False}) == ["IgnorePublicAcls"]
    assert open_switches(None) == list(PUBLIC_ACCESS_BLOCK)


# The CORS rules

APP = "https://app.example.com"
origins = st.sampled_from([APP, "https://www.example.com", "http://localhost:8000", "*"])
cors_rules = st.lists(
    st.fixed_dictionaries(
        {
            "AllowedMethods": st.lists(st.sampled_from(["GET", "HEAD", "PUT"]), min_size=1),
            "AllowedOrigins": st.lists(origins, min_size=1),
        },
        optional={
            "ID": st.sampled_from(["theirs", "other"]),
            "MaxAgeSeconds": st.just(5),
            "AllowedHeaders": st.just(["*"]),
            "ExposeHeaders": st.just(["ETag"]),
        },
    ),
    max_size=4,
)


@given(cors_rules, origins, origins)
def test_merge_of_rules(present: list[dict[str, Any]], first: str, second: str) -> None:
    """Keep every rule, let each origin in, by one rule of ours, and change nothing twice.

    Pages may upload and see ETag, whatever stands there, and files are read as before.
    """
    for rule_id in ((), (UPLOADS,)):
        both = merge_rules(present, [first, second], *rule_id)
        merged = merge_rules(merge_rules(present, [first], *rule_id), [second], *rule_id)
        for each in (both, merged):
            assert missing_origins(each, [first, second], *rule_id) == []
            assert len(each) <= len(present) + 1
            assert merge_rules(each, [second, first], *rule_id) == each
        assert merge_rules(present, [], *rule_id) == present
        if rule_id:
            assert [each for each in merged if each.get("ID") != UPLOADS] == present
            assert merged[:1] == present[:1] or merged[0]["ID"] == UPLOADS
            assert missing_origins(merged, [APP]) == missing_origins(present, [APP])
        else:
            assert both[: len(present)] == merged[: len(present)] == present


WRITES = {"AllowedMethods": ["POST", "PUT"], "AllowedOrigins": ["*"]}
HEADERS, TAG = {"AllowedHeaders": ["*"]}, {"ExposeHeaders": ["ETag"]}


@pytest.mark.parametrize(
    ("rules", "suffice"),
    [
        ([WRITES | HEADERS | TAG], True),
        ([WRITES | TAG | {"AllowedHeaders": ["Content-*"]}], True),
        # The upload itself is answered by the first rule, whatever its headers are.
        ([WRITES | HEADERS, WRITES | HEADERS | TAG], False),
        ([WRITES | TAG, WRITES | HEADERS], True),
        ([WRITES | TAG], False),
        ([WRITES | TAG | {"AllowedHeaders": ["x-amz-*"]}], False),
    ],
)
def test_the_first_rule_for_uploads(rules: list[dict[str, Any]], suffice: bool) -> None:
    """Accept rules only if S3 allows a content type by them, and shows the ETag."""
    assert (missing_origins(rules, [APP], UPLOADS) == []) is suffice


def test_lifecycle_rules() -> None:
    """Know a rule that ends incomplete uploads in a folder, in whichever shape S3 returns it."""
    own = upload_rule("tmp/s3file/")
    ends = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Status": "Enabled"}

    assert ends_uploads([own], "tmp/s3file/")
    assert len(upload_rule("long/" * 60)["ID"]) == 255
    assert ends_uploads([own], "")
    assert ends_uploads([{**ends, "Prefix": ""}], "tmp/")
    assert ends_uploads([{**ends, "Filter": {"Prefix": "tmp/"}}], "tmp/s3file/")
    assert not ends_uploads([own], "tmp/")
    assert not ends_uploads([own], "uploads/")
    assert not ends_uploads([{**own, "Status": "Disabled"}], "")
    assert not ends_uploads([{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}], "")


def test_rules_that_suffice() -> None:
    """Accept a wildcard for the origins that it covers alone; add a rule if a method is missing."""
    wildcard = {"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["https://*.example.com"]}
    get = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}

    assert missing_origins([wildcard], [APP, "https://example.com"]) == ["https://example.com"]
    assert merge_rules([get], [APP]) == [get, cors_rule([APP])]


A, B, ANY = "https://a.example.com", "https://b.example.com", "https://*.example.com"


@pytest.mark.parametrize(
    ("rules", "origins", "expected"),
    [
        ([], [A], False),
        ([[A]], [A], False),
        ([["*"]], [A, B], False),
        ([[ANY]], [], True),
        ([[A], [B]], [], True),
        ([[A]], [B], True),
        ([[A, "*"]], [], True),
    ],
)
def test_echoes_origins(rules: list[list[str]], origins: list[str], expected: bool) -> None:
    """Return whether a copy made for one origin cannot serve another; uploads do not count."""
    found = [cors_rule(each) for each in rules]

    assert echoes_origins(found, origins) is expected
    assert not echoes_origins([{**each, "AllowedMethods": ["PUT"]} for each in found])
