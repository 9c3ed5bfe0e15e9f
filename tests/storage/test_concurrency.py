"""Make URLs in any thread, task and view, of a key parsed once.

Modules: storage/urls.py, storage/context.py
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from django.test import override_settings

from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.storage.context import current_watch, watch_expiry
from tests.storage_cases import ANY_RESOURCE, KEY_ID, NOW, at, verify

THREADS = 16

pytestmark = pytest.mark.usefixtures("site")


def test_threads_of_a_full_cache(ec_key: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each of 16 threads the right URL while the cache overflows."""
    options: dict[str, Any] = {"cloudfront_key": ec_key.to_pem(), "expire_step": 900}
    monkeypatch.setattr("cfsigned_django.storage.urls.KEPT_SIGNATURES", 10)
    storage, small = CloudFrontS3Storage(**options), CloudFrontS3Storage(**options)
    names = [f"a/{number}.jpg" for number in range(40)]
    barrier = threading.Barrier(THREADS)

    def work(number: int) -> bool:
        barrier.wait()
        for turn in range(20):
            name = names[(number * 7 + turn) % 40]
            if small.url(name) != right[name] or small.url(name, folder="a") != shared[name]:
                return False
        return True

    with at(NOW):
        right = {name: storage.url(name) for name in names}
        shared = {name: storage.url(name, folder="a") for name in names}
        with ThreadPoolExecutor(THREADS) as pool:
            assert all(pool.map(work, range(THREADS)))


def test_key_is_parsed_once(site: Any) -> None:
    """Parse each key once if storages come and go, and whatever settings do meanwhile.

    Keep the keys of more storages than are remembered without one.
    """
    keys = [PrivateKey.generate() for _ in range(20)]
    alive = [CloudFrontS3Storage(cloudfront_key=key.to_pem()) for key in keys]
    with mock.patch.object(PrivateKey, "load", wraps=PrivateKey.load) as load:
        for _ in range(2):
            for storage, key in zip(alive, keys, strict=True):
                storage.url("a.jpg")
                assert storage.trusted_keys() == {KEY_ID: key.public_key}
        assert load.call_count == 20
        site.AWS_CLOUDFRONT_KEY = PrivateKey.generate().to_pem().decode()
        for step in range(3):
            CloudFrontS3Storage().url("a.jpg")
            CloudFrontS3Storage(cloudfront_key=site.AWS_CLOUDFRONT_KEY.encode()).url("a.jpg")
            with override_settings(AWS_CLOUDFRONT_EXPIRE_STEP=step):
                CloudFrontS3Storage().url("a.jpg")
    assert load.call_count == 21


# Who watches when URLs end


@pytest.mark.parametrize("step", [0, 900])
def test_watch(step: int) -> None:
    """Note when a URL ends that is made, and one that is known, of each kind."""
    storage = CloudFrontS3Storage(expire_step=step)
    for arguments in ({}, ANY_RESOURCE, {"expire": 60}, {"ip_address": "192.0.2.7"}):
        ends = []
        for _ in range(2):
            with at(NOW), watch_expiry() as watch:
                url = storage.url("a.jpg", **arguments)
            ends.append(watch.expires)
        assert ends == [verify(storage, url, now=NOW).date_less_than] * 2


def test_watch_in_a_watch() -> None:
    """Note the first end of several URLs, in the outer watch what the inner one notes as well."""
    storage = CloudFrontS3Storage()
    with at(NOW), watch_expiry() as outer:
        before = outer.expires
        for expire in (600, 60, 3600):
            storage.url("a.jpg", expire=expire)
        with watch_expiry() as inner:
            assert current_watch() is inner
            storage.url("a.jpg", expire=90)
        assert current_watch() is outer
        with watch_expiry() as second:
            storage.url("a.jpg", expire=30)
        with pytest.raises(RuntimeError), watch_expiry():
            raise RuntimeError
        assert current_watch() is outer
    assert before is None
    assert (outer.expires, inner.expires, second.expires) == (NOW + 30, NOW + 90, NOW + 30)
    assert current_watch() is None


def test_watch_of_others(site: Any) -> None:
    """Note the end of cookies, and of a URL of S3; nothing of a URL that never ends."""
    ends = []
    with at(NOW), watch_expiry() as watch:
        CloudFrontS3Storage().unsigned_url("a.jpg")
        CloudFrontS3Storage(querystring_auth=False).url("a.jpg")
        ends.append(watch.expires)
        CloudFrontS3Storage().sign_cookies(folder="albums/42", expire=90)
        ends.append(watch.expires)
        site.AWS_S3_CUSTOM_DOMAIN = None
        site.AWS_S3_ACCESS_KEY_ID = site.AWS_S3_SECRET_ACCESS_KEY = "AKIAEXAMPLE"
        CloudFrontS3Storage(cloudfront_signer=None).url("a.jpg", expire=60)
    assert [*ends, watch.expires] == [None, NOW + 90, NOW + 60]


def test_watch_in_tasks(ec_key: PrivateKey) -> None:
    """Keep two tasks apart, and see what a task starts in threads and in other tasks."""
    storage = CloudFrontS3Storage(cloudfront_signer=Signer(key_pair_id=KEY_ID, private_key=ec_key))

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
