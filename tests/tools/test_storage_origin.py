"""Serve the files of any Django storage behind the local edge, as S3 would."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.test import override_settings

from cfsigned_django.storage import CloudFrontFileSystemStorage
from cfsigned_django.tools.edge import Behavior, Distribution
from cfsigned_django.tools.edge.behavior import READ_AND_PREFLIGHT_METHODS
from cfsigned_django.tools.edge.client import EdgeClient
from cfsigned_django.tools.storage_origin import StorageOrigin, find_base_path

BASE = "https://d111111abcdef8.cloudfront.net"
DATA = b"0123456789"
NAMES = [
    *("a b.txt", "한글 파일.txt", "a+b.txt", "50%.txt", "100%25.txt", "it's (1)!~.txt"),
    *("q?x&y#z", "deep/er/a=b,c@d;e:f$h.txt", ".hidden", "..two", "a..b/c."),
]


def client_of(storage: Storage) -> EdgeClient:
    """Return a client of a public edge in front of a storage."""
    return EdgeClient(
        Distribution(
            domain_names=("d111111abcdef8.cloudfront.net",),
            behaviors=(Behavior(allowed_methods=READ_AND_PREFLIGHT_METHODS),),
            origin=StorageOrigin(storage),
        )
    )


@pytest.fixture(params=[FileSystemStorage, InMemoryStorage])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Return a storage on disk, and one in memory, with one file."""
    made: Storage = request.param(location=tmp_path / "media", base_url="/")
    made.save("a.txt", ContentFile(DATA))
    return made


@pytest.fixture
def client(storage: Storage) -> EdgeClient:
    """Return a client of the storage."""
    return client_of(storage)


def test_get(storage: Storage, client: EdgeClient) -> None:
    """Find a file whatever is in its name, which tells its type as it does to django-storages."""
    for name, content_type, encoding in [
        ("a.txt", "text/plain", None),
        ("a.svg.gz", "image/svg+xml", "gzip"),
        ("a", "application/octet-stream", None),
        *((name, None, None) for name in NAMES),
    ]:
        storage.delete(name)
        storage.save(name, ContentFile(name.encode()))
        response = client.get(f"{BASE}/{quote(name)}")
        assert (response.status, response.body) == (200, name.encode()), response.reason
        if content_type:
            assert response.headers["Content-Type"] == content_type
            assert response.headers["Content-Encoding"] == encoding


def test_changed_file(storage: Storage, client: EdgeClient) -> None:
    """Answer a viewer who has the file with the new one after it has changed, and not before."""
    headers = {"If-None-Match": client.get(f"{BASE}/a.txt").headers["ETag"] or ""}
    assert client.get(f"{BASE}/a.txt", headers=headers).status == 304
    storage.delete("a.txt")
    storage.save("a.txt", ContentFile(b"changed"))
    assert client.get(f"{BASE}/a.txt", headers=headers).body == b"changed"


def test_readers_at_once(storage: Storage) -> None:
    """Give each of two viewers the whole file, whose parts are read in turn."""
    data = os.urandom(300_000)
    storage.save("a.bin", ContentFile(data))
    origin: Any = StorageOrigin(storage)
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": "/a.bin"}
    bodies = [origin(environ, lambda *given: None) for _ in range(2)]
    parts = [*zip(*bodies, strict=True)]
    for body in bodies:
        body.close()
    assert len(parts) > 1
    assert [b"".join(each) for each in zip(*parts, strict=True)] == [data, data]


def test_refused(storage: Storage, client: EdgeClient, tmp_path: Path) -> None:
    """Answer as S3 to a reader who may not list, also to what tries to leave the folder."""
    (tmp_path / "secret.txt").write_bytes(b"secret")
    storage.save("folder/b.txt", ContentFile(DATA))
    for path in (
        *("/missing.txt", "/", "/folder", "/folder/", "//a.txt", "/./a.txt", "/folder/../a.txt"),
        *("/%2e%2e/secret.txt", "/../secret.txt", "/..%2Fsecret.txt", "/..%5Csecret.txt"),
        *("/folder%00", "/%FF", "/" + "a" * 4000),
    ):
        response = client.get(BASE + path)
        assert response.status == 403, path
        assert response.headers["Content-Type"] == "application/xml"
        assert b"<Code>AccessDenied</Code><Message>Access Denied</Message>" in response.body
        assert response.error_code is None
        assert response.reason
    assert "'missing.txt'" in client.get(f"{BASE}/missing.txt").reason


class Minimal(Storage):
    """Store one file, and know nothing but how to open it."""

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        """Return the file."""
        if name != "a.txt":
            raise FileNotFoundError(name)
        return ContentFile(DATA)

    def url(self, name: str | None) -> str:
        """Refuse, as a storage without URLs does."""
        raise ValueError("This file is not accessible via a URL.")


def test_minimal() -> None:
    """Serve from the root a storage that only opens files; its ETag stays the same."""
    client = client_of(Minimal())
    first, second = (client.get(f"{BASE}/a.txt") for _ in range(2))
    assert first.body == DATA
    assert first.headers["ETag"] == second.headers["ETag"]
    assert first.headers["Last-Modified"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert find_base_path(Minimal()) == "/"


def test_without_time_zones(tmp_path: Path) -> None:
    """Convert the local times that a storage gives if USE_TZ is off."""
    storage = FileSystemStorage(location=tmp_path, base_url="/")
    storage.save("a.txt", ContentFile(DATA))
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
    os.utime(tmp_path / "a.txt", (moment, moment))
    with override_settings(USE_TZ=False, TIME_ZONE="Asia/Seoul"):
        response = client_of(storage).get(f"{BASE}/a.txt")
    assert response.headers["Last-Modified"] == "Thu, 01 Jan 2026 12:00:00 GMT"


def test_base_path(tmp_path: Path) -> None:
    """Find a file under the path of the storage's URLs, and nowhere else."""
    storage = FileSystemStorage(location=tmp_path, base_url="/media/files/")
    storage.save("a.txt", ContentFile(DATA))
    client = client_of(storage)
    assert client.get(f"{BASE}/media/files/a.txt").body == DATA
    assert client.get(f"{BASE}/a.txt").status == 403


def test_preflight(client: EdgeClient) -> None:
    """Refuse a preflight as S3 does if the bucket has no CORS rule."""
    refused = client.request("OPTIONS", f"{BASE}/a.txt", headers={"Origin": "https://a.b"})
    assert (refused.status, bool(refused.reason)) == (403, True)
    assert b"<Code>AccessForbidden</Code>" in refused.body


@pytest.mark.parametrize("media_root", ["", ".", Path("")], ids=repr)
@pytest.mark.parametrize("storage_class", [FileSystemStorage, CloudFrontFileSystemStorage])
def test_files_without_a_folder(storage_class: type[Any], media_root: Any, site: Any) -> None:
    """Refuse to serve the current folder, which may hold the settings."""
    site.MEDIA_ROOT = media_root
    with pytest.raises(ImproperlyConfigured, match="MEDIA_ROOT"):
        StorageOrigin(storage_class())
