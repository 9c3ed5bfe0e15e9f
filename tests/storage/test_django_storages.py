"""Compare with django-storages: byte for byte in the same second, and where its answer is wrong.

Modules: storage/backends.py
"""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any, cast

import pytest
from botocore.signers import CloudFrontSigner
from django.core.exceptions import SuspiciousOperation
from storages.backends.s3 import S3Storage as UntypedS3Storage

from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import DAY, KEY_ID, generated_names, in_one_second, verify

S3Storage: Any = UntypedS3Storage
CREDENTIALS = {"access_key": "AKIAEXAMPLE", "secret_key": "secret"}
#: What both sign with where the address is compared: a digest, as RSA takes twenty times as long.
DIGESTS = CloudFrontSigner(KEY_ID, lambda message: hashlib.sha256(message).digest())

NAMES = generated_names(300)
UNUSUAL_NAMES = [
    *("a", "/a", "//a", "a/", "a//b", "a/./b", "./a", "a\\b", "\\a", "a/b/", "a "),
    *(".hidden", "a/.hidden", "-", "..a", "a..b", " ", "%2e%2e/a", "%2E%2E/a"),
    *(unicodedata.normalize(form, "한글") for form in ("NFC", "NFD")),
]

pytestmark = pytest.mark.usefixtures("site")


def url_or_refusal(storage: Any, name: str) -> str:
    """Return the URL of a name, or that it is refused."""
    try:
        return str(storage.url(name))
    except SuspiciousOperation:
        return "refused"


@pytest.mark.parametrize(
    "options",
    [
        *({}, {"location": "media/"}, {"location": "미디어 50%/"}, {"url_protocol": "http:"}),
        *({"querystring_expire": 60}, {"querystring_auth": False}),
    ],
    ids=str,
)
def test_names(options: dict[str, Any]) -> None:
    """Give the URL that django-storages gives, and refuse what it does, for hundreds of names."""
    options = {"cloudfront_signer": DIGESTS, **options}
    storages = S3Storage(**options), CloudFrontS3Storage(**options)
    pairs = [
        in_one_second(*(partial(url_or_refusal, each, name) for each in storages))
        for name in NAMES + UNUSUAL_NAMES
    ]
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert len(set(NAMES)) == 300


#: Lifetimes, methods for reading, and parameters without a space.
ARGUMENTS: list[dict[str, Any]] = [
    *({"expire": each} for each in (1, 59, 3600, 7 * DAY)),
    *({"http_method": each} for each in (None, "GET", "HEAD")),
    *({"parameters": each} for each in ({"version": 10}, {"size": "large", "크기": "큰"})),
    *({"parameters": each} for each in ({"q": "a+b&c=d/e?f#g"}, {"data": b"bytes"})),
    *({"parameters": each} for each in ({"none": None}, {})),
]


@pytest.mark.parametrize("options", [{}, {"cloudfront_signer": None}], ids=str)
def test_arguments(options: dict[str, Any]) -> None:
    """Take lifetimes, methods for reading, and parameters without a space as it does."""
    theirs, ours = S3Storage(**options), cast("Any", CloudFrontS3Storage(**options))
    for arguments in ARGUMENTS:
        for name in ("a b.jpg", PurePosixPath("albums/사진 1.jpg")):
            calls = [partial(each.url, name, **arguments) for each in (theirs, ours)]
            assert len({*in_one_second(*calls)}) == 1, arguments


@pytest.mark.parametrize(
    ("options", "arguments", "shown"),
    [
        (
            {"cloudfront_signer": None, **CREDENTIALS},
            [{"ResponseContentType": "text/plain"}, 60, "HEAD"],
            "Signature=",
        ),
        ({"querystring_auth": False}, [], "amazonaws.com/a%20b.jpg"),
    ],
    ids=["presigned", "unsigned"],
)
def test_urls_of_s3(options: dict[str, Any], arguments: list[Any], shown: str, site: Any) -> None:
    """Give the same URL of S3 itself, presigned or not, if no domain is set."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    options |= {"region_name": "eu-central-1"}
    both = S3Storage(**options), CloudFrontS3Storage(**options)
    theirs, ours = in_one_second(*(partial(each.url, "a b.jpg", *arguments) for each in both))
    assert ours == theirs
    assert shown in ours


# Differences, as the page of differences lists them


@pytest.mark.parametrize(
    ("call", "theirs", "ours"),
    [
        (("a*/b*.jpg",), "/a*/b*.jpg?", "/a%2A/b%2A.jpg?"),
        (("a.jpg", {"title": "a b"}), "?title=a+b&", "?title=a%20b&"),
        (
            ("a.jpg", {"VersionId": "abc", "ResponseExpires": datetime(2026, 4, 1, tzinfo=UTC)}),
            "?VersionId=abc&ResponseExpires=2026-04-01+00",
            "?versionId=abc&response-expires=Wed%2C%2001%20Apr%202026%2000%3A00%3A00%20GMT&",
        ),
    ],
    ids=["asterisk", "space", "boto3's names and a date"],
)
def test_addresses(call: Any, theirs: str, ours: str) -> None:
    """Encode what CloudFront or S3 would read as something else, and sign just that."""
    assert theirs in S3Storage().url(*call)
    storage = CloudFrontS3Storage()
    url = storage.url(*call)
    assert ours in url
    assert "Policy" not in url
    assert verify(storage, url).resource == url.partition("Expires=")[0][:-1]


def test_signers() -> None:
    """Keep no key in django-storages' cache of signers, and offer no methods of botocore's."""
    before = dict(UntypedS3Storage._signers)
    storage = CloudFrontS3Storage()
    storage.url("a.jpg")
    assert UntypedS3Storage._signers == before
    assert hasattr(S3Storage().cloudfront_signer, "generate_presigned_url")
    assert not hasattr(storage.cloudfront_signer, "generate_presigned_url")
