"""Open a folder or a pattern of names, and no more than was meant."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation

from cfsigned_django.signing import Denied, InvalidPolicy
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from tests.storage_cases import DOMAIN, at, counted_signatures, verify

NOW = 1_775_000_000
BOTH = pytest.mark.parametrize("cls", [CloudFrontS3Storage, CloudFrontFileSystemStorage])

pytestmark = pytest.mark.usefixtures("site")


@BOTH
@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("albums/42", "albums/42"),
        ("albums/42/", "albums/42"),
        ("보고서 1", "%EB%B3%B4%EA%B3%A0%EC%84%9C%201"),
        ("a*b/100%", "a%2Ab/100%25"),
        ("q?x#y", "q%3Fx%23y"),
    ],
)
def test_folder(cls: Any, folder: str, path: str) -> None:
    """Open all that is in a folder, whose name is data, with one signature."""
    storage = cls(expire_step=900)
    names = [f"{folder.rstrip('/')}/{each}" for each in ("a.jpg", "b/한글 1.jpg", "*.jpg")]
    with at(NOW), counted_signatures() as signatures:
        for name in names:
            url = storage.url(name, folder=folder)
            assert verify(storage, url, now=NOW).resource == f"https://{DOMAIN}/{path}/*"
            assert url.startswith(f"{storage.unsigned_url(name)}?Policy=")
        with pytest.raises(InvalidPolicy, match="does not cover"):
            storage.url(f"{folder.rstrip('/')}X/a.jpg", folder=folder)
    assert len(signatures) == 1


def test_asterisk_of_a_folder_is_a_character() -> None:
    """Open the folder whose name has a * in it, and none beside it."""
    storage = CloudFrontS3Storage()
    url = storage.url("a*/x.jpg", folder="a*")
    with pytest.raises(Denied):
        verify(storage, url.replace("/a%2A/", "/ab/"))


@BOTH
@pytest.mark.parametrize("folder", ["", "/", "/a", "a//b", "./a", "a/.", "albums//", "a\\\\b"])
def test_folder_without_a_name(cls: Any, folder: str) -> None:
    """Refuse a folder in which a name is missing: it would open all folders beside it."""
    with pytest.raises(ValueError, match="folder is"):
        cls().url("a/b.jpg", folder=folder)


def test_folder_with_dot_dot() -> None:
    """Refuse a folder that leads out of another."""
    with pytest.raises(SuspiciousFileOperation):
        CloudFrontS3Storage().url("a/b.jpg", folder="a/..")


def test_folder_and_resource() -> None:
    """Refuse two answers to one question."""
    with pytest.raises(ValueError, match="either folder or resource"):
        CloudFrontS3Storage().url("a/b.jpg", folder="a", resource="a/*")


@BOTH
@pytest.mark.parametrize("resource", ["*", "*.jpg", "*/a.jpg", "**"])
def test_any_resource(cls: Any, resource: str) -> None:
    """Want it said that a resource is meant to have nothing before its first *."""
    storage = cls(expire_step=900)
    for _ in range(2):
        with pytest.raises(ValueError, match="allow_any_resource=True"):
            storage.url("x/a.jpg", resource=resource)
        url = storage.url("x/a.jpg", resource=resource, allow_any_resource=True)
        assert verify(storage, url).resource == f"https://{DOMAIN}/{resource}"


@pytest.mark.parametrize("arguments", [{"folder": "a"}, {"resource": "a/*"}], ids=str)
def test_public_storage(arguments: dict[str, Any]) -> None:
    """Refuse on a URL without a signature what only a signature can grant."""
    storage = CloudFrontS3Storage(querystring_auth=False)
    with pytest.raises(ValueError, match="need a signature"):
        storage.url("a/b.jpg", **arguments)
