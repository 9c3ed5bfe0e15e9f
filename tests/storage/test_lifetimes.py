"""End a URL when it must end: expire, its steps and its limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings as hypothesis, strategies as st

from cfsigned_django.signing import PrivateKey
from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import (
    ANY_RESOURCE,
    BOTH,
    DAY,
    NOW,
    at,
    counted_signatures,
    expiry_of,
    generated_names,
    parameters_of,
    verify,
)

#: That the site of a test is made once for all examples does no harm: they change no setting.
MANY = hypothesis(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

pytestmark = pytest.mark.usefixtures("site")


def lifetime(expire: Any = None, **options: Any) -> int:
    """Return how many seconds a URL lives that is made now."""
    with at(NOW + 0.9):
        return expiry_of(CloudFrontS3Storage(**options).url("a.jpg", expire=expire)) - NOW


@pytest.mark.parametrize("most", [60, timedelta(minutes=1)], ids=repr)
def test_longest_lifetime(most: Any, site: Any) -> None:
    """Grant seven days, or what AWS_CLOUDFRONT_MAX_EXPIRE says, and not a second more."""
    assert lifetime(7 * DAY) == lifetime(timedelta(days=7)) == 7 * DAY
    site.AWS_QUERYSTRING_EXPIRE = site.AWS_CLOUDFRONT_MAX_EXPIRE = most
    assert lifetime() == lifetime(60) == 60
    with pytest.raises(ValueError, match=r"61 s.* 60 s of AWS_CLOUDFRONT_MAX_EXPIRE"):
        lifetime(61)


def test_longest_lifetime_with_a_step() -> None:
    """Refuse a step with which a URL could live longer than a rotation waits."""
    storage = CloudFrontS3Storage(max_expire=3600, expire_step=600)
    with at(NOW):
        assert expiry_of(storage.url("a.jpg", expire=3600, expire_step=600)) < NOW + 4200
        assert expiry_of(storage.url("a.jpg", expire=60, expire_step=4140)) < NOW + 4200
    for expire, step in ((3600, 601), (None, 601), (60, 4141)):
        with pytest.raises(ValueError, match=r"4200 s of AWS_CLOUDFRONT_MAX_EXPIRE"):
            storage.url("a.jpg", expire=expire, expire_step=step)


@MANY
@given(
    moment=st.floats(min_value=NOW, max_value=NOW + 400 * DAY),
    name=st.sampled_from(generated_names(50)),
    expire=st.integers(min_value=1, max_value=DAY),
    step=st.integers(min_value=1, max_value=6 * DAY),
    arguments=st.sampled_from([{}, ANY_RESOURCE]),
)
def test_bounds(
    moment: float, name: str, expire: int, step: int, arguments: Any, ec_key: PrivateKey
) -> None:
    """Live for at least expire, less than expire and a step, and the same for a whole step."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=6 * DAY)
    arguments = {**arguments, "expire": expire, "expire_step": step}

    def url_at(when: float) -> str:
        with at(when):
            return storage.url(name, **arguments)

    url = url_at(moment)
    end = verify(storage, url, now=int(moment)).date_less_than
    assert expire <= end - int(moment) < expire + step
    assert url_at(moment) == url_at(end - expire + 0.9) == url
    later = verify(storage, url_at(end - expire + 1), now=end).date_less_than
    assert later == end + step


@MANY
@given(waits=st.lists(st.integers(min_value=-500, max_value=500), min_size=1, max_size=20))
def test_bounds_of_what_is_known(waits: list[int], ec_key: PrivateKey) -> None:
    """Keep both bounds for a URL that is asked for often, while the clock goes on and back."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=300)
    moment = NOW
    for wait in waits:
        moment += wait
        with at(moment):
            url = storage.url("a.jpg", expire=60)
            shared = storage.url("a.jpg", expire=60, **ANY_RESOURCE)
        assert 60 <= expiry_of(url) - moment < 360
        assert 60 <= verify(storage, shared, now=moment).date_less_than - moment < 360


@BOTH
def test_one_signature_in_a_step(cls: Any) -> None:
    """Sign a name once in a step, and again in the next one, for every storage alike."""
    storage = cls(expire_step=900)
    with at(NOW):
        end = expiry_of(storage.url("a b.jpg"))
    with counted_signatures() as signatures:
        for moment in range(NOW, end - 3600 + 1, 10):
            with at(moment):
                url = storage.url("a b.jpg")
                assert expiry_of(url) == end
        assert signatures == []
        with at(end - 3600):
            assert cls(expire_step=900).url("a b.jpg") == url
        with at(end - 3600 + 1):
            assert expiry_of(storage.url("a b.jpg")) == end + 900
    assert len(signatures) == 2


@BOTH
def test_no_step(cls: Any) -> None:
    """Count each lifetime from the second of the call, also as the clock goes back."""
    storage = cls()
    for moment in (NOW, NOW + 0.5, NOW + 0.999, NOW + 1, NOW + 1.5, NOW + 0.2, NOW - 10, NOW + 90):
        with at(moment), counted_signatures() as signatures:
            assert expiry_of(storage.url("a.jpg")) == int(moment) + 3600
        assert len(signatures) == 1


def test_names_change_at_different_moments() -> None:
    """Let the pictures of a page change all over a step, and those of one resource at once."""
    storage = CloudFrontS3Storage(expire_step=3600)
    with at(NOW):
        ends = [expiry_of(storage.url(f"{n}.jpg")) for n in range(200)]
        shared = {
            parameters_of(storage.url(f"{n}.jpg", **ANY_RESOURCE))["Policy"] for n in range(9)
        }
    quarters = [sum(1 for end in ends if (end - NOW - 3600) // 900 == part) for part in range(4)]
    assert min(quarters) > 25
    assert len(set(ends)) > 150
    assert len(shared) == 1


def test_after_2038(site: Any) -> None:
    """Refuse a lifetime that ends behind the last moment that readers of policies take."""
    site.AWS_CLOUDFRONT_MAX_EXPIRE = 20 * 365 * DAY
    storage = CloudFrontS3Storage()
    with at(NOW), pytest.raises(ValueError, match="2147483647"):
        storage.url("a.jpg", expire=15 * 365 * DAY)


def test_presigned_urls_of_s3(site: Any) -> None:
    """Keep to the same rules if django-storages presigns a URL of S3."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    options = {"access_key": "AKIAEXAMPLE", "secret_key": "secret", "signature_version": "s3v4"}
    storage = CloudFrontS3Storage(cloudfront_signer=None, region_name="eu-central-1", **options)
    for expire in (60, timedelta(minutes=1)):
        assert parameters_of(storage.url("a.jpg", expire=expire))["X-Amz-Expires"] == "60"
    for bad in (0, 7 * DAY + 1, "60"):
        with pytest.raises(ValueError, match="expire"):
            storage.url("a.jpg", expire=bad)  # type: ignore[arg-type]
