"""Refuse a configuration that cannot sign: with the setting, the next step and an id."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile

from cfsigned_django.signing import HashRefused, PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.validation import TABLE
from tests.storage_cases import (
    KEY_GROUP_ID,
    KEY_ID,
    counted_signatures,
    verify,
    without_sha1,
)

KEY_FORMS: dict[str, Callable[[PrivateKey], str | bytes]] = {
    "text": lambda key: key.to_pem().decode(),
    "bytes": lambda key: key.to_pem(),
    "literal \\n": lambda key: key.to_pem().decode().replace("\n", "\\n"),
    "CRLF": lambda key: key.to_pem().decode().replace("\n", "\r\n"),
    "one line": lambda key: key.to_pem().decode().replace("\n", " "),
    "quotes": lambda key: f'"{key.to_pem().decode()}"',
    "BOM": lambda key: "\ufeff" + key.to_pem().decode(),
    "base64": lambda key: base64.b64encode(key.to_pem()).decode(),
}


def pem_of(key: Any, encryption: Any = None) -> str:
    """Return cryptography's private key as PEM text."""
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        encryption or serialization.NoEncryption(),
    )
    return pem.decode()


@pytest.mark.parametrize("form", KEY_FORMS)
@pytest.mark.parametrize("fixture", ["rsa_key", "ec_key"])
def test_key_forms(form: str, fixture: str, site: Any, request: pytest.FixtureRequest) -> None:
    """Take the key in every form that an environment variable gives it."""
    site.AWS_CLOUDFRONT_KEY = KEY_FORMS[form](request.getfixturevalue(fixture))
    storage = CloudFrontS3Storage()
    assert verify(storage, storage.url("a.jpg")).is_canned


def test_key_file(site: Any, rsa_key: PrivateKey, tmp_path: Path) -> None:
    """Read the key from a path, and take the same text that is no path for a mistake."""
    path = tmp_path / "cloudfront.pem"
    path.write_bytes(rsa_key.to_pem())
    site.AWS_CLOUDFRONT_KEY = str(path)
    with pytest.raises(ImproperlyConfigured, match=r"name of a file.*pathlib\.Path"):
        CloudFrontS3Storage().url("a.jpg")
    site.AWS_CLOUDFRONT_KEY = path
    storage = CloudFrontS3Storage()
    assert verify(storage, storage.url("a.jpg")).is_canned


@pytest.mark.parametrize(
    ("key", "seen"),
    [
        (" ", "is empty"),
        ("not a key", "not PEM text"),
        ("/run/secrets/cloudfront.pem", "name of a file"),
        (Path("/nowhere/cloudfront.pem"), "does not exist"),
        (b"\x30\x82\x01\xff", "binary data"),
        (42, "of type int"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB", "does not end"),
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "not a whole key"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "a certificate"),
    ],
    ids=repr,
)
def test_unusable_keys(key: Any, seen: str, site: Any) -> None:
    """Say what was seen in place of a key, and what is wanted."""
    site.AWS_CLOUDFRONT_KEY = key
    storage = CloudFrontS3Storage()
    with pytest.raises(ImproperlyConfigured, match=rf"AWS_CLOUDFRONT_KEY .*{seen}.*E007"):
        storage.url("a.jpg")


def test_other_kinds_of_key(site: Any, rsa_key: PrivateKey) -> None:
    """Name the kind of a key that CloudFront does not take."""
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    password = serialization.BestAvailableEncryption(b"secret")
    kinds = {
        "RSA key of 1024 bits": pem_of(small),
        "CloudFront signs with RSA 2048": pem_of(ed25519.Ed25519PrivateKey.generate()),
        "encrypted and no password": pem_of(small, password),
        "a public key": rsa_key.public_key.to_pem(),
    }
    for seen, key in kinds.items():
        site.AWS_CLOUDFRONT_KEY = key
        with pytest.raises(ImproperlyConfigured, match=f"{seen}.*E007"):
            CloudFrontS3Storage().url("a.jpg")


@pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])
@pytest.mark.parametrize(
    ("unset", "check_id"),
    [("AWS_CLOUDFRONT_KEY", "E003"), ("AWS_CLOUDFRONT_KEY_ID", "E002")],
)
@pytest.mark.parametrize("value", [None, ""], ids=repr)
def test_half_a_key(cls: Any, unset: str, check_id: str, value: str | None, site: Any) -> None:
    """Refuse a key without its id, or the other way round, as soon as a storage is made."""
    setattr(site, unset, value)
    with pytest.raises(ImproperlyConfigured, match=f"without {unset}.*{check_id}"):
        cls()


@pytest.mark.parametrize("value", [None, "", b""], ids=repr)
def test_no_key_at_all(value: Any, site: Any) -> None:
    """Make a storage where key and id are both empty, as variables leave them; refuse its URLs."""
    site.AWS_CLOUDFRONT_KEY = value
    site.AWS_CLOUDFRONT_KEY_ID = ""
    storage = CloudFrontS3Storage()
    with pytest.raises(ImproperlyConfigured, match=r"no key is set.*E001"):
        storage.url("a.jpg")


def test_half_a_key_in_the_words_of_django_storages(site: Any) -> None:
    """Repeat django-storages' sentence, for code that looks for it."""
    site.AWS_CLOUDFRONT_KEY = None
    with pytest.raises(ImproperlyConfigured, match="must be provided together"):
        CloudFrontS3Storage()


