"""Sign each URL anew that has no step, with what those of one second have in common."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis, strategies as st

from cfsigned_django.signing import InvalidUrl, PrivateKey
from cfsigned_django.storage import CloudFrontFileSystemStorage, CloudFrontS3Storage
from cfsigned_django.storage.context import watch_expiry
from tests.storage_cases import (
    PLAIN_NAMES,
    at,
    counted_signatures,
    expiry_of,
    generated_names,
    verify,
)

NOW = 1_775_000_000

pytestmark = pytest.mark.usefixtures("site")

EACH = pytest.mark.parametrize(
    "make",
    [
        CloudFrontS3Storage,
        lambda **options: CloudFrontS3Storage(location="me dia/1", **options),
        CloudFrontFileSystemStorage,
        lambda **options: CloudFrontFileSystemStorage(base_url="/files/", **options),
    ],
    ids=["S3", "S3 in a folder", "disk", "disk in a folder"],
)


@EACH
def test_each_name(make: Any, ec_key: PrivateKey) -> None:
    """Give each name a URL that CloudFront serves, whatever was asked for before it."""
    storage = make(cloudfront_key=ec_key.to_pem())
    names = ["a.jpg", "albums/42/b.jpg", "a.jpg", *generated_names(20), "c.jpg", "c.jpg?", "c.jpg"]
    with at(NOW), counted_signatures() as signatures:
        for name in names:
            url = storage.url(name)
            assert verify(storage, url, now=NOW).resource == storage.unsigned_url(name)
            assert expiry_of(url) == NOW + 3600
    assert len(signatures) == len(names)


@EACH
def test_each_second(make: Any) -> None:
    """End each URL as long after it was made as the setting says, also as the clock goes back."""
    storage = make()
    for moment in (NOW, NOW + 0.5, NOW + 0.999, NOW + 1, NOW + 1.5, NOW + 0.2, NOW - 10, NOW + 90):
        with at(moment):
            assert expiry_of(storage.url("a.jpg")) == int(moment) + 3600


def test_arguments() -> None:
    """Heed each argument in a second in which a URL was made without any."""
    storage = CloudFrontS3Storage()
    with at(NOW):
        plain = storage.url("a.jpg")
        assert expiry_of(storage.url("a.jpg", expire=60)) == NOW + 60
        assert "?v=2&Expires=" in storage.url("a.jpg", {"v": "2"})
        assert "response-content-disposition=" in storage.url("a.jpg", download="b.jpg")
        assert "?Policy=" in storage.url("a.jpg", ip_address="192.0.2.7")
        assert "?Policy=" in storage.url("a.jpg", date_greater_than=NOW - 60)
        assert "?Policy=" in storage.url("a.jpg", resource="*", allow_any_resource=True)
        assert expiry_of(storage.url("a.jpg", expire_step=900)) >= NOW + 3600
        with pytest.raises(ValueError, match="PUT"):
            storage.url("a.jpg", http_method="PUT")
        assert storage.url("a.jpg") == plain


@pytest.mark.parametrize("other", [{"expire_step": 0}, {"expire": 60}, {"http_method": "GET"}])
def test_arguments_first(other: dict[str, Any]) -> None:
    """Share nothing of a URL that is made with arguments with one that is made without."""
    for step in (0, 86400):
        storage, alone = (
            CloudFrontS3Storage(expire_step=step),
            CloudFrontS3Storage(expire_step=step),
        )
        with at(NOW):
            for name in ("a.jpg", "b.jpg", "a.jpg"):
                storage.url("z.jpg", **other)
                assert storage.url(name) == alone.url(name)


def test_watch() -> None:
    """Note when a URL ends, also where the second has had one."""
    storage = CloudFrontS3Storage()
    with at(NOW):
        storage.url("a.jpg")
        with watch_expiry() as watch:
            storage.url("b.jpg")
    assert watch.expires == NOW + 3600


def test_too_long() -> None:
    """Refuse a URL that is longer than CloudFront takes, first and later."""
    storage = CloudFrontS3Storage()
    with at(NOW):
        for name in ("a" * 8000, "a.jpg", "a" * 8000):
            if name == "a.jpg":
                verify(storage, storage.url(name), now=NOW)
            else:
                with pytest.raises(InvalidUrl, match="8192"):
                    storage.url(name)


@hypothesis(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.text(alphabet="ab1.-_/%*+\\ ?#é", max_size=12)
    | st.from_regex(PLAIN_NAMES, fullmatch=True),
    location=st.sampled_from(["", "media", "a b/", "한/"]),
)
def test_quick_way_is_the_long_way(name: str, location: str, rsa_key: PrivateKey) -> None:
    """Give the same URL, or the same error, for the first name of a second and for a later one."""

    def outcome(storage: CloudFrontS3Storage) -> object:
        try:
            return storage.url(name)
        except Exception as error:
            return type(error), str(error)

    options: dict[str, Any] = {"cloudfront_key": rsa_key.to_pem(), "location": location}
    later = CloudFrontS3Storage(**options)
    with at(NOW):
        later.url("first.jpg")
        assert outcome(later) == outcome(CloudFrontS3Storage(**options))
