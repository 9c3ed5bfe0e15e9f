"""Know a bucket behind each origin.

Modules: tools/account/documents/distribution_config.py, tools/account/documents/origins.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cfsigned_django.tools.account.documents.behavior import (
    behaviors as behaviors_of,
    is_open,
    list_of,
    pattern_of,
)
from cfsigned_django.tools.account.documents.distribution_config import (
    access_control_of,
    access_identity_of,
    bucket_origins,
    is_origin_of,
    origin_in_bucket,
)
from cfsigned_django.tools.account.documents.origins import (
    OriginFolder,
    origin_path_exposures,
    place_of,
    places_of,
)
from tests.tools.account.by_hand import new_origin

BUCKET = "site.media-1"
HOME = OriginFolder(bucket=BUCKET)
PROD = OriginFolder(bucket=BUCKET, folder="/prod")
SIGNED = {"Enabled": True, "Quantity": 1, "Items": ["group"]}


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

    assert place_of(origin) == OriginFolder(bucket=BUCKET, folder="/a")
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
    assert not place_of({"DomainName": domain}).holds_same(HOME)
    assert not is_origin_of({"DomainName": domain}, BUCKET)


def test_bucket_in_the_path() -> None:
    """Take the bucket from the origin path if the host is S3's alone."""
    host = "s3.eu-west-1.amazonaws.com"

    assert place_of({"DomainName": host, "OriginPath": f"/{BUCKET}"}) == HOME
    assert place_of({"DomainName": host, "OriginPath": f"/{BUCKET}/a"}).folder == "/a"
    assert place_of({"DomainName": host}) == OriginFolder(host=host)


def test_origin_group() -> None:
    """Read an origin group as all of its members."""
    config = _config({"PathPattern": "a/*", "TargetOriginId": "both"})
    config["OriginGroups"] = list_of(
        [{"Id": "both", "Members": list_of([{"OriginId": "whole"}, {"OriginId": "app"}])}]
    )

    places = places_of(config, {"TargetOriginId": "both"})

    assert places == [HOME, OriginFolder(host="app.example.com")]


def restricted(pattern: str) -> dict[str, Any]:
    """Return a behavior that asks for signatures."""
    return {"PathPattern": pattern, "TargetOriginId": "whole", "TrustedKeyGroups": SIGNED}


def opened(origin: str, pattern: str = "a/*") -> dict[str, Any]:
    """Return a behavior that requires no signature."""
    return {"PathPattern": pattern, "TargetOriginId": origin}


def leaking(
    *behaviors: dict[str, Any],
    default: str = "app",
    storage_locations: Sequence[OriginFolder] = (HOME,),
    lets_in_strangers: bool = False,
) -> list[str]:
    """Return the patterns of a distribution with these behaviors that leak media/*."""
    config = _config(*behaviors, default=default)
    return [
        pattern_of(each)
        for each in behaviors_of(config)
        if is_open(each)
        and origin_path_exposures(
            config, each, storage_locations, "media/*", lets_in_strangers=lets_in_strangers
        )
    ]


@pytest.mark.parametrize(
    ("origin", "strangers", "leaks"),
    [
        ("folder", False, True),
        ("stranger", False, False),
        ("stranger", True, True),
        ("static", False, False),
        ("other", False, False),
        ("whole", False, False),
    ],
)
def test_open_behavior_at_another_path(origin: str, strangers: bool, leaks: bool) -> None:
    """Find that an open behavior serves media/* under another path.

    An origin without an access control counts if the bucket allows unsigned requests.
    """
    found = leaking(opened(origin), lets_in_strangers=strangers)

    assert found == (["a/*"] if leaks else [])
    assert leaking(opened(origin) | {"TrustedKeyGroups": SIGNED}) == []


#: Behaviors in their order, the origin of the default one, where files are, and what leaks.
BESIDE_RESTRICTED: list[tuple[list[dict[str, Any]], str, Sequence[OriginFolder], list[str]]] = [
    # A restricted behavior in front closes other paths, if it surely takes each of them.
    ([restricted("prod/*")], "whole", [HOME, PROD], []),
    ([restricted("/prod/media/*")], "whole", [HOME, PROD], []),
    ([restricted("prod/media*")], "whole", [HOME, PROD], []),
    ([restricted("other/*"), restricted("p*")], "whole", [HOME, PROD], []),
    ([restricted("prod/media/?*")], "whole", [HOME, PROD], ["*"]),
    ([restricted("prod/media/*.jpg")], "whole", [HOME, PROD], ["*"]),
    ([restricted("prod/media/albums/*"), restricted("*.jpg")], "whole", [HOME, PROD], ["*"]),
    ([restricted("media/*")], "whole", [HOME, PROD], ["*"]),
    ([], "whole", [HOME, PROD], ["*"]),
    # One that is tried later does not, nor one that is open itself.
    (
        [opened("whole", "prod/media/*"), restricted("p*")],
        "whole",
        [HOME, PROD],
        ["prod/media/*"],
    ),
    ([opened("whole", "prod/media/*")], "whole", [HOME, PROD], ["prod/media/*", "*"]),
    # An open behavior all of whose paths a restricted one takes before is never reached.
    ([restricted("a/*"), opened("folder", "a/b/*")], "app", [HOME], []),
    ([restricted("a/b/*.css"), opened("folder", "a/b/*")], "app", [HOME], ["a/b/*"]),
    # Where an origin path leads into the files, any path reaches some.
    *(
        ([restricted(each)], "albums", [HOME], ["*"])
        for each in ("media/*", "media/albums/*", "albums/*")
    ),
    # Nothing is sure where an origin path has a letter that patterns have, too.
    *(
        ([restricted(each)], "asterisk", [OriginFolder(bucket=BUCKET, folder="/*/b")], ["*"])
        for each in ("/*/b/media/*", "/x/b/media/*", "b/media/*", "*/media/*")
    ),
]


def test_open_behavior_beside_restricted_ones() -> None:
    """Return each open behavior that reads the files from a path that nothing restricts before."""
    for behaviors, default, places, found in BESIDE_RESTRICTED:
        leaks = leaking(*behaviors, default=default, storage_locations=places)
        assert leaks == found, (behaviors, default, places)


def _config(*behaviors: dict[str, Any], default: str = "app") -> dict[str, Any]:
    """Return a distribution with these behaviors, and origins in and beside the bucket."""
    host, access = f"{BUCKET}.s3.amazonaws.com", {"OriginAccessControlId": "E1"}
    return {
        "Origins": list_of(
            [
                {"Id": "whole", "DomainName": host, **access},
                {"Id": "folder", "DomainName": host, "OriginPath": "/media", **access},
                {"Id": "albums", "DomainName": host, "OriginPath": "/media/albums", **access},
                {"Id": "asterisk", "DomainName": host, "OriginPath": "/*", **access},
                {"Id": "static", "DomainName": host, "OriginPath": "/static", **access},
                {"Id": "stranger", "DomainName": host, "OriginPath": "/media"},
                {"Id": "other", "DomainName": f"x-{host}", "OriginPath": "/media", **access},
                {"Id": "app", "DomainName": "app.example.com"},
            ]
        ),
        "CacheBehaviors": list_of(list(behaviors)),
        "DefaultCacheBehavior": {"TargetOriginId": default},
    }
