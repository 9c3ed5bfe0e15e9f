"""Help the tests of a site: an edge in this process, and assertions."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InvalidStorageError, storages
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile

from cfsigned_django.invalidation import invalidate, invalidation_batch
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.testing import assert_invalidated, assert_signed, edge_for
from tests.invalidations import DISTRIBUTION, aws_in_memory
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
        with pytest.raises(InvalidStorageError, match="FileSystemStorage"):
            edge_for(FileSystemStorage())

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
        bound: dict[str, Any] = {"ip_address": "192.0.2.7", "viewer_ip": "192.0.2.7"}
        policy = assert_signed(url, storage=storage, resource=resource, **bound)
        assert policy.ip_address == "192.0.2.7/32"
        with pytest.raises(AssertionError, match="viewer_ip"):
            assert_signed(url, storage=storage)
        with pytest.raises(AssertionError, match=r"192\.0\.2\.8") as failure:
            assert_signed(url, storage=storage, viewer_ip="192.0.2.8")
        assert "viewer_ip" not in str(failure.value)  # It was passed.

    @pytest.mark.parametrize(
        ("checks", "named"),
        [
            ({"name": "x"}, f"{ORIGIN}/{NAME}.*{ORIGIN}/x"),
            ({"resource": "albums/*"}, r"resource.*001.jpg.*albums/\*"),
            ({"expires_within": 30}, r"\b(60|59) s.*\b30 s"),
            ({"ip_address": "192.0.2.7"}, r"ip_address.*None.*192.0.2.7/32"),
            ({"now": 2_147_000_000}, r"AccessDenied.*\d+ s"),
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
            ("001", "002", "AccessDenied"),
            (None, "", "MissingKey"),
        ],
    )
    def test_mangled(self, storage: InMemory, old: str | None, new: str, named: str) -> None:
        """Say what happened to a URL on its way."""
        url = storage.url(NAME)
        url = url.replace(old, new) if old else storage.unsigned_url(NAME)
        with pytest.raises(AssertionError, match=named):
            assert_signed(url, storage=storage)


class TestAssertInvalidated:
    """Files on disk, whose storage tells CloudFront nothing otherwise."""

    @pytest.fixture
    def files(self, site: Any, tmp_path: Path) -> Any:
        """Return a storage with one file, of a site that says what CloudFront must forget."""
        site.AWS_CLOUDFRONT_DISTRIBUTION_ID = DISTRIBUTION
        site.AWS_CLOUDFRONT_INVALIDATE_ON = ["delete", "overwrite"]
        on_disk = {"location": tmp_path, "allow_overwrite": True}
        site.STORAGES = {"default": {"BACKEND": FILE_BACKEND, "OPTIONS": on_disk}}
        storages["default"].save(NAME, ContentFile(b"x"))
        with aws_in_memory() as aws:
            yield storages["default"]
        assert aws.requests == []

    def test_passes(self, files: Any) -> None:
        """Pass for what the block deletes, directly, by a field or in a batch, and for folders."""
        field = FileField()
        field.set_attributes_from_name("image")
        file = FieldFile(cast("Model", SimpleNamespace()), field, NAME)
        with assert_invalidated(file):  # whose name is gone afterwards
            file.delete(save=False)
        with assert_invalidated([NAME, "b.jpg"]), invalidation_batch():
            files.delete("b.jpg")
            invalidate(folder="albums/42")
        with assert_invalidated(folder="albums/42"):
            invalidate(folder="albums")

    def test_overwritten(self, files: Any) -> None:
        """Pass where a file is overwritten, and fail where a new one is saved."""
        with assert_invalidated(NAME, storage=files):
            files.save(NAME, ContentFile(b"y"))
        with pytest.raises(AssertionError, match="told nothing"), assert_invalidated("b.jpg"):
            files.save("b.jpg", ContentFile(b"x"))

    def test_fails(self, files: Any, site: Any) -> None:
        """Name the missing file and its distribution, what was sent instead, and the setting."""
        with pytest.raises(AssertionError) as failure:  # noqa: SIM117
            with assert_invalidated(NAME):
                files.delete("albums/42/사진 1.jpg")
        assert f"forget {DISTRIBUTION} /{NAME}. It was told {DISTRIBUTION} /albums/42/%EC" in str(
            failure.value
        )
        site.AWS_CLOUDFRONT_INVALIDATE_ON = []
        with pytest.raises(AssertionError, match=r"told nothing.*AWS_CLOUDFRONT_INVALIDATE_ON"):  # noqa: SIM117
            with assert_invalidated(NAME):
                files.delete(NAME)

    def test_bad_use(self, files: Any, site: Any) -> None:
        """Name what is wrong with the arguments and settings; leave the block's own error alone."""
        with pytest.raises(AssertionError, match="name a file"), assert_invalidated([""]):
            pass
        with pytest.raises(ZeroDivisionError), assert_invalidated(NAME):
            raise ZeroDivisionError
        site.AWS_CLOUDFRONT_DISTRIBUTION_ID = None
        with pytest.raises(ImproperlyConfigured, match="E060"), assert_invalidated(NAME):
            pass


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
