"""Know a bucket behind each origin.

Modules: tools/account/documents/distribution_config.py, tools/account/documents/origins.py
"""

from __future__ import annotations

import pytest

from cfsigned_django.tools.account.documents.cache_behavior import list_of
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
    bucket_origins,
    covers,
    is_origin_of,
    origin_in_bucket,
)
from cfsigned_django.tools.account.documents.origins import (
    OriginFolder,
    folder_of,
    folders_of,
)
from tests.tools.account.by_hand import new_origin

BUCKET = "site.media-1"
HOME = OriginFolder(bucket=BUCKET)


def test_access() -> None:
    """Know the access control and the identity of an origin."""
    identity = {"OriginAccessIdentity": "origin-access-identity/cloudfront/E1"}

    assert access_identity_of({"S3OriginConfig": identity}) == "E1"
    assert access_control_of({"OriginAccessControlId": "E2"}) == "E2"
    for nothing in ({}, new_origin(BUCKET)):
        assert (access_control_of(nothing), access_identity_of(nothing)) == ("", "")


def test_origins_of_a_bucket() -> None:
    """Return the origins that are the bucket, and the one of a behavior."""
    other = {"Id": "app", "DomainName": "app.example.com"}
    ours = new_origin(BUCKET, "eu-west-1")
    config = {"Origins": list_of([other, ours])}

    assert bucket_origins(config, BUCKET) == [ours]
    assert origin_in_bucket(config, {"TargetOriginId": ours["Id"]}, BUCKET) == ours
    assert origin_in_bucket(config, {"TargetOriginId": "app"}, BUCKET) is None
    assert origin_in_bucket(config, {"TargetOriginId": "nobody"}, BUCKET) is None


@pytest.mark.parametrize(
    ("domain", "is_rest"),
    [
        (f"{BUCKET}.s3.amazonaws.com", True),
        (f"{BUCKET.upper()}.S3.Amazonaws.com", True),
        (f"{BUCKET}.s3.ap-northeast-2.amazonaws.com", True),
        (f"{BUCKET}.s3-eu-west-1.amazonaws.com", True),
        (f"{BUCKET}.s3-external-1.amazonaws.com", True),
        (f"{BUCKET}.s3.dualstack.eu-west-1.amazonaws.com", True),
        (f"{BUCKET}.s3-accelerate.dualstack.amazonaws.com", True),
        (f"{BUCKET}.s3-fips.us-gov-west-1.amazonaws.com", True),
        (f"{BUCKET}.s3.cn-north-1.amazonaws.com.cn", True),
        (f"{BUCKET}.S3-website.eu-west-1.amazonaws.com", False),
        (f"{BUCKET}.s3-website-us-east-1.amazonaws.com", False),
    ],
)
def test_spellings_of_a_bucket(domain: str, is_rest: bool) -> None:
    """Find one bucket behind each of its hosts; only its REST hosts can have an access control."""
    origin = {"DomainName": domain, "OriginPath": "/a/"}

    assert folder_of(origin) == OriginFolder(bucket=BUCKET, folder="/a")
    assert is_origin_of(origin, BUCKET) is is_rest
    assert not is_origin_of({**origin, "CustomOriginConfig": {"HTTPPort": 80}}, BUCKET)


@pytest.mark.parametrize(
    "domain",
    [
        f"other-{BUCKET}.s3.amazonaws.com",
        "siteXmedia-1.s3.amazonaws.com",
        f"{BUCKET}.s3.example.com",
        f"{BUCKET}.s3-object-lambda.us-east-1.amazonaws.com",
        BUCKET,
    ],
)
def test_other_places(domain: str) -> None:
    """Take no other bucket, and no host of another kind, for the bucket."""
    assert not folder_of({"DomainName": domain}).holds_same(HOME)
    assert not is_origin_of({"DomainName": domain}, BUCKET)


def test_bucket_in_the_path() -> None:
    """Take the bucket from the origin path if the host is S3's alone."""
    host = "s3.eu-west-1.amazonaws.com"

    assert folder_of({"DomainName": host, "OriginPath": f"/{BUCKET}"}) == HOME
    assert folder_of({"DomainName": host, "OriginPath": f"/{BUCKET}/a"}).folder == "/a"
    assert folder_of({"DomainName": host}) == OriginFolder(host=host)


def test_origin_group() -> None:
    """Read an origin group as all of its members."""
    origins = [
        {"Id": "whole", "DomainName": f"{BUCKET}.s3.amazonaws.com"},
        {"Id": "app", "DomainName": "app.example.com"},
    ]
    members = [{"OriginId": "whole"}, {"OriginId": "app"}]
    config = {
        "Origins": list_of(origins),
        "OriginGroups": list_of([{"Id": "both", "Members": list_of(members)}]),
    }

    places = folders_of(config, {"TargetOriginId": "both"})

    assert places == [HOME, OriginFolder(host="app.example.com")]


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
