"""name_of(), the inverse of url(): from a URL in a text to the name of the file.

Modules: storage/urls.py
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage
from django.utils.safestring import mark_safe
from hypothesis import given, settings as hypothesis, strategies as st

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import (
    CloudFrontFileSystemStorage,
    CloudFrontS3Storage,
    SignedUrlMixin,
)
from cfsigned_django.testing import InMemorySignedStorage
from tests.storage_cases import ORIGIN, OfTenant, Tenant, not_refused


class OnDisk(SignedUrlMixin, FileSystemStorage):
    """Sign the URLs of Django's files on disk, whose paths the package does not know."""


PARTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\\\0\n"), min_size=1, max_size=20
).filter(lambda part: part not in {".", ".."})
#: Names as save() returns them.
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)

KINDS: dict[str, Callable[[], SignedUrlMixin]] = {
    "plain": CloudFrontS3Storage,
    "location": partial(CloudFrontS3Storage, location="미디어 50%*/%2A"),
    "port": partial(CloudFrontS3Storage, custom_domain="127.0.0.1:8001", url_protocol="http:"),
    "capitals": partial(CloudFrontS3Storage, custom_domain="Media.Example.NET", location="a/b/"),
    "public": partial(CloudFrontS3Storage, querystring_auth=False),
    "tenant": OfTenant,
    "edge": partial(CloudFrontFileSystemStorage, location="/nowhere", base_url="/files/"),
    "disk": partial(OnDisk, location="/nowhere", base_url="/my files/"),
    "memory": InMemorySignedStorage,
}


def test_inverse_of_url(site: Any, ec_key: PrivateKey) -> None:
    """Return the name of any URL of the storage: signed or not, in whatever way."""
    site.AWS_CLOUDFRONT_KEY = ec_key.to_pem()
    storages = {kind: make() for kind, make in KINDS.items()}

    @hypothesis(max_examples=30)
    @given(NAMES)
    def holds(name: str) -> None:
        found = {
            kind: [
                storage.name_of(storage.unsigned_url(name)),
                storage.name_of(storage.url(name, download="보고서.pdf")),
            ]
            for kind, storage in storages.items()
        }
        assert found == {kind: [name, name] for kind in KINDS}

    holds()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"{ORIGIN}/a.jpg?Expires=1&Signature=gone", "a.jpg"),
        (f"{ORIGIN}/a.jpg#page=2", "a.jpg"),
        (f"http{ORIGIN[5:]}/a.jpg", "a.jpg"),
        (f"{ORIGIN[6:]}/a.jpg", "a.jpg"),
        (mark_safe(f"{ORIGIN.upper()}/A.jpg"), "A.jpg"),  # noqa: S308
        (f"{ORIGIN}/%ec%82%ac%ec%a7%84%20(1)%2Ejpg", "사진 (1).jpg"),
        (f"{ORIGIN}/사진 (1).jpg", "사진 (1).jpg"),
        (f"{ORIGIN}/folder/", "folder/"),
    ],
)
def test_other_spellings(url: str, name: str, site: Any) -> None:
    """Take a URL as browsers and editors write it."""
    assert CloudFrontS3Storage().name_of(url) == name


#: Values that are not URLs of a storage at ORIGIN whose files are in media/.
NOT_OURS: list[str | None] = [
    "",
    "a.jpg",
    "/media/a.jpg",
    None,
    "https://other.example.com/media/a.jpg",
    f"{ORIGIN}.evil.example/media/a.jpg",
    f"{ORIGIN}@evil.example/media/a.jpg",
    f"https://user@{ORIGIN[8:]}/media/a.jpg",
    f"{ORIGIN}:444/media/a.jpg",
    f"ftp{ORIGIN[5:]}/media/a.jpg",
    f"{ORIGIN}/a.jpg",
    f"{ORIGIN}/mediaa.jpg",
    f"{ORIGIN}/media/",
    f"{ORIGIN}/media/../secret.jpg",
    f"{ORIGIN}/media/%2e%2e/secret.jpg",
    f"{ORIGIN}/media/a//b.jpg",
    f"{ORIGIN}/media//b.jpg",
    f"{ORIGIN}/media/./b.jpg",
    f"{ORIGIN}/media/a%5Cb.jpg",
    f"{ORIGIN}/media/a%0Ab.jpg",
    f"{ORIGIN}/media/a%00b.jpg",
    f"{ORIGIN}/media/{'a' * 1025}",
    f"{ORIGIN}/media/%FF.jpg",
    "https://[/media/a.jpg",
]


def test_not_a_url_of_the_storage(site: Any) -> None:
    """Refuse other hosts and folders, and paths that no file can have; show no signature."""
    storage: Any = CloudFrontS3Storage(location="media")
    wrong = {}
    for url in NOT_OURS:
        call = partial(storage.name_of, url and f"{url}?Signature=abc")
        if seen := not_refused(ValueError, f"(?s)^(?!.*Signature).*{ORIGIN}/media/", call):
            wrong[url] = seen
    assert wrong == {}


def test_domain_of_the_tenant(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse the URL of another tenant, whose domain an option that is a property gives."""
    storage = OfTenant()
    url = storage.url("1.jpg")
    assert storage.name_of(url) == "1.jpg"
    monkeypatch.setattr(Tenant, "name", "b")
    with pytest.raises(ValueError, match=r"https://b\.example\.com/b/"):
        storage.name_of(url)


def test_no_domain(site: Any) -> None:
    """Name the setting if the storage has no domain to compare with."""
    del site.AWS_S3_CUSTOM_DOMAIN

    with pytest.raises(ImproperlyConfigured, match="AWS_S3_CUSTOM_DOMAIN"):
        CloudFrontS3Storage().name_of(f"{ORIGIN}/a.jpg")
