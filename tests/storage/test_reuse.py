"""Sign once for all names that a resource covers, and refuse the others."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import InMemoryStorage
from django.utils.safestring import mark_safe
from hypothesis import HealthCheck, given, settings as hypothesis, strategies as st

from cfsigned_django.signing import Denied, InvalidPolicy, InvalidUrl, PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.urls import SignedUrlMixin
from tests.storage_cases import PLAIN_NAMES, at, counted_signatures, generated_names, verify

NOW = 1_775_000_000


class InMemory(SignedUrlMixin, InMemoryStorage):
    """Sign the URLs of files in memory."""


EACH = pytest.mark.parametrize(
    "make",
    [
        CloudFrontS3Storage,
        lambda **options: CloudFrontS3Storage(location="me*dia/%2A 1", **options),
        CloudFrontFileSystemStorage,
        lambda **options: CloudFrontFileSystemStorage(base_url="/files/", **options),
        lambda **options: InMemory(base_url="/memory/", **options),
    ],
    ids=["S3", "S3 in a folder", "disk", "disk in a folder", "memory"],
)

pytestmark = pytest.mark.usefixtures("site")


@EACH
def test_a_thousand_names(make: Any) -> None:
    """Make one signature for 1,000 names, and URLs that CloudFront would serve.

    Of a storage class whose paths this package does not know, each is signed.
    """
    storage = make(expire_step=900)
    names = [f"albums/42/photo_{number:04}.jpg" for number in range(990)]
    names += [f"albums/42/{name}" for name in generated_names(10)]
    with at(NOW), counted_signatures() as signatures:
        urls = [storage.url(name, resource="albums/42/*") for name in names]
    assert len(signatures) == (1000 if isinstance(storage, InMemory) else 1)
    assert len(set(urls)) == 1000
    for name, url in zip(names[::9], urls[::9], strict=True):
        assert verify(storage, url, now=NOW).resource.endswith("/albums/42/*")
        assert url.startswith(f"{storage.unsigned_url(name)}?Policy=")


@EACH
def test_same_url_first_and_later(make: Any) -> None:
    """Give a name the same URL, whichever of a resource's names is asked for first."""
    names = ["a/b.jpg", "a/한글.jpg", "a/c d/e+f.jpg", "a/x*y.jpg"]
    with at(NOW):
        fresh = [make(expire_step=60).url(name, resource="a/*") for name in names]
        storage = make(expire_step=60)
        assert [storage.url(name, resource="a/*") for name in names] == fresh
        assert [storage.url(name, resource="a/*") for name in names] == fresh


@EACH
def test_resource_with_a_domain(make: Any) -> None:
    """Refuse a resource with protocol and domain, also one whose signature is there."""
    storage = make(expire_step=900)
    arguments: dict[str, Any] = {"expire": 3600, "expire_step": 900}
    storage.url("a/b.jpg", resource="a/*", **arguments)
    covered = storage.unsigned_url("a/x").removesuffix("x") + "*"
    with pytest.raises(ValueError, match="give it as a name"):
        storage.url("a/b.jpg", resource=covered, **arguments)


@EACH
@pytest.mark.parametrize("resource", ["/*", "albums//*", "//*", "./*", "albums/./*", "albums\\\\*"])
def test_resource_with_a_gap(make: Any, resource: str) -> None:
    """Refuse a resource in which a folder is missing: it would open all folders beside it."""
    storage = make(expire_step=900)
    for _ in range(2):
        with pytest.raises(ValueError, match="a folder without a name"):
            storage.url("albums/42/a.jpg", resource=resource)
        storage.url("albums/42/a.jpg", resource="albums/*")


def test_with_a_query() -> None:
    """Add parameters and a download name to a URL whose signature is there already."""
    storage = CloudFrontS3Storage(expire_step=60)
    with at(NOW), counted_signatures() as signatures:
        storage.url("a/b.jpg", resource="a/*")
        url = storage.url("a/b.jpg", {"versionId": "3"}, resource="a/*", download="x.jpg")
    assert len(signatures) == 1
    assert "/a/b.jpg?versionId=3&response-content-disposition=" in url
    assert verify(storage, url, now=NOW).resource.endswith("/a/*")


def test_without_a_step() -> None:
    """Make one signature in each second, where no step is set."""
    storage = CloudFrontS3Storage()
    with counted_signatures() as signatures:
        for moment in (NOW, NOW + 0.5, NOW + 0.999, NOW + 1):
            with at(moment):
                for number in range(10):
                    url = storage.url(f"a/{number}.jpg", resource="a/*")
                    assert verify(storage, url).date_less_than == int(moment) + 3600
    assert len(signatures) == 2


