from __future__ import annotations

import unittest
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, storages
from django.test import override_settings

from cfsigned_django import keyring
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.testing import CorsRule, assert_signed, edge_for
from tests.storage_cases import FILE_BACKEND, KEY_GROUP_ID

HOST = "media.example.com"


class InMemory(SignedUrlMixin, InMemoryStorage):
    """Sign the URLs of files in memory."""


@pytest.fixture
def options(ec_key: PrivateKey) -> dict[str, Any]:
    """Return the options of a storage that signs."""
    return {
        "cloudfront_key": ec_key.to_pem(),
        "cloudfront_key_id": "K1TESTKEYID",
        "custom_domain": HOST,
    }


@pytest.fixture
def storage(options: dict[str, Any]) -> InMemory:
    """Return a storage with one file in it."""
    storage = InMemory(base_url="/", **options)
    storage.save("albums/42/001.jpg", ContentFile(b"picture"))
    return storage


class TestEdgeFor:
    def test_whole_way(self, storage: InMemory) -> None:
        """Serve what the storage signed, and nothing else."""
        edge = edge_for(storage)
        url = storage.url("albums/42/001.jpg", expire=60)
        assert edge.get(url).body == b"picture"
        assert edge.get(storage.unsigned_url("albums/42/001.jpg")).error_code == "MissingKey"
        assert edge.get(url + "&x=1").error_code == "AccessDenied"
        later = datetime.now(UTC) + timedelta(seconds=61)
        assert edge.get(url, now=later).error_code == "AccessDenied"
        assert edge.get(url, now=later).reason.startswith("expired ")

    def test_alias(self, options: dict[str, Any], tmp_path: Path) -> None:
        """Take an alias of STORAGES, here one with files under a path of their own."""
        backend = "cfsigned_django.storage.CloudFrontFileSystemStorage"
        alias = {"BACKEND": backend, "OPTIONS": options | {"location": str(tmp_path)}}
        with override_settings(STORAGES={"default": alias}, AWS_LOCATION="media/files"):
            storage = storages["default"]
            storage.save("한글 a.txt", ContentFile(b"text"))
            assert isinstance(storage, CloudFrontFileSystemStorage)
            url = storage.url("한글 a.txt", download="보고서 2026.txt")
            assert url.startswith(f"https://{HOST}/media/files/%ED%95%9C")
            response = edge_for().get(url)
        assert response.body == b"text"
        assert response.headers["Content-Disposition"].startswith("attachment; filename=")  # type: ignore[union-attr]

    def test_addresses(self, storage: InMemory) -> None:
        """Serve the viewer for whom a URL was made, and no other."""
        url = storage.url("albums/42/001.jpg", ip_address="192.0.2.0/24")
        assert edge_for(storage).get(url, viewer_ip="192.0.2.7").status == 200
        assert edge_for(storage).get(url, viewer_ip="198.51.100.7").status == 403

    def test_public(self, storage: InMemory) -> None:
        """Serve public paths without a signature."""
        edge = edge_for(storage, public=["albums/*"])
        assert edge.get(storage.unsigned_url("albums/42/001.jpg")).status == 200

    def test_cors(self, storage: InMemory) -> None:
        """Answer across origins by the rules that are given."""
        rule = CorsRule(allowed_origins=("https://app.example.com",))
        response = edge_for(storage, cors_rules=[rule]).get(
            storage.url("albums/42/001.jpg"), headers={"Origin": "https://app.example.com"}
        )
        assert response.headers["Access-Control-Allow-Origin"] == "https://app.example.com"

    def test_changed_key(self, storage: InMemory) -> None:
        """Follow the key of the storage as it changes."""
        edge, old = edge_for(storage), storage.url("albums/42/001.jpg")
        storage.cloudfront_key_id = "K2TESTKEYID"
        assert edge.get(old).error_code == "InvalidKey"
        assert edge.get(storage.url("albums/42/001.jpg")).status == 200

    def test_s3_storage(self, options: dict[str, Any]) -> None:
        """Take the path that an S3 storage puts in front of a name."""
        storage = CloudFrontS3Storage(bucket_name="media", location="private", **options)
        url = storage.url("a.txt")
        assert url.startswith(f"https://{HOST}/private/a.txt?")
        assert_signed(url, storage=storage, name="a.txt")

    def test_other_storage(self) -> None:
        """Name the class of a storage that does not sign."""
        with pytest.raises(TypeError, match="FileSystemStorage is not a storage that signs"):
            edge_for(FileSystemStorage())  # type: ignore[arg-type]

    def test_relative_url(self, storage: InMemory) -> None:
        """Refuse to ask for a URL without a host."""
        with pytest.raises(ValueError, match="not an absolute"):
            edge_for(storage).get("/albums/42/001.jpg")


