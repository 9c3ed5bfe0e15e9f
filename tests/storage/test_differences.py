"""Differ from django-storages where its answer is wrong, as the page of differences lists it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from storages.backends.s3 import S3Storage as UntypedS3Storage

from cfsigned_django.signing import HashAlgorithm, InvalidUrl, PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import DOMAIN, KEY_GROUP_ID, options_for, parameters_of, verify

S3Storage: Any = UntypedS3Storage

pytestmark = [
    pytest.mark.usefixtures("site"),
    pytest.mark.filterwarnings("ignore:datetime:DeprecationWarning"),
]


def path_of(url: str) -> str:
    """Return the path of a URL, still encoded."""
    return urlsplit(url).path


def raw_query(url: str) -> str:
    """Return the query of a URL without what the signature added."""
    return urlsplit(url).query.partition("&Expires=")[0]


def test_asterisk_in_a_name() -> None:
    """Encode *, which in the resource of a policy would stand for any characters."""
    storage = CloudFrontS3Storage()
    assert path_of(S3Storage().url("a*/b*.jpg")) == "/a*/b*.jpg"
    url = storage.url("a*/b*.jpg")
    assert path_of(url) == "/a%2A/b%2A.jpg"
    assert "Policy" not in parameters_of(url)
    assert verify(storage, url).resource == f"https://{DOMAIN}/a%2A/b%2A.jpg"


def test_space_in_a_parameter() -> None:
    """Write a space as %20, where a + would have to be read as one."""
    parameters = {"title": "a b"}
    assert raw_query(S3Storage().url("a.jpg", parameters)) == "title=a+b"
    assert raw_query(CloudFrontS3Storage().url("a.jpg", parameters)) == "title=a%20b"


def test_names_of_boto3() -> None:
    """Write boto3's parameter names as S3 reads them in a query."""
    parameters = {"ResponseContentType": "text/plain", "VersionId": "abc"}
    theirs = raw_query(S3Storage().url("a.jpg", parameters))
    ours = raw_query(CloudFrontS3Storage().url("a.jpg", parameters))
    assert theirs == "ResponseContentType=text%2Fplain&VersionId=abc"
    assert ours == "response-content-type=text%2Fplain&versionId=abc"


def test_capital_letters_in_the_domain(site: Any) -> None:
    """Write the domain small, as browsers send it and CloudFront compares it."""
    site.AWS_S3_CUSTOM_DOMAIN = "Media.Example.COM"
    storage = CloudFrontS3Storage()
    assert S3Storage().url("a.jpg").startswith("https://Media.Example.COM/")
    assert storage.url("a.jpg").startswith("https://media.example.com/a.jpg?")
    assert storage.unsigned_url("a.jpg") == "https://media.example.com/a.jpg"


@pytest.mark.parametrize(
    "name",
    ["..", "../etc", "a/../b", "a/..", "..\\etc", "a\\..\\b", "../", "../../etc/passwd"],
)
@pytest.mark.parametrize("make", ["url", "unsigned_url"])
def test_dot_dot(name: str, make: str) -> None:
    """Refuse a name that leads somewhere else, with no location as with one."""
    assert S3Storage().url(name).startswith(f"https://{DOMAIN}/")
    for location in ("", "media"):
        storage = CloudFrontS3Storage(location=location)
        with pytest.raises(SuspiciousFileOperation, match=r"holds '\.\.'"):
            getattr(storage, make)(name)


@pytest.mark.parametrize(
    ("changed", "theirs", "message"),
    [
        (
            {"AWS_CLOUDFRONT_KEY": None, "AWS_CLOUDFRONT_KEY_ID": None},
            f"https://{DOMAIN}/a",
            "E001",
        ),
        ({"AWS_S3_CUSTOM_DOMAIN": f"https://{DOMAIN}/"}, f"https://https://{DOMAIN}//a", "E005"),
        ({"AWS_S3_CUSTOM_DOMAIN": f"{DOMAIN}/media"}, f"https://{DOMAIN}/media/a?E", "E005"),
        ({"AWS_S3_URL_PROTOCOL": "https"}, f"https//{DOMAIN}/a?E", "E006"),
        ({"AWS_S3_URL_PROTOCOL": "ftp:"}, f"ftp://{DOMAIN}/a?E", "E006"),
        ({"AWS_CLOUDFRONT_KEY_ID": KEY_GROUP_ID}, f"https://{DOMAIN}/a?E", "E008"),
        ({"AWS_CLOUDFRONT_KEY_ID": "K 2"}, f"https://{DOMAIN}/a?E", "E009"),
        ({"AWS_QUERYSTRING_EXPIRE": 0}, f"https://{DOMAIN}/a?E", "E013"),
        ({"AWS_QUERYSTRING_EXPIRE": -60}, f"https://{DOMAIN}/a?E", "E013"),
        ({"AWS_QUERYSTRING_EXPIRE": 8 * 24 * 3600}, f"https://{DOMAIN}/a?E", "E015"),
    ],
    ids=str,
)
def test_settings_that_make_wrong_links(
    changed: dict[str, Any], theirs: str, message: str, site: Any
) -> None:
    """Refuse, with the setting and the next step, what django-storages makes a link of."""
    for name, value in changed.items():
        setattr(site, name, value)
    assert S3Storage().url("a").startswith(theirs)
    with pytest.raises(ImproperlyConfigured, match=rf"(?s){next(iter(changed))}.*{message}"):
        CloudFrontS3Storage().url("a")


