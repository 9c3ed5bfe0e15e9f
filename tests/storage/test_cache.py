"""Remember no more URLs than was allowed, and nothing of a key that was replaced."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import override_settings

from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.storage.cache import Signed, UrlCache
from tests.storage_cases import KEY_ID, OTHER_KEY_ID, at, counted_signatures

NOW = 1_775_000_000


def entry(signer: Signer) -> Signed:
    """Return an entry that is valid for a minute."""
    return Signed(since=NOW, until=NOW + 60, expires=NOW + 3600, signer=signer, url="https://d/a")


@pytest.fixture
def signer(ec_key: PrivateKey) -> Signer:
    """Return a signer."""
    return Signer(key_pair_id=KEY_ID, private_key=ec_key)


@pytest.mark.parametrize("size", [1, 2, 3, 9, 10, 101])
def test_bound(size: int, signer: Signer) -> None:
    """Keep so many entries at most, and the latest ones."""
    cache = UrlCache(size)
    for number in range(500):
        cache.keep(number, entry(signer))
        assert len(cache.entries) <= size
    kept = list(cache.entries)
    assert kept == list(range(500 - len(kept), 500))
    assert len(kept) >= size - max(1, size // 8)


def test_what_is_kept_again_stays(signer: Signer) -> None:
    """Keep an entry that is kept again, while others come and go."""
    cache = UrlCache(10)
    for number in range(100):
        cache.keep(number, entry(signer))
        cache.keep("often", entry(signer))
        assert "often" in cache.entries


def test_another_key(signer: Signer, ec_key: PrivateKey) -> None:
    """Keep nothing of one key beside what another one signed."""
    cache = UrlCache(10)
    for number in range(8):
        cache.keep(number, entry(signer))
    cache.keep("b", entry(Signer(key_pair_id=OTHER_KEY_ID, private_key=ec_key)))
    assert list(cache.entries) == ["b"]


def test_no_secret_in_a_repr(signer: Signer) -> None:
    """Show no URL where an entry is printed: whoever has it has access."""
    assert "https://d/a" not in repr(entry(signer))


@pytest.mark.parametrize("has_folder", [False, True])
def test_memory(has_folder: bool, site: Any, ec_key: PrivateKey) -> None:
    """Take at most 1 KB for each URL or folder over the length of its URL."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=900)

    def sign(*numbers: int) -> int:
        return sum(
            len(storage.url(f"a/{n:05}/photo.jpg", folder=f"a/{n:05}" if has_folder else None))
            for n in numbers
        )

    with at(NOW):
        tracemalloc.start()
        try:
            sign(*range(600))  # more than the patterns that are kept, whatever is signed
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            length = sign(*range(600, 1000))
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert grown - length <= 400 * 1024


def test_threads(site: Any, ec_key: PrivateKey) -> None:
    """Give each of 16 threads the right URL, while the cache overflows and settings change."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=900)
    small = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=900, url_cache_size=10)
    names = [f"a/{number}.jpg" for number in range(40)]
    barrier = threading.Barrier(16)

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
        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(work, range(16)))


def test_no_cache(site: Any) -> None:
    """Sign each time if the size is 0; the URL is the same all the same."""
    storage = CloudFrontS3Storage(expire_step=900, url_cache_size=0)
    with at(NOW), counted_signatures() as signatures:
        assert storage.url("a.jpg") == storage.url("a.jpg")
        assert storage.url("a/b.jpg", folder="a") == storage.url("a/b.jpg", folder="a")
    assert len(signatures) == 4


def test_settings_make_all_anew(site: Any) -> None:
    """Sign again after a setting has changed, and give the same URL after it changed back."""
    storage = CloudFrontS3Storage(expire_step=900)
    with at(NOW), counted_signatures() as signatures:
        before = storage.url("a.jpg")
        with override_settings(AWS_LOCATION="x"):
            assert storage.url("a.jpg") != before
        assert storage.url("a.jpg") == before
    assert len(signatures) == 3
