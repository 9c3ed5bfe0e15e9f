"""Evaluate policies as AWS's pages say, and read who else they let in."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.tools.account.documents.bucket_policy import (
    access_control_statement,
    access_identity_arn,
    access_identity_statement,
    decrypt_statement,
)
from cfsigned_django.tools.model.resource_policy import (
    DECRYPT,
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
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a1b"
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


SOURCE, SECURE, ORGANIZATION = "aws:SourceArn", "aws:SecureTransport", "aws:PrincipalOrgID"

#: AWS page -> who asks, what is different in the documented Allow for the distribution, the answer.
PAGES: dict[str, list[tuple[Request, dict[str, Any], Decision]]] = {
    "Restrict access to an Amazon S3 origin": [
        (OAC, {}, ALLOWED),
        (OAI, {}, DENIED),
        (ANYONE, {}, DENIED),
        (OAC, on("StringEquals", SOURCE, OTHERS), DENIED),
        (OAI, access_identity_statement("media", "EH1") | {"Condition": {}}, ALLOWED),
        (OAI, access_identity_statement("media", "EH12") | {"Condition": {}}, DENIED),
        # The canonical user of an identity is not in the configuration of a distribution.
        (OAI, {"Principal": {"CanonicalUser": "abc"}, "Condition": {}}, UNKNOWN),
    ],
    "Require HTTPS for communication between CloudFront and your Amazon S3 origin": [
        (OAC, on("Bool", SECURE, "true"), ALLOWED),
        (OAC, on("Bool", SECURE, True), ALLOWED),
        (OAC, on("Bool", SECURE, "false"), DENIED),
        (by_distribution(ARN, FILES, uses_tls=False), on("Bool", SECURE, "true"), UNKNOWN),
    ],
    "IAM JSON policy elements: Principal": [
        (OAC, {"Principal": "*"}, ALLOWED),
        (OAC, {"Principal": {"AWS": "*"}}, ALLOWED),
        (ANYONE, {"Principal": {"AWS": ["*"]}, "Condition": {}}, ALLOWED),
        (OAC, {"Principal": {"Service": ["x.amazonaws.com", "cloudfront.amazonaws.com"]}}, ALLOWED),
        (OAC, {"Principal": {"AWS": SOMEBODY}}, DENIED),
        (OAC, {"Principal": {"Service": "lambda.amazonaws.com"}}, DENIED),
        # A part of a name may not be a pattern there.
        (OAC, {"Principal": {"Service": "*.amazonaws.com"}}, UNKNOWN),
    ],
    "IAM JSON policy elements: NotPrincipal": [
        (OAC, {"Principal": None, "NotPrincipal": {"AWS": SOMEBODY}}, ALLOWED),
        (ANYONE, {"NotPrincipal": {"AWS": SOMEBODY}, "Condition": {}}, ALLOWED),
        (OAC, {"NotPrincipal": {"Service": "cloudfront.amazonaws.com"}}, DENIED),
    ],
    "IAM JSON policy elements: Action": [
        (OAC, {"Action": ["s3:ListBucket", "S3:getobject"]}, ALLOWED),
        (OAC, {"Action": "s3:Get*"}, ALLOWED),
        (OAC, {"Action": "s3:?etObject"}, ALLOWED),
        (OAC, {"Action": "*"}, ALLOWED),
        (OAC, {"Action": "s3:GetObjectAcl"}, DENIED),
        (OAC, {"Action": "s3:PutObject"}, DENIED),
    ],
    "IAM JSON policy elements: NotAction": [
        (OAC, {"Action": None, "NotAction": "s3:Delete*"}, ALLOWED),
        (OAC, {"Action": None, "NotAction": ["s3:Put*", "s3:Get*"]}, DENIED),
    ],
    "IAM JSON policy elements: Resource": [
        (OAC, {"Resource": "*"}, ALLOWED),
        (OAC, {"Resource": "arn:aws:s3"}, ALLOWED),
        (OAC, {"Resource": ["arn:aws:s3:::media", "arn:aws:s3:::m?dia/*"]}, ALLOWED),
        (OAC, {"Resource": "arn:aws:s3:::media"}, DENIED),
        (OAC, {"Resource": "arn:aws:s3:::media/static/*"}, DENIED),
        (OAC, {"Resource": "arn:aws:s3:::Media/*"}, DENIED),
        (OAC, {"Resource": "arn:aws:*/media/*"}, DENIED),
        # Some of the files.
        (OAC, {"Resource": "arn:aws:s3:::media/*.jpg"}, UNKNOWN),
        (ONE_FILE, {"Resource": "arn:aws:s3:::media/*.jpg"}, ALLOWED),
    ],
    "IAM JSON policy elements: NotResource": [
        (OAC, {"Resource": None, "NotResource": "arn:aws:s3:::media/static/*"}, ALLOWED),
        (OAC, {"Resource": None, "NotResource": "arn:aws:s3:::media/*"}, DENIED),
        (OAC, {"Resource": None, "NotResource": "arn:aws:s3:::media/media/old/*"}, UNKNOWN),
    ],
    "IAM policy elements: Variables and tags": [
        (OAC, on("StringEquals", SOURCE, "${aws:SourceArn}"), UNKNOWN),
        (OAC, {"Resource": "arn:aws:s3:::media/${aws:PrincipalTag/x}*"}, UNKNOWN),
    ],
    "IAM JSON policy elements: Condition operators": [
        (OAC, on("StringEquals", "AWS:sourcearn", "arn:x", ARN), ALLOWED),
        (OAC, on("StringEquals", SOURCE, ALL_OF_THE_ACCOUNT), DENIED),
        (OAC, on("StringEquals", SOURCE, ARN.lower()), DENIED),
        (OAC, on("StringEqualsIgnoreCase", SOURCE, ARN.lower()), ALLOWED),
        (OAC, on("StringLike", SOURCE, ALL_OF_THE_ACCOUNT), ALLOWED),
        (OAC, on("StringLike", SOURCE, "*EDFDVBD6EXAMPL?"), ALLOWED),
        (OAC, on("StringNotEquals", SOURCE, ARN), DENIED),
        (OAC, on("StringNotEquals", SOURCE, OTHERS), ALLOWED),
        (OAC, on("StringNotLike", SOURCE, OTHERS, ALL_OF_THE_ACCOUNT), DENIED),
        (OAC, on("StringNotEqualsIgnoreCase", SOURCE, ARN.lower()), DENIED),
        (OAC, on("ArnEquals", SOURCE, ALL_OF_THE_ACCOUNT), ALLOWED),
        (OAC, on("ArnLike", SOURCE, "arn:aws:cloudfront:*:*:distribution/EDF*"), ALLOWED),
        (OAC, on("ArnLike", SOURCE, f"arn:aws:*:{ACCOUNT}:distribution/EDFDVBD6EXAMPLE"), UNKNOWN),
        (OAC, on("ArnLike", SOURCE, f"arn:aws:c*:x:{ACCOUNT}:distribution/*"), DENIED),
        (OAC, on("ArnNotLike", SOURCE, ALL_OF_THE_ACCOUNT), DENIED),
        (OAC, on("ArnNotEquals", SOURCE, OTHERS), ALLOWED),
        (OAC, on("Null", SOURCE, "false"), ALLOWED),
        (OAC, on("Null", SOURCE, True), DENIED),
        (ANYONE, {"Principal": "*"} | on("Null", SOURCE, "true"), ALLOWED),
        # A key that a request lacks.
        (ANYONE, {"Principal": "*"} | on("StringEquals", ORGANIZATION, "o-1"), DENIED),
        (ANYONE, {"Principal": "*"} | on("StringNotEquals", ORGANIZATION, "o-1"), ALLOWED),
        (ANYONE, {"Principal": "*"} | on("StringEqualsIfExists", ORGANIZATION, "o-1"), ALLOWED),
        (OAC, on("StringEqualsIfExists", SOURCE, OTHERS), DENIED),
        (OAC, on("NullIfExists", SOURCE, "false"), UNKNOWN),
        # Any condition on what is not known to be in a request, by an operator or a key.
        (OAC, on("StringEquals", ORGANIZATION, "o-1"), UNKNOWN),
        (OAC, on("StringNotEqualsIfExists", ORGANIZATION, "o-1"), UNKNOWN),
        (OAC, on("IpAddress", "aws:SourceIp", "203.0.113.0/24"), UNKNOWN),
        (OAC, on("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"), UNKNOWN),
        (OAC, on("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z"), UNKNOWN),
        (OAC, on("BinaryEquals", SOURCE, "YQ=="), UNKNOWN),
    ],
    "Set operators for multivalued context keys": [
        (OAC, on("ForAnyValue:StringEquals", SOURCE, ARN), ALLOWED),
        (OAC, on("ForAllValues:StringEquals", SOURCE, OTHERS), DENIED),
        (ANYONE, {"Principal": "*"} | on("ForAllValues:StringEquals", SOURCE, ARN), ALLOWED),
        (ANYONE, {"Principal": "*"} | on("ForAnyValue:StringNotEquals", SOURCE, ARN), DENIED),
    ],
    "AWS global condition context keys": [
        (OAC, on("StringEquals", "aws:SourceAccount", ACCOUNT), ALLOWED),
        (OAC, on("StringEquals", "AWS:SourceAccount", "999999999999"), DENIED),
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


def test_addresses() -> None:
    """Compare an address with networks, if a request has one."""
    request = Request(
        principals=(),
        action="s3:GetObject",
        resource=FILES,
        context={"aws:sourceip": "203.0.113.7"},
    )
    said = {
        network: evaluate(
            {"Statement": {**PUBLIC, **on(operator, "aws:SourceIp", network)}}, request
        )[0]
        for operator, network in (
            ("IpAddress", "203.0.113.0/24"),
            ("IpAddress", "2001:db8::/32"),
            ("NotIpAddress", "203.0.113.7"),
            ("IpAddress", "office"),
        )
    }
    assert list(said.values()) == [ALLOWED, DENIED, DENIED, UNKNOWN]


#: Policy evaluation logic -> what stands beside the documented Allow, and the answer.
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
BESIDE: list[tuple[dict[str, Any], Decision]] = [
    (DENY, DENIED),
    (DENY | {"Principal": {"AWS": SOMEBODY}}, ALLOWED),
    (DENY | {"Action": "s3:PutObject"}, ALLOWED),
    (DENY | {"Resource": "arn:aws:s3:::media/media/old/*"}, UNKNOWN),
    (DENY | {"Resource": "arn:aws:s3:::media/static/*"}, ALLOWED),
    (DENY | on("Bool", SECURE, "false"), ALLOWED),
    (DENY | on("Bool", SECURE, "true", "false"), DENIED),
    (DENY | on("StringNotEquals", SOURCE, OTHERS), DENIED),
    (DENY | on("StringNotEquals", ORGANIZATION, "o-1"), UNKNOWN),
    (DENY | {"Condition": {"StringNotEquals": {ORGANIZATION: "o-1", SOURCE: ARN}}}, ALLOWED),
    (
        DENY
        | {
            "Condition": {
                "StringNotEqualsIfExists": {ORGANIZATION: "o-1"},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            }
        },
        ALLOWED,
    ),
    ({**DENY, "Principal": None, "NotPrincipal": {"AWS": SOMEBODY}}, UNKNOWN),
    ({**DENY, "NotPrincipal": {"Service": "cloudfront.amazonaws.com"}}, UNKNOWN),
    ({"Effect": "Allow"} | on("StringEquals", ORGANIZATION, "o-1"), ALLOWED),
]


def test_deny_wins() -> None:
    """Let a Deny win over an Allow, also if it is unknown whether it applies."""
    own = access_control_statement("media", ARN)
    found = [(each, evaluate({"Statement": [own, each]}, OAC)[0]) for each, _ in BESIDE]
    assert found == BESIDE


def test_statements_that_decide() -> None:
    """Name the statements that decide: a Deny, unknown ones, or those that are not met."""
    own = access_control_statement("media", ARN)
    other = access_control_statement("media", OTHERS)
    perhaps = {**own, **on("StringEquals", ORGANIZATION, "o-1")}
    doubtful = {**DENY, **on("StringEquals", ORGANIZATION, "o-1")}

    def decide(*statements: dict[str, Any]) -> object:
        return list(evaluate({"Statement": list(statements)}, OAC))[1]

    assert decide(own, DENY) == [DENY]
    assert decide(other, perhaps, doubtful) == [doubtful, perhaps]
    assert decide(own, perhaps, doubtful) == [doubtful]
    assert decide(other, DENY | {"Action": "s3:PutObject"}) == [other]
    assert decide(other, own) == [own]
    assert evaluate(None, OAC) == (DENIED, [])


def test_key_policy() -> None:
    """Evaluate the policy of a key: its conditions on S3 or the account that calls are unknown."""
    request = by_distribution(ARN, KEY, DECRYPT, uses_tls=False)
    own = decrypt_statement(ARN)

    def said(**changes: Any) -> Decision:
        return evaluate({"Statement": [{**own, **changes}]}, request)[0]

    assert said() is ALLOWED
    assert said(Resource=KEY) is ALLOWED
    assert said(Action=["kms:Decrypt", "kms:GenerateDataKey*"]) is ALLOWED
    assert said(Action="kms:Encrypt") is DENIED
    assert said(**on("StringEquals", "kms:CallerAccount", ACCOUNT)) is UNKNOWN
    assert said(**on("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com")) is UNKNOWN
    assert said(Principal={"AWS": SOMEBODY}) is DENIED


# What S3 calls public

PUBLIC = {
    "Sid": "PublicRead",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::media/*",
}
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


def test_public_statements() -> None:
    """Return the public statements only, also of a policy whose statement is in no list."""
    own = access_control_statement("media", ARN)

    assert public_statements({"Statement": [PUBLIC, own]}, FILES) == [PUBLIC]
    assert public_statements({"Statement": PUBLIC}, FILES) == [PUBLIC]
    assert public_statements(None, FILES) == []


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
    assert bool(public_statements({"Statement": {**PUBLIC, **changes}}, FILES)) is is_found


# Who else may read

BACKUP = {"AWS": "arn:aws:iam::999999999999:root"}
NAMED: dict[str, Any] = {"Principal": BACKUP, "Condition": {}}
OURS = f"arn:aws:cloudfront::{ACCOUNT}:distribution/EALSO"
OFFICE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
EVERY = "every distribution"


def statement(**changes: Any) -> dict[str, Any]:
    """Return the documented statement, changed."""
    return {**access_control_statement("media", ARN), **changes}


def equal(**values: str | list[str]) -> dict[str, Any]:
    """Return the condition that these are equal."""
    return {"StringEquals": values}


def others(policy: dict[str, Any], identity_arn: str = "") -> list[tuple[str, str, bool]]:
    """Return whom else a policy lets read."""
    return other_readers(policy, FILES, distribution_arn=ARN, identity_arn=identity_arn)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({**NAMED, "Effect": "Deny"}, None),
        ({**NAMED, "Action": "s3:PutObject"}, None),
        ({**NAMED, "Resource": "arn:aws:s3:::media/logs/*"}, None),
        ({"Principal": "*", "Condition": {}}, None),
        ({"Condition": {}}, (EVERY, False)),
        ({"Condition": {"StringNotEquals": {"AWS:SourceArn": OURS}}}, (EVERY, False)),
        ({"Condition": equal(**{"AWS:SourceArn": ALL_OF_THE_ACCOUNT})}, None),
        *(
            (
                {"Condition": {each: {"AWS:SourceArn": ALL_OF_THE_ACCOUNT}}},
                (ALL_OF_THE_ACCOUNT, True),
            )
            for each in ("ArnLike", "ArnEquals", "StringLike")
        ),
        ({"Principal": BACKUP}, None),
        ({**NAMED, "Action": "s3:*"}, (BACKUP["AWS"], True)),
        ({**NAMED, "Resource": "arn:aws:s3:::media/*.jpg"}, (BACKUP["AWS"], True)),
        ({**NAMED, "Principal": {"CanonicalUser": "abc"}}, ("abc", True)),
        ({**NAMED, "Principal": {"Service": "x.amazonaws.com"}}, ("x.amazonaws.com", False)),
        ({"Principal": "*"}, None),
        ({"Principal": "*", "Condition": OFFICE}, ("aws:SourceIp", False)),
        ({"Condition": equal(**{"AWS:SourceArn": [ARN, OTHERS]})}, (OTHERS, False)),
        ({"Condition": equal(**{"AWS:SourceArn": OURS})}, (OURS, True)),
        (
            {"Condition": equal(**{"aws:SourceAccount": ACCOUNT})},
            (f"CloudFront for {ACCOUNT}", True),
        ),
        ({"Condition": equal(**{"AWS:SourceArn": ARN, "AWS:SourceAccount": ACCOUNT})}, None),
    ],
)
def test_other_readers(changes: dict[str, Any], expected: tuple[str, bool] | None) -> None:
    """Return who else may read by a statement, and whether it names them."""
    policy = {"Statement": [statement(), statement(**changes)]}

    found = others(policy)

    if expected is None:
        assert found == []
    else:
        [(_, who, is_named)] = found
        assert expected[0] in who
        assert is_named is expected[1]


def test_statement_that_leaves_out_little() -> None:
    """Read what a statement does not leave out as allowed, and name it by its number."""
    wide = {
        "Effect": "Allow",
        "Principal": BACKUP,
        "NotAction": "s3:Delete*",
        "NotResource": "arn:aws:s3:::x/*",
    }
    narrow = {**wide, "NotAction": "s3:*"}

    found = others({"Statement": [narrow, wide]})

    assert [name for name, _, _ in found] == ["statement 2"]


def test_identity_is_no_other_reader() -> None:
    """Leave out the identity by which the origin reads, in both of its names, and no other."""
    names = {"AWS": [IDENTITY, f"{IDENTITY}OLD"], "CanonicalUser": "abc"}
    policy = {"Statement": statement(Principal=names, Condition={})}

    [(_, who, _)] = others(policy, identity_arn=IDENTITY)

    assert who == names["AWS"][1]
