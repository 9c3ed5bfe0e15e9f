"""Compare with django-storages, byte for byte and in the same second."""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from storages.backends.s3 import S3Storage as UntypedS3Storage

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import generated_names, in_one_second, options_for, settings_for, verify

S3Storage: Any = UntypedS3Storage

NAMES = generated_names(300)
NFD = unicodedata.normalize("NFD", "한글")

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
    ],
    ids=["defaults", "location", "odd location", "http", "lifetime"],
)
def test_generated_names(options: dict[str, Any]) -> None:
    """Give the URL that django-storages gives, for 300 names and each option that shapes it."""
    storages = S3Storage(**options), CloudFrontS3Storage(**options)
    pairs = [in_one_second(*(partial(each.url, name) for each in storages)) for name in NAMES]
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert len(set(NAMES)) == 300


@pytest.mark.parametrize("name", NAMES[::10], ids=ascii)
def test_generated_names_verify(name: str) -> None:
    """Give a URL that CloudFront would serve."""
    storage = CloudFrontS3Storage()
    url = storage.url(name)
    assert verify(storage, url).resource == url.partition("?")[0]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "/",
            ".",
            "a",
            "/a",
            "//a",
            "a/",
            "a//b",
            "a/./b",
            "./a",
            "a\\b",
            "\\a",
            "a/b/",
            "a ",
        ),
        *(".hidden", "a/.hidden", "-", "..a", "a..b", "한글", NFD, " ", "%2e%2e/a", "%2E%2E/a"),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("location", ["", "media", "media/"])
def test_unusual_names(name: str, location: str) -> None:
    """Normalise a name as django-storages does, and refuse what it refuses."""
    options = {"location": location}
    try:
        theirs, ours = both_urls(options, name)
    except SuspiciousOperation:
        with pytest.raises(SuspiciousOperation):
            CloudFrontS3Storage(**options).url(name)
    else:
        assert ours == theirs


@pytest.mark.parametrize("expire", [1, 59, 3600, 7 * 24 * 3600])
def test_expire(expire: int) -> None:
    """Count a lifetime from the same moment."""
    theirs, ours = both_urls({}, "a.jpg", expire=expire)
    assert ours == theirs


@pytest.mark.parametrize("http_method", [None, "GET", "HEAD"])
def test_reading_methods(http_method: str | None) -> None:
    """Sign for reading, which is what the signature allows either way."""
    theirs, ours = both_urls({}, "a.jpg", http_method=http_method)
    assert ours == theirs


@pytest.mark.parametrize(
    "parameters",
    [
        {"version": 10},
        {"size": "large", "크기": "큰"},
        {"q": "a+b&c=d/e?f#g"},
        {"data": b"bytes"},
        {"none": None},
        {},
    ],
    ids=str,
)
def test_parameters(parameters: dict[str, Any]) -> None:
    """Write parameters that hold no space as django-storages writes them."""
    theirs, ours = both_urls({}, "a.jpg", parameters)
    assert ours == theirs


def test_path_object() -> None:
    """Take a pathlib path as a name."""
    theirs, ours = both_urls({}, PurePosixPath("albums/사진 1.jpg"))
    assert ours == theirs


def test_public_urls() -> None:
    """Give the same public URL where querystring_auth is off."""
    for name in NAMES[:30]:
        theirs, ours = both_urls({"querystring_auth": False}, name, parameters={"v": 2})
        assert ours == theirs


def test_without_signer() -> None:
    """Give the same public URL where cloudfront_signer is None."""
    theirs, ours = both_urls({"cloudfront_signer": None}, "a b.jpg")
    assert ours == theirs
    assert "Signature" not in ours


def test_without_signer_and_domain(site: Any) -> None:
    """Give the same presigned URL of S3 where that was asked for."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    options = {
        "cloudfront_signer": None,
        "access_key": "AKIAEXAMPLE",
        "secret_key": "secret",
        "region_name": "eu-central-1",
    }
    theirs, ours = both_urls(options, "a b.jpg", {"ResponseContentType": "text/plain"}, 60, "HEAD")
    assert ours == theirs
    assert "X-Amz-Signature" in ours or "Signature=" in ours


def test_public_urls_of_s3(site: Any) -> None:
    """Give the same unsigned URL of S3 where querystring_auth is off and no domain is set."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    options = {"querystring_auth": False, "region_name": "eu-central-1"}
    theirs, ours = both_urls(options, "a b.jpg")
    assert ours == theirs


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

    class Theirs(S3Storage):  # type: ignore[misc]
        location = "private"
        querystring_expire = 60

    class Ours(CloudFrontS3Storage):
        location = "private"
        querystring_expire = 60

    storages = Theirs(), Ours()
    theirs, ours = in_one_second(*(partial(each.url, "a.jpg") for each in storages))
    assert ours == theirs


def test_timedelta_setting_is_an_addition(site: Any) -> None:
    """Read a timedelta as so many seconds, which django-storages cannot."""
    expected, _ = both_urls({"querystring_expire": 90}, "a.jpg")
    site.AWS_QUERYSTRING_EXPIRE = timedelta(seconds=90)
    with pytest.raises(TypeError):
        S3Storage().url("a.jpg")
    assert len(CloudFrontS3Storage().url("a.jpg")) == len(expected)
