"""Evaluate policies as AWS's pages say, and read who else they let in."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.tools.account.documents.bucket import (
    access_control_statement,
    access_identity_arn,
)
from cfsigned_django.tools.model.resource_policy import (
    Decision,
    Request,
    by_anyone,
    by_distribution,
    by_identity,
    evaluate,
    is_public,
    other_readers,
    public_statements,
)

ACCOUNT = "111122223333"
ARN = f"arn:aws:cloudfront::{ACCOUNT}:distribution/EDFDVBD6EXAMPLE"
ALL_OF_THE_ACCOUNT = f"arn:aws:cloudfront::{ACCOUNT}:distribution/*"
FILES = "arn:aws:s3:::media/media/*"
IDENTITY = access_identity_arn("EH1")
ALLOWED, DENIED, UNKNOWN = Decision.ALLOWED, Decision.DENIED, Decision.UNKNOWN
SOMEBODY = f"arn:aws:iam::{ACCOUNT}:root"
OTHERS = "arn:aws:cloudfront::999999999999:distribution/EOTHER"

OAC = by_distribution(ARN, FILES, uses_tls=True)
ONE_FILE = by_distribution(ARN, "arn:aws:s3:::media/media/1.jpg", uses_tls=True)
OAI = by_identity(IDENTITY, FILES, uses_tls=True)
ANYONE = by_anyone(FILES)


def on(operator: str, key: str, *values: Any) -> dict[str, Any]:
    """Return a condition."""
    return {"Condition": {operator: {key: list(values)}}}


SOURCE, ORGANIZATION = "aws:SourceArn", "aws:PrincipalOrgID"

#: AWS page -> who asks, what is different in the documented Allow for the distribution, the answer.
#: What test_random_policies.py draws is not repeated.
PAGES: dict[str, list[tuple[Request, dict[str, Any], Decision]]] = {
    "Restrict access to an Amazon S3 origin": [
        (OAC, {}, ALLOWED),
        (ANYONE, {}, DENIED),
        # The canonical user of an identity is not in the configuration of a distribution.
        (OAI, {"Principal": {"CanonicalUser": "abc"}, "Condition": {}}, UNKNOWN),
    ],
    "IAM JSON policy elements: Principal, NotPrincipal": [
        (ANYONE, {"Principal": {"AWS": ["*"]}, "Condition": {}}, ALLOWED),
        # A part of a name may not be a pattern there.
        (OAC, {"Principal": {"Service": "*.amazonaws.com"}}, UNKNOWN),
        (ANYONE, {"NotPrincipal": {"AWS": SOMEBODY}, "Condition": {}}, ALLOWED),
    ],
    "IAM JSON policy elements: Resource": [
        (OAC, {"Resource": "arn:aws:s3"}, ALLOWED),
        (OAC, {"Resource": "arn:aws:*/media/*"}, DENIED),
        (ONE_FILE, {"Resource": "arn:aws:s3:::media/*.jpg"}, ALLOWED),
    ],
    "IAM policy elements: Variables and tags": [
        (OAC, {"Resource": "arn:aws:s3:::media/${aws:PrincipalTag/x}*"}, UNKNOWN),
    ],
    "IAM JSON policy elements: Condition operators": [
        (OAC, on("StringEquals", SOURCE, ARN.lower()), DENIED),
        (OAC, on("StringNotEqualsIgnoreCase", SOURCE, ARN.lower()), DENIED),
        (OAC, on("ArnLike", SOURCE, f"arn:aws:*:{ACCOUNT}:distribution/EDFDVBD6EXAMPLE"), UNKNOWN),
        (OAC, on("ArnLike", SOURCE, f"arn:aws:c*:x:{ACCOUNT}:distribution/*"), DENIED),
        (ANYONE, {"Principal": "*"} | on("Null", SOURCE, "true"), ALLOWED),
        # A key that a request lacks.
        (ANYONE, {"Principal": "*"} | on("StringEquals", ORGANIZATION, "o-1"), DENIED),
        (ANYONE, {"Principal": "*"} | on("StringNotEquals", ORGANIZATION, "o-1"), ALLOWED),
        (ANYONE, {"Principal": "*"} | on("StringEqualsIfExists", ORGANIZATION, "o-1"), ALLOWED),
        (ANYONE, {"Principal": "*"} | on("ForAnyValue:StringNotEquals", SOURCE, ARN), DENIED),
        # Operators that IAM does not have, or whose values are not text.
        (OAC, on("NullIfExists", SOURCE, "false"), UNKNOWN),
        (OAC, on("BinaryEquals", SOURCE, "YQ=="), UNKNOWN),
    ],
    "AWS global condition context keys": [
        (OAC, on("Bool", "aws:PrincipalIsAWSService", "true"), ALLOWED),
        (OAC, on("StringEquals", "aws:PrincipalServiceName", "x.amazonaws.com"), DENIED),
    ],
}


def test_pages(subtests: pytest.Subtests) -> None:
    """Decision as the page says, and unknown where no page decides."""
    documented = access_control_statement("media", ARN)
    for page, rows in PAGES.items():
        for at, (request, changes, expected) in enumerate(rows):
            with subtests.test(page=page, at=at, changes=changes):
                changed = {name: each for name, each in {**documented, **changes}.items() if each}
                assert evaluate({"Statement": changed}, request)[0] is expected


DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}


def test_statements_that_decide() -> None:
    """Name the statements that decide: a Deny, unknown ones, or those that are not met."""
    own = access_control_statement("media", ARN)
    other = access_control_statement("media", OTHERS)
    perhaps = {**own, **on("StringEquals", ORGANIZATION, "o-1")}
    doubtful = {**DENY, **on("StringEquals", ORGANIZATION, "o-1")}
    excepted = {"NotPrincipal": {"AWS": SOMEBODY}, **DENY}
    del excepted["Principal"]
    never = {**DENY, "Condition": {"StringNotEquals": {ORGANIZATION: "o-1", SOURCE: ARN}}}

    def decide(*statements: dict[str, Any]) -> object:
        return list(evaluate({"Statement": list(statements)}, OAC))[1]

    assert decide(own, DENY) == [DENY]
    assert decide(other, perhaps, doubtful) == [doubtful, perhaps]
    assert decide(own, perhaps, doubtful) == [doubtful]
    assert decide(other, DENY | {"Action": "s3:PutObject"}) == [other]
    assert decide(other, own) == [own]
    assert decide(own, excepted) == [excepted]
    assert decide(own, perhaps, never) == [own]
    assert evaluate(None, OAC) == (DENIED, [])


# What S3 calls public

PUBLIC = {
    "Sid": "PublicRead",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::media/*",
}

#: What is different in a public statement, and whether it is public still.
STATEMENTS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"Principal": {"AWS": "*"}}, True),
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
    ({"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "11.0.0.0/8"]}}}, True),
    ({"Condition": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "2001::/16"]}}}, True),
    ({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*"}}}, True),
    ({"Condition": {"StringLike": {"aws:PrincipalArn": "arn:*:111122223333:*"}}}, True),
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


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({"Resource": "arn:aws:s3:::media/static/*"}, False),
        ({"Resource": None, "NotResource": "arn:aws:s3:::media/media/*"}, True),  # the bucket
        ({"Resource": "arn:aws:s3:::media/*.jpg"}, True),
        ({"Resource": "arn:aws:s3:::media", "Action": "s3:ListBucket"}, True),
        ({"Resource": "arn:aws:s3:::media/media/in/*", "Action": "s3:PutObject"}, True),
    ],
)
def test_public_statement_about_the_files(changes: dict[str, Any], is_found: bool) -> None:
    """Leave out a statement about another folder: what is there may be public on purpose."""
    own, changed = access_control_statement("media", ARN), {**PUBLIC, **changes}
    found = public_statements({"Statement": [own, changed]}, FILES)
    assert found == ([changed] if is_found else [])


# Who else may read

BACKUP = {"AWS": "arn:aws:iam::999999999999:root"}
NAMED: dict[str, Any] = {"Principal": BACKUP, "Condition": {}}
OURS = f"arn:aws:cloudfront::{ACCOUNT}:distribution/EALSO"
EVERY = "every distribution"


def others(*statements: dict[str, Any], identity_arn: str = "") -> list[tuple[str, str, bool]]:
    """Return whom else a policy lets read."""
    return other_readers(
        {"Statement": statements}, FILES, distribution_arn=ARN, identity_arn=identity_arn
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({**NAMED, "Effect": "Deny"}, None),
        ({**NAMED, "Action": "s3:PutObject"}, None),
        ({**NAMED, "Resource": "arn:aws:s3:::media/logs/*"}, None),
        ({"Principal": "*", "Condition": {}}, None),
        ({"Condition": {}}, (EVERY, False)),
        (on("StringNotEquals", SOURCE, OURS), (EVERY, False)),
        (on("StringEquals", SOURCE, ALL_OF_THE_ACCOUNT), None),
        (on("ArnLike", SOURCE, ALL_OF_THE_ACCOUNT), (ALL_OF_THE_ACCOUNT, True)),
        ({"Principal": BACKUP}, None),
        ({**NAMED, "Action": "s3:*"}, (BACKUP["AWS"], True)),
        ({**NAMED, "NotAction": "s3:*"}, None),
        # A statement without a name has a number.
        ({**NAMED, "Sid": "", "NotAction": "s3:Delete*"}, (BACKUP["AWS"], True)),
        ({**NAMED, "Resource": "arn:aws:s3:::media/*.jpg"}, (BACKUP["AWS"], True)),
        ({**NAMED, "NotResource": "arn:aws:s3:::x/*"}, (BACKUP["AWS"], True)),
        ({**NAMED, "Principal": {"CanonicalUser": "abc"}}, ("abc", True)),
        ({**NAMED, "Principal": {"Service": "x.amazonaws.com"}}, ("x.amazonaws.com", False)),
        ({"Principal": "*"}, None),
        (
            {"Principal": "*"} | on("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
            ("aws:SourceIp", False),
        ),
        (on("StringEquals", SOURCE, ARN, OTHERS), (OTHERS, False)),
        (on("StringEquals", SOURCE, OURS), (OURS, True)),
        (on("StringEquals", "aws:SourceAccount", ACCOUNT), (f"CloudFront for {ACCOUNT}", True)),
        ({"Condition": {"StringEquals": {SOURCE: ARN, "aws:SourceAccount": ACCOUNT}}}, None),
    ],
)
def test_other_readers(changes: dict[str, Any], expected: tuple[str, bool] | None) -> None:
    """Return who else may read by a statement, and whether it names them."""
    own = access_control_statement("media", ARN)
    changed = {**own, **changes}

    found = others(own, changed)

    if expected is None:
        assert found == []
    else:
        [(name, who, is_named)] = found
        assert name == (changed["Sid"] or "statement 2")
        assert expected[0] in who
        assert is_named is expected[1]


def test_identity_is_no_other_reader() -> None:
    """Leave out the identity by which the origin reads, in both of its names, and no other."""
    names = {"AWS": [IDENTITY, f"{IDENTITY}OLD"], "CanonicalUser": "abc"}
    changed = {**access_control_statement("media", ARN), "Principal": names, "Condition": {}}

    [(_, who, _)] = others(changed, identity_arn=IDENTITY)

    assert who == names["AWS"][1]
