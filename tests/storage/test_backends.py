"""Sign the URLs of any storage: on disk, in memory, and of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.urls import SignedUrlMixin
from cfsigned_django.testing import edge_for
from tests.storage_cases import DOMAIN, at, generated_names, parameters_of, verify

NOW = 1_775_000_000
ORIGIN = f"https://{DOMAIN}"

pytestmark = pytest.mark.usefixtures("site")


class InMemory(SignedUrlMixin, InMemoryStorage):
    """Sign the URLs of files in memory."""


class Archive(SignedUrlMixin, FileSystemStorage):
    """Sign with options of the class, under a base URL of Django's."""

    custom_domain = "archive.example.com"
    querystring_expire = 60


class Relative(Storage):
    """Return a path without its first slash."""

    def url(self, name: str | None) -> str:
        """Return the name itself."""
        return quote(name or "")


class Raw(Storage):
    """Return a path that is not encoded."""

    def url(self, name: str | None) -> str:
        """Return the name under a folder with a space."""
        return f"/my files/{name}"


class Absolute(Storage):
    """Return an absolute URL with a signature of another kind."""

    def url(self, name: str | None) -> str:
        """Return a URL on another host."""
        return f"https://storage.example.net/bucket/{quote(name or '')}?sig=abc"


@pytest.mark.parametrize("location", ["", "media", "media/files/", "미디어 50%+#?&*"])
def test_files_have_the_urls_of_s3(location: str, site: Any) -> None:
    """Give files on disk the very URL that the same name has in S3, with AWS_LOCATION."""
    site.AWS_LOCATION = location
    s3, files = CloudFrontS3Storage(), CloudFrontFileSystemStorage()
    names = [name for name in generated_names(100) if not name.startswith("/")]
    with at(NOW):
        assert [files.url(name) for name in names] == [s3.url(name) for name in names]
        for arguments in (
            {"resource": "*", "allow_any_resource": True},
            {"ip_address": "192.0.2.7", "download": "é.pdf"},
        ):
            assert files.url("a b.jpg", **arguments) == s3.url("a b.jpg", **arguments)


@pytest.mark.parametrize(
    "name", ["", "a//b", "./a", "a/./b", "a\\b", "a/", "http://x/y", "a:b", "*"]
)
def test_unusual_names_have_the_urls_of_s3(name: str) -> None:
    """Normalise a name as S3's storage does."""
    s3, files = CloudFrontS3Storage(), CloudFrontFileSystemStorage()
    assert files.unsigned_url(name) == s3.unsigned_url(name)


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        (None, "/"),
        ("/files/", "/files/"),
        ("/files", "/files/"),
        ("https://cdn.example.net/files/", "/files/"),
    ],
)
def test_base_url(base_url: str | None, path: str, settings: Any) -> None:
    """Put the base URL of the option before the name, and MEDIA_URL never."""
    settings.MEDIA_URL = "/unused/"
    storage = CloudFrontFileSystemStorage(base_url=base_url)
    assert storage.unsigned_url("a.jpg") == f"{ORIGIN}{path}a.jpg"


def test_files_are_django_s(tmp_path: Path) -> None:
    """Store, list and delete files as Django's own storage does."""
    storage = CloudFrontFileSystemStorage(location=tmp_path)
    name = storage.save("앨범/a.txt", ContentFile(b"text"))
    assert (tmp_path / name).read_bytes() == b"text"
    assert storage.listdir("") == (["앨범"], [])
    assert storage.save("앨범/a.txt", ContentFile(b"text")) != name
    storage.delete(name)
    assert not storage.exists(name)


def test_allow_overwrite_and_modes(tmp_path: Path) -> None:
    """Pass Django's own options on."""
    storage = CloudFrontFileSystemStorage(
        tmp_path, file_permissions_mode=0o600, directory_permissions_mode=0o700
    )
    name = storage.save("folder/a.txt", ContentFile(b"text"))
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700


def test_in_memory(settings: Any) -> None:
    """Sign the URLs of Django's storage in memory, under MEDIA_URL."""
    settings.MEDIA_URL = "/media/"
    storage = InMemory()
    name = storage.save("한글 a.txt", ContentFile(b"text"))
    url = storage.url(name, expire=60)
    assert url.startswith(f"{ORIGIN}/media/%ED%95%9C%EA%B8%80%20a.txt?Expires=")
    assert edge_for(storage).get(url).body == b"text"
    settings.MEDIA_URL = "/other/"
    assert storage.unsigned_url(name).startswith(f"{ORIGIN}/other/")


def test_media_url_is_not_set() -> None:
    """Serve from the root where MEDIA_URL is empty."""
    assert InMemory().unsigned_url("a.jpg") == f"{ORIGIN}/a.jpg"


def test_class_attributes(tmp_path: Path) -> None:
    """Take options from the class of a user's own storage."""
    storage = Archive(location=tmp_path, base_url="/archive/")
    with at(NOW):
        url = storage.url("a b.zip")
    assert url.startswith("https://archive.example.com/archive/a%20b.zip?Expires=1775000060&")
    assert verify(storage, url, now=NOW).is_canned


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (Relative, f"{ORIGIN}/a%20b.jpg"),
        (Absolute, f"{ORIGIN}/bucket/a%20b.jpg"),
        (Raw, f"{ORIGIN}/my%20files/a%20b.jpg"),
    ],
)
def test_other_forms_of_url(behind: type[Storage], expected: str) -> None:
    """Take the path of whatever URL the storage behind returns, and nothing else of it."""
    storage: Any = type("Signing", (SignedUrlMixin, behind), {})()
    assert storage.unsigned_url("a b.jpg") == expected
    assert verify(storage, storage.url("a b.jpg")).resource == expected


@pytest.mark.parametrize("name", ["../a", "a/../../b", "..\\a"])
@pytest.mark.parametrize("cls", [CloudFrontFileSystemStorage, InMemory])
def test_dot_dot(cls: Any, name: str) -> None:
    """Refuse a name that leads out of the folder, whatever the storage behind thinks of it."""
    for make in (cls().url, cls().unsigned_url):
        with pytest.raises(SuspiciousFileOperation):
            make(name)


def test_asterisk(site: Any) -> None:
    """Encode * for every storage, also one in the location."""
    site.AWS_LOCATION = "a*"
    for storage in (CloudFrontFileSystemStorage(), InMemory(base_url="/a*/")):
        url = storage.url("b*.jpg", ip_address="192.0.2.7")
        assert verify(storage, url).resource == f"{ORIGIN}/a%2A/b%2A.jpg"
        assert "Policy" in parameters_of(url)
