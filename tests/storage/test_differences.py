"""Differ from django-storages where its answer is wrong, as the page of differences lists it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from storages.backends.s3 import S3Storage as UntypedS3Storage

from cfsigned_django.signing import HashAlgorithm, InvalidUrl, PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import DAY, DOMAIN, KEY_GROUP_ID, ORIGIN, options_for, verify

S3Storage: Any = UntypedS3Storage
CREDENTIALS = {"access_key": "AKIAEXAMPLE", "secret_key": "secret"}

pytestmark = [
    pytest.mark.usefixtures("site"),
    pytest.mark.filterwarnings("ignore:datetime:DeprecationWarning"),
]


@pytest.mark.parametrize(
    ("call", "theirs", "ours"),
    [
        (("a*/b*.jpg",), "/a*/b*.jpg?", "/a%2A/b%2A.jpg?"),
        (("a.jpg", {"title": "a b"}), "?title=a+b&", "?title=a%20b&"),
        (
            ("a.jpg", {"ResponseContentType": "text/plain", "VersionId": "abc"}),
            "?ResponseContentType=text%2Fplain&VersionId=abc&",
            "?response-content-type=text%2Fplain&versionId=abc&",
        ),
        (
            ("a.jpg", {"ResponseExpires": datetime(2026, 4, 1, tzinfo=UTC)}),
            "?ResponseExpires=2026-04-01+00",
            "?response-expires=Wed%2C%2001%20Apr%202026%2000%3A00%3A00%20GMT&",
        ),
    ],
    ids=["asterisk", "space", "boto3's names", "date"],
)
def test_addresses(call: Any, theirs: str, ours: str) -> None:
    """Encode what CloudFront or S3 would read as something else, and sign just that."""
    assert theirs in S3Storage().url(*call)
    storage = CloudFrontS3Storage()
    url = storage.url(*call)
    assert ours in url
    assert "Policy" not in url
    assert verify(storage, url).resource == url.partition("Expires=")[0][:-1]


def test_capital_letters_in_the_domain(site: Any) -> None:
    """Write the domain small, as browsers send it and CloudFront compares it."""
    site.AWS_S3_CUSTOM_DOMAIN = "Media.Example.COM"
    assert S3Storage().url("a.jpg").startswith("https://Media.Example.COM/")
    for url in (CloudFrontS3Storage().url("a.jpg"), CloudFrontS3Storage().unsigned_url("a.jpg")):
        assert url.startswith(f"{ORIGIN}/a.jpg")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        *(
            ((name,), SuspiciousFileOperation)
            for name in (
                "..",
                "../etc",
                "a/../b",
                "a/..",
                "..\\etc",
                "a\\..\\b",
                "../",
                "../../a/b",
            )
        ),
        (("a.jpg", None, 1.5), ValueError),
        (("a.jpg", {"Range": "bytes=0-3"}), ValueError),
        (("a" * 8000,), InvalidUrl),
    ],
    ids=lambda value: str(value)[:30],
)
def test_arguments(call: Any, error: type[Exception]) -> None:
    """Refuse what leads somewhere else, or to nothing, with no location as with one."""
    assert S3Storage().url(*call).startswith(f"{ORIGIN}/")
    for location in ("", "media"):
        with pytest.raises(error):
            CloudFrontS3Storage(location=location).url(*call)


@pytest.mark.parametrize(
    ("changed", "theirs", "check_id"),
    [
        ({"AWS_CLOUDFRONT_KEY": None, "AWS_CLOUDFRONT_KEY_ID": None}, f"{ORIGIN}/a", "E001"),
        ({"AWS_S3_CUSTOM_DOMAIN": None}, "https://media.s3.amazonaws.com/a?", "E004"),
        ({"AWS_S3_CUSTOM_DOMAIN": f"{ORIGIN}/"}, f"https://{ORIGIN}//a", "E005"),
        ({"AWS_S3_CUSTOM_DOMAIN": f"{DOMAIN}/media"}, f"{ORIGIN}/media/a?E", "E005"),
        ({"AWS_S3_URL_PROTOCOL": "https"}, f"https//{DOMAIN}/a?E", "E006"),
        ({"AWS_S3_URL_PROTOCOL": "ftp:"}, f"ftp://{DOMAIN}/a?E", "E006"),
        ({"AWS_CLOUDFRONT_KEY_ID": KEY_GROUP_ID}, f"{ORIGIN}/a?E", "E008"),
        ({"AWS_CLOUDFRONT_KEY_ID": "K 2"}, f"{ORIGIN}/a?E", "E009"),
        ({"AWS_QUERYSTRING_EXPIRE": 0}, f"{ORIGIN}/a?E", "E013"),
        ({"AWS_QUERYSTRING_EXPIRE": -60}, f"{ORIGIN}/a?E", "E013"),
        ({"AWS_QUERYSTRING_EXPIRE": 8 * DAY}, f"{ORIGIN}/a?E", "E015"),
    ],
    ids=str,
)
def test_settings_that_make_wrong_links(
    changed: dict[str, Any], theirs: str, check_id: str, site: Any
) -> None:
    """Refuse, with the setting and the next step, what django-storages makes a link of."""
    for name, value in changed.items():
        setattr(site, name, value)
    assert S3Storage(**CREDENTIALS).url("a").startswith(theirs)
    with pytest.raises(ImproperlyConfigured, match=rf"(?s){next(iter(changed))}.*{check_id}"):
        CloudFrontS3Storage(**CREDENTIALS).url("a")


def test_protocol(site: Any) -> None:
    """Refuse an empty protocol, with which a page decides what was signed; unset is https."""
    assert S3Storage(url_protocol="").url("a.jpg").startswith(f"//{DOMAIN}/a.jpg?")
    with pytest.raises(ImproperlyConfigured, match=r"AWS_S3_URL_PROTOCOL.*E006"):
        CloudFrontS3Storage(url_protocol="").url("a.jpg")
    for setting in ("", None):
        site.AWS_S3_URL_PROTOCOL = setting
        assert CloudFrontS3Storage().url("a.jpg").startswith(f"{ORIGIN}/a.jpg?")


def test_ecdsa_key(site: Any, ec_key: PrivateKey) -> None:
    """Sign with an ECDSA key, if not with SHA-1, where django-storages fails at the first URL."""
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()
    with pytest.raises(TypeError):
        S3Storage().url("a.jpg")
    storage = CloudFrontS3Storage()
    assert storage.url("a.jpg").endswith("&Hash-Algorithm=SHA256")
    assert verify(storage, storage.url("a.jpg")).is_canned
    site.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA1"
    with pytest.raises(ImproperlyConfigured, match="E011"):
        storage.url("a.jpg")


@pytest.mark.parametrize(
    ("name", "shown"), [("SHA256", True), (HashAlgorithm.SHA256, True), ("SHA1", False)], ids=repr
)
def test_hash_algorithm(name: Any, shown: bool, rsa_key: PrivateKey) -> None:
    """Sign with SHA-256 if that is set, and name it in the URL; SHA-1 is never named."""
    storage = CloudFrontS3Storage(**options_for(rsa_key), hash_algorithm=name)
    url = storage.url("a.jpg")
    assert url.endswith("&Hash-Algorithm=SHA256") is shown
    assert verify(storage, url).is_canned


def test_rsa_key_of_another_size(site: Any) -> None:
    """Refuse an RSA key that is not of CloudFront's size."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    form = serialization.PrivateFormat.PKCS8
    site.AWS_CLOUDFRONT_KEY = key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )
    assert "Signature=" in S3Storage().url("a.jpg")
    with pytest.raises(ImproperlyConfigured, match=r"1024.*E007"):
        CloudFrontS3Storage().url("a.jpg")


def test_timedelta(site: Any) -> None:
    """Read a timedelta as so many seconds, which django-storages cannot."""
    site.AWS_QUERYSTRING_EXPIRE = timedelta(seconds=90)
    with pytest.raises(TypeError):
        S3Storage().url("a.jpg")
    assert urlsplit(CloudFrontS3Storage().url("a.jpg")).path == "/a.jpg"


def test_signers() -> None:
    """Keep no key in django-storages' cache of signers, and offer no methods of botocore's."""
    before = dict(UntypedS3Storage._signers)
    storage = CloudFrontS3Storage()
    storage.url("a.jpg")
    assert UntypedS3Storage._signers == before
    assert hasattr(S3Storage().cloudfront_signer, "generate_presigned_url")
    assert not hasattr(storage.cloudfront_signer, "generate_presigned_url")