@EACH
@pytest.mark.parametrize("name", ["albums/421.jpg", "a.jpg", "한.jpg", "albums/42", "ALBUMS/42/a"])
def test_name_outside(name: str, make: Any) -> None:
    """Refuse a name that the resource does not cover, before and after one that it covers."""
    storage = make(expire_step=900)
    for _ in range(2):
        with pytest.raises(InvalidPolicy, match="does not cover"):
            storage.url(name, resource="albums/42/*")
        storage.url("albums/42/a.jpg", resource="albums/42/*")


@EACH
@pytest.mark.parametrize(
    "name", ["albums/42/../7/a.jpg", "../a.jpg", "albums/42/..", "albums/42\\..\\7\\a.jpg"]
)
def test_dots(name: str, make: Any) -> None:
    """Refuse a name that leads out of the folder, before and after one that does not."""
    storage = make(expire_step=900)
    for _ in range(2):
        with pytest.raises(SuspiciousFileOperation):
            storage.url(name, resource="albums/42/*")
        storage.url("albums/42/a.jpg", resource="albums/42/*")


def test_name_that_is_too_long() -> None:
    """Refuse a URL that CloudFront would not take, although its signature is there."""
    storage = CloudFrontS3Storage(expire_step=900)
    storage.url("a/b.jpg", resource="a/*")
    with pytest.raises(InvalidUrl, match="8192"):
        storage.url("a/" + 8000 * "b", resource="a/*")


def test_safe_text() -> None:
    """Take a name from a template, which is a text of its own kind."""
    storage = CloudFrontS3Storage(expire_step=900)
    for arguments in ({}, {"resource": "a/*"}):
        url = storage.url("a/b.jpg", **arguments)  # type: ignore[arg-type]
        again = storage.url(mark_safe("a/b.jpg"), **arguments)  # type: ignore[arg-type]
        assert again == url
        assert type(again) is str


def test_resource_without_wildcard() -> None:
    """Open one file, as a canned URL does, where the resource is that file."""
    storage = CloudFrontS3Storage(expire_step=900)
    for _ in range(2):
        with at(NOW):
            assert storage.url("a.jpg", resource="a.jpg") == storage.url("a.jpg")
    with pytest.raises(InvalidPolicy, match="does not cover"):
        storage.url("b.jpg", resource="a.jpg")


def test_addresses_are_kept_apart() -> None:
    """Make a signature for each viewer's address, and use it for all of their files."""
    storage = CloudFrontS3Storage(expire_step=900)
    with at(NOW), counted_signatures() as signatures:
        for viewer in ("192.0.2.7", "192.0.2.8"):
            for name in ("a.jpg", "b.jpg"):
                url = storage.url(name, resource="*", allow_any_resource=True, ip_address=viewer)
                assert verify(storage, url, now=NOW, viewer_ip=viewer).ip_address == f"{viewer}/32"
                with pytest.raises(Denied):
                    verify(storage, url, now=NOW, viewer_ip="192.0.2.9")
    assert len(signatures) == 2


def test_start_is_never_remembered() -> None:
    """Sign a URL that begins later each time: two viewers seldom ask for the same begin."""
    storage = CloudFrontS3Storage(expire_step=900)
    with at(NOW), counted_signatures() as signatures:
        for _ in range(2):
            storage.url("a.jpg", resource="*", allow_any_resource=True, date_greater_than=NOW + 60)
    assert len(signatures) == 2


@hypothesis(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.text(alphabet="ab1.-_/%*+\\ ?#é", max_size=12)
    | st.from_regex(PLAIN_NAMES, fullmatch=True)
    | st.from_regex(r"a/[ab/]{0,4}b?", fullmatch=True),
    resource=st.sampled_from(["*", "a/*", "a/a*", "a/*b", "a/*a*", "*/ab", "a/a%*"]),
)
def test_quick_way_is_the_long_way(name: str, resource: str, ec_key: PrivateKey) -> None:
    """Give the same URL, or the same error, whether or not the signature is there already."""

    def outcome(storage: CloudFrontS3Storage) -> object:
        try:
            return storage.url(name, resource=resource, allow_any_resource=True)
        except (InvalidPolicy, SuspiciousFileOperation) as error:
            return type(error)

    options: dict[str, Any] = {"cloudfront_key": ec_key.to_pem(), "expire_step": 900}
    known = CloudFrontS3Storage(**options)
    with at(NOW):
        with suppress(InvalidPolicy):  # All but one cover this name.
            known.url("a/ab", resource=resource, allow_any_resource=True)
        assert outcome(known) == outcome(CloudFrontS3Storage(**options, url_cache_size=0))