def test_key_without_domain(site: Any) -> None:
    """Refuse to send viewers past CloudFront to S3."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    credentials = {"access_key": "AKIAEXAMPLE", "secret_key": "secret"}
    assert "amazonaws.com" in S3Storage(**credentials).url("a.jpg")
    with pytest.raises(ImproperlyConfigured, match=r"AWS_S3_CUSTOM_DOMAIN is not set.*E004"):
        CloudFrontS3Storage(**credentials).url("a.jpg")


def test_ecdsa_key(site: Any, ec_key: PrivateKey) -> None:
    """Sign with an ECDSA key, where django-storages fails at the first URL."""
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()
    with pytest.raises(TypeError):
        S3Storage().url("a.jpg")
    storage = CloudFrontS3Storage()
    url = storage.url("a.jpg")
    assert url.endswith("&Hash-Algorithm=SHA256")
    assert verify(storage, url).is_canned


def test_ecdsa_key_with_sha1(site: Any, ec_key: PrivateKey) -> None:
    """Refuse SHA-1 for an ECDSA key, about which AWS's own tools disagree."""
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem().decode()
    site.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA1"
    with pytest.raises(ImproperlyConfigured, match="E011"):
        CloudFrontS3Storage().url("a.jpg")


@pytest.mark.parametrize("name", ["SHA256", HashAlgorithm.SHA256], ids=["text", "enum"])
def test_sha256(name: Any, rsa_key: PrivateKey) -> None:
    """Sign with SHA-256 where that is set, and say so in the URL."""
    storage = CloudFrontS3Storage(**options_for(rsa_key), hash_algorithm=name)
    url = storage.url("a.jpg")
    assert url.endswith("&Hash-Algorithm=SHA256")
    assert verify(storage, url).is_canned


def test_sha1_is_not_named(rsa_key: PrivateKey) -> None:
    """Leave Hash-Algorithm out for SHA-1, as django-storages does."""
    storage = CloudFrontS3Storage(**options_for(rsa_key), hash_algorithm="SHA1")
    assert "Hash-Algorithm" not in storage.url("a.jpg")


def test_protocol_relative_urls() -> None:
    """Refuse an empty protocol, with which it would be up to the page what was signed."""
    options = {"url_protocol": ""}
    assert S3Storage(**options).url("a.jpg").startswith(f"//{DOMAIN}/a.jpg?")
    with pytest.raises(ImproperlyConfigured, match=r"AWS_S3_URL_PROTOCOL.*E006"):
        CloudFrontS3Storage(**options).url("a.jpg")


@pytest.mark.parametrize("setting", ["", None])
def test_empty_protocol_setting(setting: str | None, site: Any) -> None:
    """Read an empty setting as unset, which django-storages does too."""
    site.AWS_S3_URL_PROTOCOL = setting
    assert CloudFrontS3Storage().url("a.jpg").startswith(f"https://{DOMAIN}/a.jpg?")


def test_signer_has_no_methods_of_botocore() -> None:
    """Offer custom policies as arguments of url(), and not through cloudfront_signer."""
    assert hasattr(S3Storage().cloudfront_signer, "generate_presigned_url")
    assert not hasattr(CloudFrontS3Storage().cloudfront_signer, "generate_presigned_url")


def test_upstream_keeps_keys() -> None:
    """Leave django-storages' cache of signers, whose keys hold the private key, empty."""
    before = dict(S3Storage._signers)
    CloudFrontS3Storage().url("a.jpg")
    assert S3Storage._signers == before


def test_rsa_key_of_another_size(site: Any) -> None:
    """Refuse an RSA key that is not of CloudFront's size."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    form = serialization.PrivateFormat.PKCS8
    site.AWS_CLOUDFRONT_KEY = key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )
    assert "Signature=" in S3Storage().url("a.jpg")
    with pytest.raises(ImproperlyConfigured, match=r"1024 bits.*E007"):
        CloudFrontS3Storage().url("a.jpg")


def test_fraction_of_a_second() -> None:
    """Refuse half a second, which is cut off elsewhere."""
    assert "Signature=" in S3Storage().url("a.jpg", expire=1.5)
    with pytest.raises(ValueError, match="whole seconds"):
        CloudFrontS3Storage().url("a.jpg", expire=1.5)  # type: ignore[arg-type]


def test_parameter_of_a_header() -> None:
    """Refuse what S3 reads from a header only."""
    parameters = {"Range": "bytes=0-3"}
    assert "?Range=bytes" in S3Storage().url("a.jpg", parameters)
    with pytest.raises(ValueError, match="a link can carry"):
        CloudFrontS3Storage().url("a.jpg", parameters)


def test_date_as_a_parameter() -> None:
    """Write a date as HTTP does."""
    parameters = {"ResponseExpires": datetime(2026, 4, 1, tzinfo=UTC)}
    assert "2026-04-01+00" in S3Storage().url("a.jpg", parameters)
    found = parameters_of(CloudFrontS3Storage().url("a.jpg", parameters))
    assert found["response-expires"] == "Wed, 01 Apr 2026 00:00:00 GMT"


def test_long_url() -> None:
    """Refuse a URL that CloudFront would not read."""
    assert len(S3Storage().url("a" * 8000)) > 8192
    with pytest.raises(InvalidUrl):
        CloudFrontS3Storage().url("a" * 8000)
