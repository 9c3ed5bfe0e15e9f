"""Sign over Django's own storages: SignedUrlMixin needs nothing of them but url()."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from cfsigned_django.storage import SignedUrlMixin
from tests.storage_cases import DOMAIN, at, verify

NOW = 1_775_000_000


class OnDisk(SignedUrlMixin, FileSystemStorage):
    """Sign the URLs of Django's files on disk."""


class InMemory(SignedUrlMixin, InMemoryStorage):
    """Sign the URLs of Django's files in memory."""


class Static(SignedUrlMixin, StaticFilesStorage):
    """Sign the URLs of static files."""


EACH = pytest.mark.parametrize("cls", [OnDisk, InMemory, Static])


@pytest.fixture(autouse=True)
def _urls(site: Any, tmp_path: Path) -> None:
    """Let each storage have its files under a path of its own."""
    site.MEDIA_URL, site.STATIC_URL = "/media/", "/static/"
    site.MEDIA_ROOT, site.STATIC_ROOT = str(tmp_path / "media"), str(tmp_path / "static")


@EACH
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.jpg", "a.jpg"),
        ("사진 1.jpg", "%EC%82%AC%EC%A7%84%201.jpg"),
        ("a+b&(c)*.jpg", "a%2Bb%26(c)%2A.jpg"),
        ("100%.jpg", "100%25.jpg"),
    ],
)
def test_each_name(cls: Any, name: str, path: str) -> None:
    """Sign whatever path the storage gives a name, with and without a step and a folder."""
    storage = cls()
    root = f"https://{DOMAIN}/{'static' if cls is Static else 'media'}"
    address = f"{root}/{path}"
    assert storage.unsigned_url(name) == address
    with at(NOW):
        for arguments in ({}, {"expire_step": 900}, {"ip_address": "192.0.2.7"}):
            url = storage.url(name, **arguments)
            assert url == storage.url(name, **arguments) or not arguments
            assert verify(storage, url, now=NOW).resource == address
        url = storage.url(f"x/{name}", folder="x")
        assert verify(storage, url, now=NOW).resource == f"{root}/x/*"


@EACH
def test_files(cls: Any) -> None:
    """Leave the files to the storage."""
    storage = cls()
    name = storage.save("a.txt", ContentFile(b"text"))
    with storage.open(name) as file:
        assert file.read() == b"text"


@EACH
def test_copies(cls: Any) -> None:
    """Copy and pickle with the constructor's options, and sign as before."""
    storage = cls(querystring_expire=60)
    with at(NOW):
        end = verify(storage, storage.url("a.jpg"), now=NOW).date_less_than
        pickled = pickle.loads(pickle.dumps(storage))  # noqa: S301
        for twin in (copy.copy(storage), copy.deepcopy(storage), pickled):
            assert verify(storage, twin.url("a.jpg"), now=NOW).date_less_than == end == NOW + 60


@EACH
def test_signing_off(cls: Any) -> None:
    """Make public URLs if cloudfront_signer is None, with this storage as with any other."""
    assert cls(cloudfront_signer=None).url("a.jpg").endswith("/a.jpg")
