"""Help the tests of a site: an edge in this process, and an assertion about URLs."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InvalidStorageError, storages
from django.test import override_settings

from cfsigned_django import keyring
from cfsigned_django.keyring import Found
from cfsigned_django.rotation.active import find_active_signer
from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.testing import assert_signed, edge_for
from tests.storage_cases import FILE_BACKEND, KEY_GROUP_ID, ORIGIN, InMemory

NAME = "albums/42/001.jpg"


@pytest.fixture
def storage(site: Any) -> InMemory:
    """Return a storage with one file in it."""
    storage = InMemory(base_url="/")
    storage.save(NAME, ContentFile(b"picture"))
    return storage


class TestEdgeFor:
    def test_whole_way(self, storage: InMemory) -> None:
        """Serve what the storage signed, and nothing else, until it ends or its key changes."""
        edge = edge_for(storage)
        url = storage.url(NAME, expire=60)
        assert edge.get(url).body == b"picture"
        assert edge.get(storage.unsigned_url(NAME)).error_code == "MissingKey"
        assert edge.get(url + "&x=1").error_code == "AccessDenied"
        later = edge.get(url, now=datetime.now(UTC) + timedelta(seconds=61))
        assert later.error_code == "AccessDenied"
        assert later.reason.startswith("expired ")
        storage.cloudfront_key_id = "K2TESTKEYID"
        assert edge.get(url).error_code == "InvalidKey"
        assert edge.get(storage.url(NAME)).status == 200
        with pytest.raises(ValueError, match=NAME):
            edge.get(f"/{NAME}")

    def test_alias(self, site: Any, tmp_path: Path) -> None:
        """Take an alias of STORAGES, here one with files under another path."""
        alias = {"BACKEND": FILE_BACKEND, "OPTIONS": {"location": str(tmp_path)}}
        with override_settings(STORAGES={"default": alias}, AWS_LOCATION="media/files"):
            storage: Any = storages["default"]
            storage.save("한글 a.txt", ContentFile(b"text"))
            url = storage.url("한글 a.txt", download="보고서 2026.txt")
            assert url.startswith(f"{ORIGIN}/media/files/%ED%95%9C")
            response = edge_for().get(url)
        assert response.body == b"text"
        assert response.headers["Content-Disposition"].startswith("attachment; filename=")  # type: ignore[union-attr]

    def test_options(self, storage: InMemory) -> None:
        """Serve a viewer of the right address, public paths to all, and pages of origins."""
        url = storage.url(NAME, ip_address="192.0.2.0/24")
        assert edge_for(storage).get(url, viewer_ip="192.0.2.7").status == 200
        assert edge_for(storage).get(url, viewer_ip="198.51.100.7").status == 403
        edge = edge_for(storage, public=["albums/*"])
        assert edge.get(storage.unsigned_url(NAME)).status == 200
        app = "https://app.example.com"
        edge = edge_for(storage, cors_origins=[app])
        response = edge.get(storage.url(NAME), headers={"Origin": app})
        assert response.headers["Access-Control-Allow-Origin"] == app

    def test_other_storage(self) -> None:
        """Name the class of a storage that does not sign."""
        with pytest.raises(InvalidStorageError, match="FileSystemStorage"):
            edge_for(FileSystemStorage())  # type: ignore[arg-type]


class TestAssertSigned:
    def test_passes(self, storage: InMemory) -> None:
        """Return the policy of a URL that is as it should be, in any storage that signs."""
        url = storage.url(NAME, expire=60)
        policy = assert_signed(url, storage=storage, name=NAME, expires_within=60)
        assert policy.resource == storage.unsigned_url(NAME)
        s3 = CloudFrontS3Storage(location="private")
        assert s3.url("a.txt").startswith(f"{ORIGIN}/private/a.txt?")
        assert_signed(s3.url("a.txt"), storage=s3, name="a.txt")

    @pytest.mark.parametrize("resource", ["albums/42/*", f"{ORIGIN}/albums/42/*"])
    def test_custom_policy(self, resource: str, storage: InMemory) -> None:
        """Compare resource and address of a custom policy, as they were given to the storage."""
        url = storage.url(NAME, resource="albums/42/*", ip_address="192.0.2.7")
        policy = assert_signed(
            url,
            storage=storage,
            resource=resource,
            ip_address="192.0.2.7",
            viewer_ip="192.0.2.7",
            expires_within=timedelta(hours=1),
        )
        assert policy.ip_address == "192.0.2.7/32"
        with pytest.raises(AssertionError, match="viewer_ip"):
            assert_signed(url, storage=storage)

    @pytest.mark.parametrize(
        ("checks", "named"),
        [
            ({"name": "x"}, f"{ORIGIN}/{NAME}.*{ORIGIN}/x"),
            ({"resource": "albums/*"}, r"resource.*001.jpg.*albums/\*"),
            ({"expires_within": 30}, r"\b(60|59) s.*\b30 s"),
            ({"expires_within": timedelta(seconds=9)}, r"\b9 s"),
            ({"ip_address": "192.0.2.7"}, r"ip_address.*None.*192.0.2.7/32"),
            ({"now": 2000000000}, r"AccessDenied.*\d+ s"),
        ],
        ids=str,
    )
    def test_fails(self, storage: InMemory, checks: dict[str, Any], named: str) -> None:
        """Fail with what was found and what was expected, without the signature."""
        with pytest.raises(AssertionError, match=named) as failure:
            assert_signed(storage.url(NAME, expire=60), storage=storage, **checks)
        assert "Signature" not in str(failure.value)

    @pytest.mark.parametrize(
        ("old", "new", "named"),
        [
            ("&", "&amp;", "&amp;"),
            ("Expires", "expires", "AccessDenied"),
            ("001", "002", "AccessDenied"),
            ("?", "#", "MissingKey"),
            (None, "", "MissingKey"),
        ],
    )
    def test_mangled(self, storage: InMemory, old: str | None, new: str, named: str) -> None:
        """Say what happened to a URL on its way."""
        url = storage.url(NAME)
        url = url.replace(old, new) if old else storage.unsigned_url(NAME)
        with pytest.raises(AssertionError, match=named):
            assert_signed(url, storage=storage)

    def test_key_of_another_site(self, storage: InMemory) -> None:
        """Fail for a signature by another key under the same id."""
        other = InMemory(cloudfront_key=PrivateKey.generate().to_pem())
        with pytest.raises(AssertionError, match="AccessDenied"):
            assert_signed(other.url(NAME), storage=storage)


def test_a_key_group_needs_no_database_where_a_test_says_so(site: Any) -> None:
    """Sign with the key of the settings, without a query, once the key group is taken away."""
    site.STORAGES = {"default": {"BACKEND": FILE_BACKEND}}
    site.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    asked = []

    def find(*question: Any) -> Found:
        asked.append(question)
        return Found()

    keyring.register(find, interval=60)
    try:
        storage = storages["default"]
        storage.url("a.txt")
        assert len(asked) == 1
        with override_settings(AWS_CLOUDFRONT_KEY_GROUP_ID=None):
            assert_signed(storage.url("a.txt"), name="a.txt")
        assert len(asked) == 1
    finally:
        keyring.register(find_active_signer, interval=60)


def test_storage_without_settings(settings: Any) -> None:
    """Sign files in memory with no key and no settings, whatever the site has."""
    settings.STORAGES = {"default": {"BACKEND": "cfsigned_django.testing.InMemorySignedStorage"}}
    settings.AWS_CLOUDFRONT_KEY_GROUP_ID = KEY_GROUP_ID
    settings.AWS_QUERYSTRING_AUTH = False
    name = storages["default"].save("a/사진 1.jpg", ContentFile(b"x"))
    url = storages["default"].url(name)
    assert_signed(url, name=name)
    assert edge_for().get(url).body == b"x"
    assert run_checks(tags=["files"]) == []
    assert b"PRIVATE" not in pickle.dumps(storages["default"])