class TestAssertSigned:
    def test_passes(self, storage: InMemory) -> None:
        """Return the policy of a URL that is as it should be."""
        url = storage.url("albums/42/001.jpg", expire=60)
        policy = assert_signed(url, storage=storage, name="albums/42/001.jpg", expires_within=60)
        assert policy.resource == storage.unsigned_url("albums/42/001.jpg")

    def test_custom_policy(self, storage: InMemory) -> None:
        """Compare resource and address of a custom policy, as they were given to the storage."""
        url = storage.url("albums/42/001.jpg", resource="albums/42/*", ip_address="192.0.2.7")
        policy = assert_signed(
            url,
            storage=storage,
            resource="albums/42/*",
            ip_address="192.0.2.7",
            viewer_ip="192.0.2.7",
            expires_within=timedelta(hours=1),
        )
        assert policy.ip_address == "192.0.2.7/32"
        assert_signed(
            url, storage=storage, viewer_ip="192.0.2.7", resource=f"https://{HOST}/albums/42/*"
        )

    @pytest.mark.parametrize(
        ("checks", "message"),
        [
            ({"name": "x"}, f"its file is https://{HOST}/albums/42/001.jpg, and https://{HOST}/x"),
            ({"resource": "albums/*"}, r"its resource is .*001.jpg, and .*albums/\* was wanted"),
            ({"expires_within": 30}, r"valid for (60|59) s more, over the 30 s wanted"),
            ({"expires_within": timedelta(seconds=9)}, r"over the 9 s wanted"),
            ({"ip_address": "192.0.2.7"}, r"its ip_address is None, and 192.0.2.7/32 was wanted"),
            ({"now": 2000000000}, r"AccessDenied: expired \d+ s ago"),
        ],
    )
    def test_fails(self, storage: InMemory, checks: dict[str, Any], message: str) -> None:
        """Fail with a sentence about what is different, without the signature."""
        url = storage.url("albums/42/001.jpg", expire=60)
        with pytest.raises(AssertionError, match=message) as failure:
            assert_signed(url, storage=storage, **checks)
        assert "Signature" not in str(failure.value)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("&", "&amp;", r"it is escaped for HTML \(&amp;\)"),
            ("Expires", "expires", "AccessDenied: neither Expires nor Policy in the query"),
            ("001", "002", "AccessDenied: the signature does not match"),
            ("?", "#", "MissingKey"),
        ],
    )
    def test_mangled(self, storage: InMemory, old: str, new: str, message: str) -> None:
        """Say what happened to a URL on its way."""
        url = storage.url("albums/42/001.jpg").replace(old, new)
        with pytest.raises(AssertionError, match=message):
            assert_signed(url, storage=storage)

    def test_unsigned(self, storage: InMemory) -> None:
        """Fail for a URL that is not signed at all."""
        url = storage.unsigned_url("albums/42/001.jpg")
        with pytest.raises(AssertionError, match="is not signed as wanted: MissingKey"):
            assert_signed(url, storage=storage)

    def test_address_needs_viewer(self, storage: InMemory) -> None:
        """Ask for a viewer where the policy names addresses."""
        url = storage.url("albums/42/001.jpg", ip_address="192.0.2.7")
        with pytest.raises(AssertionError, match="Name a viewer_ip that it allows"):
            assert_signed(url, storage=storage)

    def test_key_of_another_site(self, storage: InMemory, options: dict[str, Any]) -> None:
        """Fail for a signature by another key under the same id."""
        other = InMemory(**options | {"cloudfront_key": PrivateKey.generate().to_pem()})
        with pytest.raises(AssertionError, match="AccessDenied"):
            assert_signed(other.url("albums/42/001.jpg"), storage=storage)


def test_within_unittest(storage: InMemory) -> None:
    """Count as a failure, and not as an error, in a unittest.TestCase."""

    class Case(unittest.TestCase):
        def runTest(self) -> None:
            assert_signed(storage.unsigned_url("a.txt"), storage=storage)

    result = unittest.TestResult()
    Case().run(result)
    assert (len(result.failures), len(result.errors)) == (1, 0)


def test_a_key_group_needs_no_database_where_a_test_says_so(site: Any) -> None:
    """Sign with the key of the settings, without a query, once the key group is taken away."""
    site.STORAGES = {"default": {"BACKEND": FILE_BACKEND}}
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    keyring.forget()
    storage = storages["default"]
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        storage.url("a.txt")

    with override_settings(AWS_CLOUDFRONT_KEY_GROUP_ID=None):
        assert_signed(storage.url("a.txt"), name="a.txt")
