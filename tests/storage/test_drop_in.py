"""Compare with django-storages, byte for byte and in the same second."""

from __future__ import annotations

import unicodedata
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from storages.backends.s3 import S3Storage as UntypedS3Storage

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import (
    DAY,
    ORIGIN,
    generated_names,
    in_one_second,
    options_for,
    settings_for,
    verify,
)

S3Storage: Any = UntypedS3Storage

NAMES = generated_names(300)
UNUSUAL_NAMES = [
    *("a", "/a", "//a", "a/", "a//b", "a/./b", "./a", "a\\b", "\\a", "a/b/", "a "),
    *(".hidden", "a/.hidden", "-", "..a", "a..b", " ", "%2e%2e/a", "%2E%2E/a"),
    *(unicodedata.normalize(form, "한글") for form in ("NFC", "NFD")),
]

pytestmark = [
    pytest.mark.usefixtures("site"),
    # Python 3.12 and newer warn of datetime.utcnow(), which django-storages calls.
    pytest.mark.filterwarnings("ignore:datetime:DeprecationWarning"),
]


def both_urls(options: dict[str, Any], *arguments: Any, **named: Any) -> tuple[str, str]:
    """Return django-storages' URL and this library's, made in the same second."""
    storages = S3Storage(**options), CloudFrontS3Storage(**options)
    theirs, ours = in_one_second(*(partial(each.url, *arguments, **named) for each in storages))
    return theirs, ours


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"location": "media/files"},
        {"location": "미디어 50%/"},
        {"url_protocol": "http:"},
        {"querystring_expire": 60},
        {"querystring_auth": False},
    ],
    ids=str,
)
def test_generated_names(options: dict[str, Any]) -> None:
    """Give the URL that django-storages gives, for 300 names and each option that shapes it."""
    storages = S3Storage(**options), CloudFrontS3Storage(**options)
    pairs = [in_one_second(*(partial(each.url, name) for each in storages)) for name in NAMES]
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert len(set(NAMES)) == 300
    for _, url in pairs[::10] if "querystring_auth" not in options else ():
        assert verify(storages[1], url).resource == url.partition("?")[0]


@pytest.mark.parametrize("name", UNUSUAL_NAMES, ids=ascii)
@pytest.mark.parametrize("location", ["", "media", "media/"])
def test_unusual_names(name: str, location: str) -> None:
    """Normalize a name as django-storages does, and refuse what it refuses."""
    options = {"location": location}
    try:
        theirs, ours = both_urls(options, name)
    except SuspiciousOperation:
        with pytest.raises(SuspiciousOperation):
            CloudFrontS3Storage(**options).url(name)
    else:
        assert ours == theirs


@pytest.mark.parametrize(
    "arguments",
    [
        *({"expire": each} for each in (1, 59, 3600, 7 * DAY)),
        *({"http_method": each} for each in (None, "GET", "HEAD")),
        *(
            {"parameters": each}
            for each in (
                {"version": 10},
                {"size": "large", "크기": "큰"},
                {"q": "a+b&c=d/e?f#g"},
                {"data": b"bytes"},
                {"none": None},
                {},
            )
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [{}, {"cloudfront_signer": None}], ids=str)
def test_arguments(options: dict[str, Any], arguments: dict[str, Any]) -> None:
    """Take lifetimes, methods for reading, and parameters without a space as it does."""
    for name in ("a b.jpg", PurePosixPath("albums/사진 1.jpg")):
        theirs, ours = both_urls(options, name, **arguments)
        assert ours == theirs


@pytest.mark.parametrize(
    ("options", "arguments", "shown"),
    [
        (
            {"cloudfront_signer": None, "access_key": "AKIAEXAMPLE", "secret_key": "secret"},
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
    theirs, ours = both_urls({**options, "region_name": "eu-central-1"}, "a b.jpg", *arguments)
    assert ours == theirs
    assert shown in ours


def test_key_in_options(settings: Any, rsa_key: PrivateKey) -> None:
    """Take the key from the options, as bytes or text, where no setting holds one."""
    for name in settings_for(rsa_key):
        delattr(settings, name)
    options = options_for(rsa_key)
    for key in (rsa_key.to_pem(), rsa_key.to_pem().decode()):
        theirs, ours = both_urls(options | {"cloudfront_key": key}, "a.jpg")
        assert ours == theirs


def test_subclass() -> None:
    """Take options from class attributes."""
    attributes = {"location": "private", "querystring_expire": 60}
    storages = (
        type("Own", (each,), dict(attributes))() for each in (S3Storage, CloudFrontS3Storage)
    )
    theirs, ours = in_one_second(*(partial(each.url, "a.jpg") for each in storages))
    assert ours == theirs
    assert ours.startswith(f"{ORIGIN}/private/a.jpg?")
