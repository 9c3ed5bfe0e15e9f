"""Refuse a configuration that cannot sign: with the setting, the next step and an id.

Modules: storage/options.py, validation.py
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.test import override_settings
from storages.backends.s3 import S3Storage

from cfsigned_django.checks.storages import check_storages
from cfsigned_django.signing import HashRefused, PrivateKey, Signer
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.testing import InMemorySignedStorage
from cfsigned_django.validation import TABLE
from tests.checks.test_every_id import WRONG
from tests.storage_cases import (
    ANY_RESOURCE,
    BOTH,
    KEY_ID,
    ORIGIN,
    S3_BACKEND,
    not_refused,
    problems_of,
    without_sha1,
)


@BOTH
@pytest.mark.parametrize(
    ("unset", "check_id"),
    [("AWS_CLOUDFRONT_KEY", "E003"), ("AWS_CLOUDFRONT_KEY_ID", "E002")],
)
@pytest.mark.parametrize("value", [None, ""], ids=repr)
def test_half_a_key(cls: Any, unset: str, check_id: str, value: str | None, site: Any) -> None:
    """Refuse half a key as soon as a storage is made, with django-storages' own sentence."""
    setattr(site, unset, value)
    with pytest.raises(ImproperlyConfigured, match=f"{unset}.*{check_id}") as caught:
        cls()
    assert "must be provided together" in str(caught.value)  # for code that looks for it


@pytest.mark.parametrize("value", [None, "", b""], ids=repr)
def test_no_key_at_all(value: Any, site: Any, tmp_path: Path) -> None:
    """Store files if key and id are both empty, as variables leave them: only url() refuses."""
    site.AWS_CLOUDFRONT_KEY = value
    site.AWS_CLOUDFRONT_KEY_ID = ""
    storage = CloudFrontFileSystemStorage(location=str(tmp_path))
    name = storage.save("a.txt", ContentFile(b"text"))
    with storage.open(name) as file:
        assert file.read() == b"text"
    with pytest.raises(ImproperlyConfigured, match="E001"):
        storage.url(name)


#: A setting, a value that makes no URL possible, and the id of the check that says so.
WRONG_SETTINGS = [
    (setting, value, check_id)
    for check_id, changes in WRONG
    # The site's key is RSA, which may sign with SHA1.
    if len(changes) == 1 and check_id.startswith("E") and check_id != "E011"
    for setting, value in changes.items()
]


@BOTH
def test_no_url_from_half_a_configuration(cls: Any, site: Any) -> None:
    """Raise, with the setting and the remedy of the check, instead of making a bad link."""
    storage = cls()
    wrong = []
    for setting, value, check_id in WRONG_SETTINGS:
        remedy = f"{TABLE[f'cfsigned.{check_id}']} (cfsigned.{check_id})"
        named = f"(?s)(?=.*{setting}).*{re.escape(remedy)}$"
        assert storage.url("a.jpg")
        with override_settings(**{setting: value}):
            if seen := not_refused(ImproperlyConfigured, named, lambda: storage.url("a.jpg")):
                wrong.append((setting, value, seen))
    assert wrong == []


def test_unusual_values(site: Any) -> None:
    """Take a bare host with a port, for the local edge, and a key id of either generation."""
    for domain in ("m.com", "127.0.0.1:8001", "localhost:8001", "d1.cloudfront.net", "a-b.c"):
        site.AWS_S3_CUSTOM_DOMAIN = domain
        assert CloudFrontS3Storage().url("a.jpg").startswith(f"https://{domain}/a.jpg?Expires=")
    for key_id in (KEY_ID, "APKAIOSFODNN7EXAMPLE", "K1", "testkey"):
        site.AWS_CLOUDFRONT_KEY_ID = key_id
        assert CloudFrontS3Storage().url("a.jpg").endswith(f"&Key-Pair-Id={key_id}")


