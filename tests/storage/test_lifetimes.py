"""End a URL when it shall end: expire, its steps and its limit."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from cfsigned_django.storage import CloudFrontS3Storage
from tests.storage_cases import at, expiry_of, parameters_of, verify

NOW = 1_775_000_000
DAY = 24 * 3600

pytestmark = pytest.mark.usefixtures("site")


def lifetime(expire: Any = None, **options: Any) -> int:
    """Return how many seconds a URL lives that is made now."""
    with at(NOW + 0.9):
        return expiry_of(CloudFrontS3Storage(**options).url("a.jpg", expire=expire)) - NOW


def test_default() -> None:
    """Let a URL live for one hour where nobody says otherwise."""
    assert lifetime() == 3600


@pytest.mark.parametrize("expire", [300, timedelta(minutes=5)], ids=repr)
def test_expire(expire: Any) -> None:
    """Take seconds and timedeltas, as an argument and as an option."""
    assert lifetime(expire) == lifetime(querystring_expire=expire) == 300


@pytest.mark.parametrize(
    "expire",
    [0, -1, timedelta(0), timedelta(seconds=-5), 1.5, 300.0, "300", True, timedelta(seconds=0.5)],
    ids=repr,
)
def test_bad_expire(expire: Any) -> None:
    """Refuse what is no whole second, or none at all, as an argument and as an option."""
    with pytest.raises(ValueError, match="expire is"):
        lifetime(expire)
    with pytest.raises(ImproperlyConfigured, match=r"AWS_QUERYSTRING_EXPIRE is .*E013"):
        lifetime(querystring_expire=expire)


def test_longest_lifetime() -> None:
    """Grant seven days, and not a second more."""
    assert lifetime(7 * DAY) == lifetime(timedelta(days=7)) == 7 * DAY
    for expire in (7 * DAY + 1, timedelta(days=7, seconds=1)):
        with pytest.raises(ValueError, match="604800 s of AWS_CLOUDFRONT_MAX_EXPIRE"):
            lifetime(expire)


@pytest.mark.parametrize("most", [60, timedelta(minutes=1)], ids=repr)
def test_longest_lifetime_can_be_set(most: Any, site: Any) -> None:
    """Follow AWS_CLOUDFRONT_MAX_EXPIRE, which the default lifetime must keep to as well."""
    site.AWS_CLOUDFRONT_MAX_EXPIRE = most
    site.AWS_QUERYSTRING_EXPIRE = 60
    assert lifetime() == lifetime(60) == 60
    with pytest.raises(ValueError, match="more than the 60 s"):
        lifetime(61)
    site.AWS_QUERYSTRING_EXPIRE = 61
    with pytest.raises(ImproperlyConfigured, match="E015"):
        lifetime()


@pytest.mark.parametrize("most", [0, -1, "1", 1.5, None], ids=repr)
def test_bad_longest_lifetime(most: Any) -> None:
    """Refuse a limit that is none."""
    with pytest.raises(ImproperlyConfigured, match=r"AWS_CLOUDFRONT_MAX_EXPIRE is .*E014"):
        lifetime(max_expire=most)


@pytest.mark.parametrize("most", [0, "7d", None], ids=repr)
def test_bad_longest_lifetime_of_the_site(most: Any, site: Any) -> None:
    """Refuse a limit of the site that is none, though the storage has one of its own."""
    site.AWS_CLOUDFRONT_MAX_EXPIRE = most
    with pytest.raises(ImproperlyConfigured, match=r"AWS_CLOUDFRONT_MAX_EXPIRE is .*E014"):
        lifetime(max_expire=7200)


@pytest.mark.parametrize("step", [-1, "1", 1.5, None, True], ids=repr)
def test_bad_step(step: Any) -> None:
    """Refuse a step that is none."""
    with pytest.raises(ImproperlyConfigured, match=r"AWS_CLOUDFRONT_EXPIRE_STEP is .*E016"):
        lifetime(expire_step=step)


@pytest.mark.parametrize("step", [1, 7, 60, 900, 3600, 10_000, timedelta(minutes=15)], ids=repr)
@pytest.mark.parametrize("expire", [1, 60, 3600])
def test_step_keeps_its_promise(step: Any, expire: int) -> None:
    """Let a URL live at least expire, and less than expire and one step."""
    storage = CloudFrontS3Storage(expire_step=step)
    seconds = step if isinstance(step, int) else int(step.total_seconds())
    chance = random.Random(expire)
    for _ in range(20):
        moment = chance.randint(NOW, NOW + DAY)
        with at(moment):
            url = storage.url("a.jpg", expire=expire)
        assert expire <= expiry_of(url) - moment < expire + seconds
        assert verify(storage, url, now=moment + expire - 1).is_canned


def test_step_keeps_urls_the_same() -> None:
    """Give one URL within a step, for every storage alike, and another one after it."""
    urls = []
    for moment in range(NOW, NOW + 1800, 30):
        with at(moment):
            urls.append(CloudFrontS3Storage(expire_step=900).url("a.jpg", expire=60))
    assert len(set(urls)) == 3
    assert urls == sorted(urls, key=expiry_of)


def test_step_boundary() -> None:
    """Grant no extra step at the very second where one begins."""
    storage = CloudFrontS3Storage(expire_step=900)
    with at(NOW):
        boundary = expiry_of(storage.url("a.jpg", expire=900)) - 900
    lives = []
    for moment in (boundary - 1, boundary, boundary + 1):
        with at(moment):
            lives.append(expiry_of(storage.url("a.jpg", expire=900)) - boundary)
    assert lives == [900, 900, 1800]


def test_step_with_conditions() -> None:
    """Move the end of a custom policy in steps too."""
    storage = CloudFrontS3Storage(expire_step=900)
    with at(NOW + 17):
        url = storage.url("a.jpg", ip_address="192.0.2.7")
        end = expiry_of(storage.url("a.jpg"))
    assert "Policy" in parameters_of(url)
    assert verify(storage, url, now=NOW + 20).date_less_than == end


def test_no_step() -> None:
    """Give another URL each second where no step is set."""
    storage = CloudFrontS3Storage()
    urls = set()
    for moment in range(NOW, NOW + 3):
        with at(moment):
            urls.add(storage.url("a.jpg"))
    assert len(urls) == 3


def test_after_2038(site: Any) -> None:
    """Refuse a lifetime that ends behind the last moment that readers of policies take."""
    site.AWS_CLOUDFRONT_MAX_EXPIRE = 20 * 365 * DAY
    storage = CloudFrontS3Storage()
    with at(NOW), pytest.raises(ValueError, match="2147483647"):
        storage.url("a.jpg", expire=15 * 365 * DAY)


def test_presigned_urls_of_s3(site: Any) -> None:
    """Keep to the same rules where django-storages presigns a URL of S3."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    options = {"access_key": "AKIAEXAMPLE", "secret_key": "secret", "signature_version": "s3v4"}
    storage = CloudFrontS3Storage(cloudfront_signer=None, region_name="eu-central-1", **options)
    for expire in (60, timedelta(minutes=1)):
        assert parameters_of(storage.url("a.jpg", expire=expire))["X-Amz-Expires"] == "60"
    for bad in (0, 7 * DAY + 1, "60"):
        with pytest.raises(ValueError, match="expire is"):
            storage.url("a.jpg", expire=bad)  # type: ignore[arg-type]
