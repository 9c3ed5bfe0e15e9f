"""Know a bucket behind each origin.

Modules: tools/account/documents/distribution_config.py
"""

from __future__ import annotations

import pytest

from cfsigned_django.tools.account.documents.distribution_config import (
    OriginFolder,
    covers,
    folder_of,
    is_origin_of,
)

BUCKET = "site.media-1"
HOME = OriginFolder(bucket=BUCKET)
S3 = "s3.eu-west-1.amazonaws.com"


#: The host and the folder of an origin -> the place, and whether an access control can read it.
PLACES: list[tuple[str, str, OriginFolder, bool]] = [
    (f"{BUCKET}.s3-eu-west-1.amazonaws.com", "/a/", OriginFolder(bucket=BUCKET, folder="/a"), True),
    (f"{BUCKET.upper()}.S3.Amazonaws.com", "", HOME, True),
    (f"{BUCKET}.s3-external-1.amazonaws.com", "", HOME, True),
    (f"{BUCKET}.S3-website.eu-west-1.amazonaws.com", "", HOME, False),
    (f"{BUCKET}.s3-website-us-east-1.amazonaws.com", "", HOME, False),
    # Other buckets, and other kinds of hosts.
    (f"other-{BUCKET}.s3.amazonaws.com", "", OriginFolder(bucket=f"other-{BUCKET}"), False),
    ("siteXmedia-1.s3.amazonaws.com", "", OriginFolder(bucket="sitexmedia-1"), False),
    (f"{BUCKET}.s3.example.com", "", OriginFolder(host=f"{BUCKET}.s3.example.com"), False),
    (BUCKET, "", OriginFolder(host=BUCKET), False),
    # The bucket is in the path if the host is S3's alone.
    (S3, f"/{BUCKET}", HOME, False),
    (S3, f"/{BUCKET}/a", OriginFolder(bucket=BUCKET, folder="/a"), False),
    (S3, "", OriginFolder(host=S3), False),
]


@pytest.mark.parametrize(("host", "path", "place", "is_rest"), PLACES)
def test_places(host: str, path: str, place: OriginFolder, is_rest: bool) -> None:
    """Find the bucket behind each of its hosts; only its REST hosts can have an access control."""
    origin = {"DomainName": host, "OriginPath": path}

    assert folder_of(origin) == place
    assert is_origin_of(origin, BUCKET) is is_rest
    assert not is_origin_of({**origin, "CustomOriginConfig": {"HTTPPort": 80}}, BUCKET)


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
