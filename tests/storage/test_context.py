"""Note when the URLs end that are made while something watches."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from cfsigned_django.signing import Signer
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.storage.context import current_watch, watch_expiry
from tests.storage_cases import at

NOW = 1_775_000_000

pytestmark = pytest.mark.usefixtures("site")


def test_first_and_remembered() -> None:
    """Note a URL that is made, and one that is remembered, of each kind."""
    storage = CloudFrontS3Storage(expire_step=900)
    for arguments in (
        {},
        {"resource": "*", "allow_any_resource": True},
        {"expire": 60},
        {"ip_address": "192.0.2.7"},
    ):
        ends = []
        for _ in range(2):
            with at(NOW), watch_expiry() as watch:
                storage.url("a.jpg", **arguments)
            ends.append(watch.expires)
        assert ends[0] == ends[1]
        assert NOW < ends[0] < NOW + 4500  # type: ignore[operator]


def test_shortest() -> None:
    """Hold when the first of several URLs ends."""
    storage = CloudFrontS3Storage()
    with at(NOW), watch_expiry() as watch:
        assert watch.expires is None
        for expire in (600, 60, 3600):
            storage.url("a.jpg", expire=expire)
    assert watch.expires == NOW + 60


def test_watch_in_a_watch() -> None:
    """Tell the outer watch what the inner one notes, and not the other way round."""
    storage = CloudFrontS3Storage()
    with at(NOW), watch_expiry() as outer:
        storage.url("a.jpg", expire=60)
        with watch_expiry() as inner:
            assert current_watch() is inner
            storage.url("a.jpg", expire=90)
        assert current_watch() is outer
        with watch_expiry() as second:
            storage.url("a.jpg", expire=30)
    assert (outer.expires, inner.expires, second.expires) == (NOW + 30, NOW + 90, NOW + 30)
    assert current_watch() is None


def test_after_an_error() -> None:
    """Watch no more after an error within the block."""
    with pytest.raises(RuntimeError), watch_expiry():
        raise RuntimeError
    assert current_watch() is None


def test_unsigned_urls() -> None:
    """Note nothing of a URL that never ends."""
    with watch_expiry() as watch:
        CloudFrontS3Storage().unsigned_url("a.jpg")
        CloudFrontS3Storage(querystring_auth=False).url("a.jpg")
    assert watch.expires is None


def test_presigned_urls_of_s3(site: Any) -> None:
    """Note a URL that django-storages presigns for S3, and one of a signer of botocore's."""
    site.AWS_S3_CUSTOM_DOMAIN = None
    options = {"access_key": "AKIAEXAMPLE", "secret_key": "secret", "region_name": "eu-central-1"}
    storage = CloudFrontS3Storage(cloudfront_signer=None, **options)
    with at(NOW), watch_expiry() as watch:
        storage.url("a.jpg", expire=60)
    assert watch.expires == NOW + 60


def test_tasks_of_one_loop(ec_key: Any) -> None:
    """Keep two tasks apart, and see what a task starts in threads and in other tasks."""
    signer = Signer(key_pair_id="K2JCJMDEHXQW5F", private_key=ec_key)
    storage = CloudFrontS3Storage(cloudfront_signer=signer)

    async def work(expire: int) -> int | None:
        with watch_expiry() as watch:
            await asyncio.sleep(0)
            await sync_to_async(storage.url)("a.jpg", expire=expire + 20)
            await asyncio.to_thread(storage.url, "a.jpg", expire=expire + 10)
            await asyncio.gather(asyncio.create_task(sign(expire)))
            return watch.expires

    async def sign(expire: int) -> None:
        storage.url("a.jpg", expire=expire)

    async def both() -> list[int | None]:
        return list(await asyncio.gather(work(600), work(60)))

    with at(NOW):
        assert asyncio.run(both()) == [NOW + 600, NOW + 60]


def test_other_threads() -> None:
    """Note nothing of what another request signs at the same time."""
    storage = CloudFrontS3Storage()
    with watch_expiry() as watch:
        thread = threading.Thread(target=storage.url, args=["a.jpg"])
        thread.start()
        thread.join()
    assert watch.expires is None
