"""Know a bucket behind each spelling of its host, and who else reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cfsigned_django.aws.documents.behavior import list_of
from cfsigned_django.aws.documents.distribution import is_origin_of
from cfsigned_django.aws.documents.origins import (
    Place,
    open_under_other_paths,
    place_of,
    places_of,
)

BUCKET = "site.media-1"
HOME = Place(bucket=BUCKET)
PROD = Place(bucket=BUCKET, folder="/prod")
SIGNED = {"Enabled": True, "Quantity": 1, "Items": ["group"]}


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

    assert place_of(origin) == Place(bucket=BUCKET, folder="/a")
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
    assert place_of({"DomainName": host}) == Place(host=host)


def test_origin_group() -> None:
    """Read an origin group as all of its members."""
    config = _config({"PathPattern": "a/*", "TargetOriginId": "both"})
    config["OriginGroups"] = list_of(
        [{"Id": "both", "Members": list_of([{"OriginId": "whole"}, {"OriginId": "app"}])}]
    )

    places = places_of(config, {"TargetOriginId": "both"})

    assert places == [HOME, Place(host="app.example.com")]


@pytest.mark.parametrize(
    ("origin", "fields", "strangers", "leaks"),
    [
        ("folder", {}, False, True),
        ("folder", {"TrustedKeyGroups": SIGNED}, False, False),
        ("stranger", {}, False, False),
        ("stranger", {}, True, True),
        ("static", {}, False, False),
        ("other", {}, False, False),
        ("whole", {}, False, False),
    ],
)
def test_open_under_other_paths(
    origin: str, fields: dict[str, Any], strangers: bool, leaks: bool
) -> None:
    """See the files of media/* if an open behavior reads media from another path.

    An origin without a way in counts if the bucket lets in requests that are not signed.
    """
    behavior = {"PathPattern": "a/*", "TargetOriginId": origin, **fields}

    assert leaking(behavior, lets_in_strangers=strangers) == (["a/*"] if leaks else [])


@pytest.mark.parametrize(
    ("patterns", "leaks"),
    [
        (["prod/*"], False),
        (["/prod/media/*"], False),
        (["prod/media*"], False),
        (["other/*", "p*"], False),
        (["prod/media/?*"], True),
        (["prod/media/*.jpg"], True),
        (["prod/media/albums/*", "*.jpg"], True),
        (["media/*"], True),
        ([], True),
    ],
)
def test_other_paths_that_are_restricted(patterns: list[str], leaks: bool) -> None:
    """Let a restricted behavior in front close other paths, if it surely takes each of them."""
    front = [restricted(each) for each in patterns]

    assert leaking(*front, default="whole", storage_locations=[HOME, PROD]) == (
        ["*"] if leaks else []
    )


def test_restricted_behavior_behind() -> None:
    """Count no restricted behavior that is tried later, and none that is open itself."""
    opened = {"PathPattern": "prod/media/*", "TargetOriginId": "whole"}

    found = leaking(opened, restricted("p*"), default="whole", storage_locations=[HOME, PROD])
    with_default = leaking(opened, default="whole", storage_locations=[HOME, PROD])

    assert found == ["prod/media/*"]
    assert with_default == ["prod/media/*", "*"]


@pytest.mark.parametrize(("pattern", "leaks"), [("a/*", False), ("a/b/*.css", True)])
def test_open_behavior_that_is_never_reached(pattern: str, leaks: bool) -> None:
    """Leave out an open behavior all of whose paths a restricted one takes before."""
    behavior = {"PathPattern": "a/b/*", "TargetOriginId": "folder"}

    assert leaking(restricted(pattern), behavior) == (["a/b/*"] if leaks else [])


@pytest.mark.parametrize("pattern", ["media/*", "media/albums/*", "albums/*"])
def test_paths_within_a_folder_of_the_files(pattern: str) -> None:
    """Count no restricted paths where an origin path leads into the files: any path does."""
    assert leaking(restricted(pattern), default="albums") == ["*"]


@pytest.mark.parametrize("pattern", ["/*/b/media/*", "/x/b/media/*", "b/media/*", "*/media/*"])
def test_asterisk_in_an_origin_path(pattern: str) -> None:
    """Trust no restricted pattern where an origin path has a letter that patterns have, too."""
    storage_locations = [Place(bucket=BUCKET, folder="/*/b")]

    assert leaking(
        restricted(pattern), default="asterisk", storage_locations=storage_locations
    ) == ["*"]


def restricted(pattern: str) -> dict[str, Any]:
    """Return a behavior that asks for signatures."""
    return {"PathPattern": pattern, "TargetOriginId": "whole", "TrustedKeyGroups": SIGNED}


def leaking(
    *behaviors: dict[str, Any],
    default: str = "app",
    storage_locations: Sequence[Place] = (HOME,),
    lets_in_strangers: bool = False,
) -> list[str]:
    """Return the patterns of a distribution with these behaviors that leak media/*."""
    config = _config(*behaviors, default=default)
    found = open_under_other_paths(
        config, storage_locations, "media/*", lets_in_strangers=lets_in_strangers
    )
    return [each["PathPattern"] for each in found]


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
