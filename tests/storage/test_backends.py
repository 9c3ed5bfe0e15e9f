"""Sign the URLs of any storage: on disk, in memory, and of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import Storage

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.urls import SignedUrlMixin
from tests.storage_cases import (
    ANY_RESOURCE,
    NOW,
    ORIGIN,
    at,
    generated_names,
    verify,
)


@pytest.fixture(autouse=True)
def _urls(site: Any, tmp_path: Path) -> None:
    """Give the files of Django another path than those of the package."""
    site.MEDIA_URL, site.MEDIA_ROOT = "/media/", str(tmp_path)


# The package's own storage of files


@pytest.mark.parametrize("location", ["", "media", "media/files/", "미디어 50%+#?&*"])
def test_files_have_the_urls_of_s3(location: str, ec_key: PrivateKey, site: Any) -> None:
    """Give files on disk the very URL that the same name has in S3, with AWS_LOCATION."""
    site.AWS_LOCATION, site.AWS_CLOUDFRONT_KEY = location, ec_key.to_pem()
    s3, files = CloudFrontS3Storage(), CloudFrontFileSystemStorage()
    names = [name for name in generated_names(100) if name and not name.startswith("/")]
    unusual = ["a//b", "./a", "a/./b", "a\\b", "a/", "http://x/y", "a:b", "*"]
    with at(NOW):
        for name in names:
            assert files.url(name) == s3.url(name)
        for name in unusual:
            assert files.unsigned_url(name) == s3.unsigned_url(name)
        for arguments in (
            *(ANY_RESOURCE, {"folder": "a"}, {"resource": "a/*", "expire_step": 60}),
            *({"ip_address": "192.0.2.7", "download": "é.pdf"}, {"date_greater_than": NOW}),
            *({"parameters": {"VersionId": "a+b"}}, {"expire": 60, "http_method": "HEAD"}),
        ):
            assert files.url("a/b c.jpg", **arguments) == s3.url("a/b c.jpg", **arguments)


@pytest.mark.parametrize("base_url", ["/files", "https://cdn.example.net/files/"])
def test_base_url(base_url: str) -> None:
    """Put the base URL of the option before the name, and MEDIA_URL never."""
    storage = CloudFrontFileSystemStorage(base_url=base_url)
    assert storage.unsigned_url("a.jpg") == f"{ORIGIN}/files/a.jpg"
    assert CloudFrontFileSystemStorage().unsigned_url("a.jpg") == f"{ORIGIN}/a.jpg"


# Other storages behind the mixin


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("a%20b.jpg", "/a%20b.jpg"),
        ("/media/100%25+(c)*.jpg", "/media/100%25%2B(c)%2A.jpg"),
        ("/my files/a b.jpg", "/my%20files/a%20b.jpg"),
        ("https://storage.example.net/bucket/a%20b.jpg?sig=abc", "/bucket/a%20b.jpg"),
    ],
)
def test_other_forms_of_url(url: str, path: str) -> None:
    """Take the path of whatever URL the storage behind returns, and nothing else of it."""
    behind = type("Behind", (Storage,), {"url": lambda self, name: url})
    storage: Any = type("Signing", (SignedUrlMixin, behind), {})()
    assert storage.unsigned_url("a b.jpg") == f"{ORIGIN}{path}"
    assert verify(storage, storage.url("a b.jpg")).resource == f"{ORIGIN}{path}"
