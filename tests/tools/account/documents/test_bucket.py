"""Judge statements and rules of a bucket, and write those that are missing.

Modules: tools/account/documents/bucket.py
"""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.tools.account.documents.bucket import (
    UPLOAD_RULE_ID as UPLOADS,
    access_control_statement,
    access_identity_statement,
    cors_rule,
    echoes_origins,
    ends_uploads,
    missing_origins,
    request_through,
)
from tests.tools.account.by_hand import upload_rule

ARN = "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"
OURS = access_control_statement("DOC-EXAMPLE-BUCKET", ARN)
#: As the Developer Guide shows it, without the Sid.
DOCUMENTED = {
    "Sid": "AllowCloudFrontServicePrincipalReadOnly",
    "Effect": "Allow",
    "Principal": {"Service": "cloudfront.amazonaws.com"},
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::DOC-EXAMPLE-BUCKET/*",
    "Condition": {"StringEquals": {"AWS:SourceArn": ARN}},
}


def test_documented() -> None:
    """Write what the Developer Guide shows, for an access control and for an identity."""
    who = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC"
    identity = {
        **{name: each for name, each in DOCUMENTED.items() if name != "Condition"},
        "Principal": {"AWS": who},
    }

    found = access_identity_statement("DOC-EXAMPLE-BUCKET", "EH1HDMB1FH2TC")
    assert {**OURS, "Sid": DOCUMENTED["Sid"]} == DOCUMENTED
    assert {**found, "Sid": DOCUMENTED["Sid"]} == identity


def test_identity_in_another_partition() -> None:
    """Name an identity as the partition of the distribution does."""
    origin = {"S3OriginConfig": {"OriginAccessIdentity": "origin-access-identity/cloudfront/E1"}}

    found = request_through(origin, ARN.replace(":aws:", ":aws-cn:"), "", uses_tls=False)

    who = "arn:aws-cn:iam::cloudfront:user/CloudFront Origin Access Identity E1"
    assert ("AWS", who) in found.principals


def test_lifecycle_rules() -> None:
    """Know a rule that ends incomplete uploads in a folder, in whichever shape S3 returns it."""
    own = upload_rule("tmp/s3file/")
    ends = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}, "Status": "Enabled"}

    assert ends_uploads([own], "tmp/s3file/")
    assert ends_uploads([own], "")
    assert ends_uploads([{**ends, "Prefix": ""}], "tmp/")
    assert ends_uploads([{**ends, "Filter": {"Prefix": "tmp/"}}], "tmp/s3file/")
    assert not ends_uploads([own], "tmp/")
    assert not ends_uploads([own], "uploads/")
    assert not ends_uploads([{**own, "Status": "Disabled"}], "")
    assert not ends_uploads([{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}], "")


APP, EXAMPLE = "https://app.example.com", "https://example.com"
WILDCARD = {"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["https://*.example.com"]}
GET = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
WRITES = {"AllowedMethods": ["POST", "PUT"], "AllowedOrigins": ["*"]}
HEADERS, TAG = {"AllowedHeaders": ["*"]}, {"ExposeHeaders": ["ETag"]}


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        ([WILDCARD], [EXAMPLE]),
        ([GET], [APP, EXAMPLE]),
        ([GET, cors_rule([APP])], [EXAMPLE]),
    ],
)
def test_rules_for_readers(rules: list[dict[str, Any]], missing: list[str]) -> None:
    """Accept a wildcard for the origins that it covers alone, and no rule without a method."""
    assert missing_origins(rules, [APP, EXAMPLE]) == missing


@pytest.mark.parametrize(
    ("rules", "suffice"),
    [
        ([cors_rule([APP], UPLOADS)], True),
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
