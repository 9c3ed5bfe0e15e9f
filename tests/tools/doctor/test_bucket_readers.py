"""Read who may read a bucket, and which host a distribution is for.

Modules: tools/account/documents/bucket_policy.py, tools/account/documents/origins.py
"""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.tools.account.documents import Document
from cfsigned_django.tools.account.documents.bucket_policy import (
    Reader,
    access_control_statement,
    admits,
    identity_statements,
    other_readers,
    service_statements,
)
from cfsigned_django.tools.account.documents.distribution_config import covers

ARN = "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"
ACCOUNT = "111122223333"
OBJECT = "arn:aws:s3:::media/media/1.jpg"


@pytest.mark.parametrize(
    ("alias", "domain", "expected"),
    [
        ("media.example.com", "MEDIA.example.com", True),
        ("*.example.com", "media.example.com", True),
        ("*.example.com", "a.media.example.com", False),
        ("*.example.com", "example.com", False),
        ("media.example.com", "example.com", False),
    ],
)
def test_covers(alias: str, domain: str, expected: bool) -> None:
    """Compare a host with a domain name of a distribution."""
    assert covers(alias, domain) is expected


def statement(**changes: Any) -> Document:
    """Return the documented statement, changed."""
    return {**access_control_statement("media", ARN), **changes}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"Action": ["s3:GetObject", "s3:ListBucket"]}, True),
        ({"Action": "s3:Get*"}, True),
        ({"Action": "*"}, True),
        ({"Resource": "arn:aws:s3:::media/media/*"}, True),
        ({"Condition": {"StringEquals": {"aws:sourceaccount": "111122223333"}}}, True),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": f"{ARN[:30]}*"}}}, True),
        ({"Condition": {"StringEquals": {"AWS:SourceArn": ["arn:x", ARN]}}}, True),
        ({"Condition": {"StringEquals": {"AWS:SourceArn": f"{ARN}X"}}}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "999999999999"}}}, False),
        ({"Effect": "Deny"}, False),
        ({"Action": "s3:PutObject"}, False),
        ({"Resource": "arn:aws:s3:::media/static/*"}, False),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, False),
        ({"Principal": "*"}, False),
    ],
)
def test_statement_for_the_service(changes: Document, expected: bool) -> None:
    """Return whether a statement lets the distribution read, however it is written."""
    found = service_statements({"Statement": [statement(**changes)]}, OBJECT)

    assert any(admits(each, ARN) for each in found) is expected


BY_IDENTITY = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1"


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"AWS": BY_IDENTITY}, True),
        ({"CanonicalUser": "abc"}, True),
        ({"AWS": f"{BY_IDENTITY}2"}, False),
        ("*", False),
    ],
)
def test_statement_for_an_identity(principal: Any, expected: bool) -> None:
    """Return whether a policy lets an identity read, by one statement or beside others."""
    alone = statement(Principal=principal, Condition={})
    beside = [statement(), statement(Effect="Deny"), alone]

    assert bool(identity_statements({"Statement": alone}, "EH1", OBJECT)) is expected
    assert bool(identity_statements({"Statement": beside}, "EH1", OBJECT)) is expected
    assert not identity_statements(None, "EH1", OBJECT)


BACKUP = {"AWS": "arn:aws:iam::999999999999:root"}
OTHER = "arn:aws:cloudfront::999999999999:distribution/EOTHER"
OURS = "arn:aws:cloudfront::111122223333:distribution/EALSO"
OFFICE = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}


def equal(**values: str | list[str]) -> Document:
    """Return the condition that these are equal."""
    return {"StringEquals": values}


def others(policy: Document, objects: str = OBJECT, identity_id: str = "") -> list[Reader]:
    """Return whom else a policy lets read."""
    return other_readers(policy, objects, distribution_arn=ARN, identity_id=identity_id)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"Effect": "Deny", "Principal": BACKUP}, None),
        ({"Action": "s3:PutObject", "Principal": BACKUP}, None),
        ({"Resource": "arn:aws:s3:::media/logs/*", "Principal": BACKUP}, None),
        ({"Principal": "*", "Condition": {}}, None),
        ({"Condition": {}}, None),
        ({"Principal": BACKUP, "Action": "s3:*"}, (BACKUP["AWS"], True)),
        ({"Principal": BACKUP, "Resource": "arn:aws:s3:::media/*.jpg"}, (BACKUP["AWS"], True)),
        ({"Principal": {"CanonicalUser": "abc"}}, ("abc", True)),
        ({"Principal": {"Service": "x.amazonaws.com"}}, ("x.amazonaws.com", False)),
        ({"Principal": "*", "Condition": OFFICE}, ("aws:SourceIp", False)),
        ({"Condition": equal(**{"AWS:SourceArn": [ARN, OTHER]})}, (OTHER, False)),
        ({"Condition": equal(**{"AWS:SourceArn": OURS})}, (OURS, True)),
        (
            {"Condition": equal(**{"aws:SourceAccount": ACCOUNT})},
            (f"CloudFront for {ACCOUNT}", True),
        ),
        ({"Condition": equal(**{"AWS:SourceArn": ARN, "AWS:SourceAccount": ACCOUNT})}, None),
    ],
)
def test_other_readers(changes: Document, expected: tuple[str, bool] | None) -> None:
    """Return who else may read by a statement, and whether it names them."""
    policy = {"Statement": [statement(), statement(**changes)]}

    found = others(policy, "arn:aws:s3:::media/media/*")

    if expected is None:
        assert found == []
    else:
        [other] = found
        assert expected[0] in other.who
        assert other.is_named is expected[1]


def test_statement_that_leaves_out_little() -> None:
    """Read what a statement does not leave out as allowed, and name it by its number."""
    wide = {"Effect": "Allow", "Principal": BACKUP, "NotAction": "s3:Delete*", "NotResource": "x"}
    narrow = {**wide, "NotAction": "s3:*"}

    found = others({"Statement": [narrow, wide]})

    assert [each.statement for each in found] == ["statement 2"]


def test_identity_is_no_other_reader() -> None:
    """Leave out the identity by which the origin reads, in both of its names, and no other."""
    names = {"AWS": [BY_IDENTITY, f"{BY_IDENTITY}OLD"], "CanonicalUser": "abc"}
    policy = {"Statement": statement(Principal=names, Condition={})}

    (found,) = others(policy, identity_id="EH1")

    assert found.who == names["AWS"][1]