@pytest.mark.parametrize(
    ("changed", "check_id"),
    [
        ({"AWS_CLOUDFRONT_KEY": None, "AWS_CLOUDFRONT_KEY_ID": None}, "E001"),
        ({"AWS_S3_CUSTOM_DOMAIN": None}, "E004"),
        ({"AWS_S3_CUSTOM_DOMAIN": ""}, "E004"),
        *(
            ({"AWS_S3_CUSTOM_DOMAIN": domain}, "E005")
            for domain in (
                *(
                    "https://media.example.com",
                    "media.example.com/",
                    "media.example.com/x",
                    "//m.com",
                ),
                *("media.example.com.", "m example.com", "user@m.com", "m.com:port", "m.com?x"),
                *("[::1]:8001", "미디어.kr", "m.com\n", "*.example.com", 42, ["m.com"]),
            )
        ),
        *(
            ({"AWS_S3_URL_PROTOCOL": each}, "E006")
            for each in ("https", "https://", "ftp:", "HTTPS:")
        ),
        ({"AWS_CLOUDFRONT_KEY_ID": KEY_GROUP_ID}, "E008"),
        ({"AWS_CLOUDFRONT_KEY_ID": KEY_GROUP_ID.upper()}, "E008"),
        *(
            ({"AWS_CLOUDFRONT_KEY_ID": each}, "E009")
            for each in ("K-1", " K1", "K1&x=", "한글", 42)
        ),
        *(({"AWS_CLOUDFRONT_HASH_ALGORITHM": each}, "E010") for each in ("sha256", "MD5", "", 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])
def test_no_url_from_half_a_configuration(
    cls: Any, changed: dict[str, Any], check_id: str, site: Any
) -> None:
    """Raise, with the remedy of the check, instead of making a link that is worth nothing."""
    for name, value in changed.items():
        setattr(site, name, value)
    storage = cls()
    with pytest.raises(ImproperlyConfigured) as refusal:
        storage.url("a.jpg")
    message = str(refusal.value)
    assert message.endswith(f"{TABLE[f'cfsigned.{check_id}']} (cfsigned.{check_id})")
    assert next(iter(changed)) in message


@pytest.mark.parametrize(
    "domain",
    ["m.com", "127.0.0.1:8001", "localhost:8001", "d111111abcdef8.cloudfront.net", "a-b.c"],
)
def test_good_domains(domain: str, site: Any) -> None:
    """Take a bare host, with a port for the local edge."""
    site.AWS_S3_CUSTOM_DOMAIN = domain
    assert CloudFrontS3Storage().url("a.jpg").startswith(f"https://{domain}/a.jpg?Expires=")


@pytest.mark.parametrize("key_id", [KEY_ID, "APKAIOSFODNN7EXAMPLE", "K1", "testkey"])
def test_good_key_ids(key_id: str, site: Any) -> None:
    """Take an id of either generation; an unusual one is a warning and no error."""
    site.AWS_CLOUDFRONT_KEY_ID = key_id
    assert f"&Key-Pair-Id={key_id}" in CloudFrontS3Storage().url("a.jpg")


@pytest.mark.parametrize(
    "options", [{"querystring_auth": False}, {"cloudfront_signer": None}], ids=str
)
@pytest.mark.parametrize("domain", ["https://media.example.com/", "media.example.com/x"])
def test_domain_of_public_urls(options: dict[str, Any], domain: str, site: Any) -> None:
    """Refuse a domain with a scheme or path for public URLs as for signed ones."""
    site.AWS_S3_CUSTOM_DOMAIN = domain
    with pytest.raises(ImproperlyConfigured, match="E005"):
        CloudFrontS3Storage(**options).url("a.jpg")


def test_unsigned_url_needs_a_domain(site: Any) -> None:
    """Refuse an unsigned URL where there is no domain to lead to."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(ImproperlyConfigured, match="AWS_S3_CUSTOM_DOMAIN is not set"):
        CloudFrontS3Storage().unsigned_url("a.jpg")


def test_public_urls_need_no_key(site: Any) -> None:
    """Give public URLs to a site without a key, once it says that they are public."""
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    site.AWS_QUERYSTRING_AUTH = False
    assert CloudFrontS3Storage().url("a.jpg") == "https://media.example.com/a.jpg"


def test_files_can_be_stored_without_urls(settings: Any, tmp_path: Path) -> None:
    """Store files where nothing is configured for URLs: only url() refuses."""
    settings.AWS_CLOUDFRONT_KEY = None
    storage = CloudFrontFileSystemStorage(location=str(tmp_path))
    name = storage.save("a.txt", ContentFile(b"text"))
    with storage.open(name) as file:
        assert file.read() == b"text"
    with pytest.raises(ImproperlyConfigured, match="E001"):
        storage.url(name)


@pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])
def test_first_url_costs_one_signature(cls: Any, site: Any, rsa_key: PrivateKey) -> None:
    """Sign the first URL of a storage, and nothing before it to see whether the key can."""
    site.AWS_CLOUDFRONT_KEY = rsa_key.to_pem()
    storage = cls()
    with counted_signatures() as signatures:
        url = storage.url("a.jpg")
    assert len(signatures) == 1
    assert verify(storage, url).is_canned


@pytest.mark.parametrize(
    "arguments", [{}, {"expire_step": 60}, {"resource": "*", "allow_any_resource": True}], ids=repr
)
def test_openssl_without_sha1(arguments: dict[str, Any], site: Any, rsa_key: PrivateKey) -> None:
    """Say as the system check does what to set where OpenSSL refuses SHA-1, at each URL."""
    site.AWS_CLOUDFRONT_KEY = rsa_key.to_pem()
    storage = CloudFrontS3Storage()
    with without_sha1():
        for name in ("a.jpg", "a.jpg", "a b.jpg"):
            with pytest.raises(ImproperlyConfigured, match=r"cfsigned\.E012") as caught:
                storage.url(name, **arguments)
            assert str(caught.value).startswith("The RSA key of AWS_CLOUDFRONT_KEY")
            assert TABLE["cfsigned.E012"] in str(caught.value)
        (found,) = storage.find_problems()
        assert found.id == "cfsigned.E012"
        assert found.msg in str(caught.value)
        site.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"
        assert "Hash-Algorithm=SHA256" in storage.url("a.jpg", **arguments)


def test_signer_whose_hash_openssl_refuses(site: Any, rsa_key: PrivateKey) -> None:
    """Name no setting where the signer was handed in, of whose hash no setting decides."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key)
    with without_sha1(), pytest.raises(HashRefused, match="hash_algorithm"):
        CloudFrontS3Storage(cloudfront_signer=signer).url("a.jpg")
