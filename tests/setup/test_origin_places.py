"""Know a bucket behind each spelling of its host, and who else reads it."""

from __future__ import annotations

from typing import Any

import pytest

from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.distribution import is_origin_of
from cfsigned_django.aws.documents.origin_places import (
    Place,
    open_under_other_paths,
    place_of,
    places_of,
)

BUCKET = "site.media-1"
HOME = Place(bucket=BUCKET)
SIGNED = {"Enabled": True, "Quantity": 1, "Items": ["group"]}


@pytest.mark.parametrize(
    "domain",
    [
        f"{BUCKET}.s3.amazonaws.com",
        f"{BUCKET.upper()}.s3.amazonaws.com",
        f"{BUCKET}.s3.ap-northeast-2.amazonaws.com",
        f"{BUCKET}.s3-eu-west-1.amazonaws.com",
        f"{BUCKET}.s3-external-1.amazonaws.com",
        f"{BUCKET}.s3.dualstack.eu-west-1.amazonaws.com",
        f"{BUCKET}.s3-accelerate.dualstack.amazonaws.com",
        f"{BUCKET}.s3-fips.us-gov-west-1.amazonaws.com",
        f"{BUCKET}.s3.cn-north-1.amazonaws.com.cn",
        f"{BUCKET}.s3-website.eu-west-1.amazonaws.com",
        f"{BUCKET}.s3-website-us-east-1.amazonaws.com",
    ],
)
def test_spellings_of_a_bucket(domain: str) -> None:
    """Find one bucket behind its regional, global, old and website hosts."""
    assert place_of({"DomainName": domain, "OriginPath": "/a/"}) == Place(
        bucket=BUCKET, folder="/a"
    )


def test_bucket_in_the_path() -> None:
    """Take the bucket from the origin path where the host is S3's alone."""
    host = "s3.eu-west-1.amazonaws.com"

    assert place_of({"DomainName": host, "OriginPath": f"/{BUCKET}"}) == HOME
    assert place_of({"DomainName": host, "OriginPath": f"/{BUCKET}/a"}).folder == "/a"
    assert place_of({"DomainName": host}) == Place(host=host)


def test_case_of_the_host() -> None:
    """Take the bucket for one host in capital and small letters, and no website for its origin."""
    host = f"{BUCKET}.S3.Amazonaws.com"

    assert is_origin_of({"DomainName": host}, BUCKET)
    assert not is_origin_of({"DomainName": f"{BUCKET}.S3-Website.eu-west-1.amazonaws.com"}, BUCKET)


@pytest.mark.parametrize(
    "domain",
    [
        f"other-{BUCKET}.s3.amazonaws.com",
        f"{BUCKET}.s3.example.com",
        f"{BUCKET}.s3-object-lambda.us-east-1.amazonaws.com",
        BUCKET,
    ],
)
def test_other_places(domain: str) -> None:
    """Take no other bucket, and no host of another kind, for the bucket."""
    assert not place_of({"DomainName": domain}).holds_same(HOME)


def test_origin_group() -> None:
    """Read an origin group as all of its members."""
    config = _config({"PathPattern": "a/*", "TargetOriginId": "both"})
    config["OriginGroups"] = list_of(
        [{"Id": "both", "Members": list_of([{"OriginId": "whole"}, {"OriginId": "app"}])}]
    )

    places = places_of(config, {"TargetOriginId": "both"})

    assert places == [HOME, Place(host="app.example.com")]


@pytest.mark.parametrize(
    ("behavior", "leaks"),
    [
        ({"PathPattern": "a/*", "TargetOriginId": "folder"}, True),
        ({"PathPattern": "a/*", "TargetOriginId": "folder", "TrustedKeyGroups": SIGNED}, False),
        ({"PathPattern": "a/*", "TargetOriginId": "stranger"}, False),
        ({"PathPattern": "a/*", "TargetOriginId": "static"}, False),
        ({"PathPattern": "a/*", "TargetOriginId": "other"}, False),
        ({"PathPattern": "a/*", "TargetOriginId": "whole"}, False),
    ],
)
def test_open_under_other_paths(behavior: dict[str, Any], leaks: bool) -> None:
    """See the files of media/* where an open behavior reads media from another path."""
    assert leaking(behavior, lets_in_strangers=False) == (["a/*"] if leaks else [])


def test_strangers_under_other_paths() -> None:
    """Count an origin without a way in where the bucket lets in who does not sign."""
    behavior = {"PathPattern": "a/*", "TargetOriginId": "stranger"}

    assert leaking(behavior, lets_in_strangers=True) == ["a/*"]


def leaking(behavior: dict[str, Any], *, lets_in_strangers: bool) -> list[str]:
    """Return the patterns of a distribution with one behavior that leak media/*."""
    found = open_under_other_paths(
        _config(behavior), [HOME], "media/*", lets_in_strangers=lets_in_strangers
    )
    return [each["PathPattern"] for each in found]


def _config(behavior: dict[str, Any]) -> dict[str, Any]:
    """Return a distribution with one behavior, and origins in and beside the bucket."""
    host, access = f"{BUCKET}.s3.amazonaws.com", {"OriginAccessControlId": "E1"}
    return {
        "Origins": list_of(
            [
                {"Id": "whole", "DomainName": host, **access},
                {"Id": "folder", "DomainName": host, "OriginPath": "/media", **access},
                {"Id": "static", "DomainName": host, "OriginPath": "/static", **access},
                {"Id": "stranger", "DomainName": host, "OriginPath": "/media"},
                {"Id": "other", "DomainName": f"x-{host}", "OriginPath": "/media", **access},
                {"Id": "app", "DomainName": "app.example.com"},
            ]
        ),
        "CacheBehaviors": list_of([behavior]),
        "DefaultCacheBehavior": {"TargetOriginId": "app"},
    }