@pytest.mark.parametrize(
    "options", [{"querystring_auth": False}, {"cloudfront_signer": None}], ids=str
)
def test_public_urls(options: dict[str, Any], site: Any) -> None:
    """Public URLs need no key, but a domain without a scheme; a path after it is accepted.

    So a family of storages, of which some are those of MinIO, can have one base class.
    """
    key = site.AWS_CLOUDFRONT_KEY
    site.AWS_CLOUDFRONT_KEY = site.AWS_CLOUDFRONT_KEY_ID = None
    assert CloudFrontS3Storage(**options).url("a.jpg") == f"{ORIGIN}/a.jpg"
    site.STORAGES = {"default": {"BACKEND": S3_BACKEND, "OPTIONS": options}}
    for domain in ("Media.example.com/Media", "localhost:9000/media/a-b_c"):
        site.AWS_S3_CUSTOM_DOMAIN = domain
        url, host = CloudFrontS3Storage(**options).url("가.jpg"), domain.partition("/")[0]
        assert url == S3Storage(querystring_auth=False).url("가.jpg").replace(host, host.lower())
        assert CloudFrontS3Storage(**options).name_of(url) == "가.jpg"
        assert check_storages() == []
        with pytest.raises(ImproperlyConfigured, match="E005"):
            CloudFrontS3Storage(cloudfront_key=key, cloudfront_key_id=KEY_ID).url("a.jpg")
    for domain in ("https://media.example.com/", "media.example.com/", "media.example.com/x?y"):
        site.AWS_S3_CUSTOM_DOMAIN = domain
        with pytest.raises(ImproperlyConfigured, match="E005"):
            CloudFrontS3Storage(**options).url("a.jpg")
        assert [each.id for each in check_storages()] == ["cfsigned.E005"]
    site.AWS_S3_CUSTOM_DOMAIN = None
    with pytest.raises(ImproperlyConfigured, match="AWS_S3_CUSTOM_DOMAIN"):
        CloudFrontS3Storage(**options).unsigned_url("a.jpg")


class Cooperative(SignedUrlMixin, FileSystemStorage):
    """Take whatever options it is given."""

    def __init__(self, *, folder: str = "", **options: Any) -> None:
        super().__init__(**options)


@pytest.mark.parametrize(
    "cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage, Cooperative, InMemorySignedStorage]
)
def test_misspelled_option(cls: Any, site: Any) -> None:
    """Name an option that does not exist and the nearest that does, in check as well."""
    for name, nearest in (
        ("expire_stepp", "expire_step"),
        ("max_expires", "max_expire"),
        ("keygroup_id", "key_group_id"),
        ("cloudfront_keyid", "cloudfront_key_id"),
        ("Location", "location"),
        ("zzzz", None),
    ):
        with pytest.raises(ImproperlyConfigured, match=f"'{name}' for {cls.__name__}") as refused:
            cls(**{name: 60})
        assert (f"'{nearest}'" in str(refused.value)) is (nearest is not None)

        path = f"{cls.__module__}.{cls.__name__}"
        site.STORAGES = {"default": {"BACKEND": path, "OPTIONS": {name: 60}}}
        [found] = check_storages()
        assert str(refused.value) in found.msg


@pytest.mark.parametrize("arguments", [{}, {"expire_step": 60}, ANY_RESOURCE], ids=repr)
def test_openssl_without_sha1(arguments: dict[str, Any], site: Any, ec_key: PrivateKey) -> None:
    """If OpenSSL refuses SHA-1, each URL raises with the words of the system check."""
    storage = CloudFrontS3Storage()
    with without_sha1():
        for name in ("a.jpg", "a.jpg", "a b.jpg"):
            with pytest.raises(ImproperlyConfigured, match=r"AWS_CLOUDFRONT_KEY") as caught:
                storage.url(name, **arguments)
            assert TABLE["cfsigned.E012"] in str(caught.value)
        with pytest.raises(ImproperlyConfigured, match=r"AWS_CLOUDFRONT_KEY"):
            storage.sign_cookies(folder="a")
        assert problems_of(CloudFrontS3Storage(cloudfront_key=ec_key.to_pem())) == []
        (found,) = problems_of(CloudFrontS3Storage(hash_algorithm="SHA1"))
        assert found.id == "cfsigned.E012"
        (found,) = problems_of(storage)
        assert found.id == "cfsigned.E012"
        assert found.msg in str(caught.value)
        site.AWS_CLOUDFRONT_HASH_ALGORITHM = "SHA256"
        assert "Hash-Algorithm=SHA256" in storage.url("a.jpg", **arguments)


def test_signer_whose_hash_openssl_refuses(site: Any, rsa_key: PrivateKey) -> None:
    """Name no setting if the signer was handed in, of whose hash no setting decides."""
    signer = Signer(key_pair_id=KEY_ID, private_key=rsa_key)
    with without_sha1(), pytest.raises(HashRefused) as caught:
        CloudFrontS3Storage(cloudfront_signer=signer).url("a.jpg")
    assert "AWS_" not in str(caught.value)
