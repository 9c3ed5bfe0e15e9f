"""Remember no more than was allowed, and nothing that was dropped."""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cfsigned_django import url_cache
from cfsigned_django.signing import PrivateKey, Signer
from cfsigned_django.storage import CloudFrontS3Storage
from cfsigned_django.url_cache import Entry, Second, UrlCache
from tests.storage_cases import KEY_ID, OTHER_KEY_ID, at, counted_signatures

NOW = 1_775_000_000


@pytest.fixture
def signer(ec_key: PrivateKey) -> Signer:
    """Return a signer."""
    return Signer(key_pair_id=KEY_ID, private_key=ec_key)


def entry(signer: Signer, url: str = "https://d/a") -> Entry:
    """Return an entry that is valid for a minute."""
    return Entry(since=NOW, until=NOW + 60, expires=NOW + 3600, signer=signer, url=url)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 9, 10, 101])
def test_bound(size: int, signer: Signer) -> None:
    """Keep so many entries at most, and the latest ones."""
    cache = UrlCache()
    for number in range(500):
        cache.keep(number, entry(signer), era=cache.era, size=size)
        assert len(cache.entries) <= size
        assert (cache.entries.get(number) is not None) == (size > 0)
    kept = list(cache.entries)
    assert kept == list(range(500 - len(kept), 500))
    assert len(kept) >= size - size // 8


def test_what_is_asked_for_stays(signer: Signer) -> None:
    """Keep an entry that is kept again, while others come and go."""
    cache = UrlCache()
    for number in range(500):
        cache.keep(number, entry(signer), era=cache.era, size=10)
        cache.keep("often", entry(signer), era=cache.era, size=10)
        assert "often" in cache.entries
    assert len(cache.entries) <= 10


def test_renewing_takes_no_place(signer: Signer) -> None:
    """Let nothing go when an entry of a full cache is renewed."""
    cache = UrlCache()
    for number in (*range(10), *range(10)):
        cache.keep(number, entry(signer), era=cache.era, size=10)
    assert list(cache.entries) == list(range(10))


def test_drop(signer: Signer) -> None:
    """Forget what there is, and what was begun before."""
    cache = UrlCache()
    before = cache.era
    cache.keep("a", entry(signer), era=before, size=10)
    cache.drop()
    assert cache.entries.get("a") is None
    cache.keep("a", entry(signer), era=before, size=10)
    assert len(cache.entries) == 0
    cache.keep("a", entry(signer), era=cache.era, size=10)
    assert cache.entries.get("a") is not None


@pytest.mark.parametrize("drops", [0, 1, 2])
def test_second(drops: int, signer: Signer) -> None:
    """Keep what the URLs of a second share, unless the cache was dropped since it was begun."""
    cache = UrlCache()
    quick = signer.until(NOW + 3600, start="https://d/")
    second = Second(since=NOW, until=NOW + 1, expires=NOW + 3600, sign=quick.sign)
    era = cache.era
    for _ in range(drops):
        cache.keep_second(second, era=cache.era)
        cache.drop()
    assert cache.second is None
    cache.keep_second(second, era=era)
    assert cache.second is (None if drops else second)


def test_another_key(signer: Signer, ec_key: PrivateKey) -> None:
    """Keep nothing of one key beside what another one signed."""
    cache = UrlCache()
    for number in range(8):
        cache.keep(number, entry(signer), era=cache.era, size=10)
    other = Signer(key_pair_id=OTHER_KEY_ID, private_key=ec_key)
    cache.keep("b", entry(other), era=cache.era, size=10)
    assert len(cache.entries) == 1
    assert cache.entries.get("b") is not None


def test_drop_all(signer: Signer) -> None:
    """Drop the caches that there are, and hold none that is used no more."""
    caches = [UrlCache() for _ in range(3)]
    for cache in caches:
        cache.keep("a", entry(signer), era=cache.era, size=10)
    url_cache.drop_all()
    assert [len(cache.entries) for cache in caches] == [0, 0, 0]
    count = len(url_cache._caches)
    del caches, cache
    gc.collect()
    assert len(url_cache._caches) <= count - 3


def test_no_secret_in_a_repr(signer: Signer) -> None:
    """Show no URL where an entry is printed: whoever has it has access."""
    assert "https://d/a" not in repr(entry(signer))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_fork_while_a_thread_keeps(signer: Signer) -> None:
    """Keep entries in a worker that was forked while a thread of the parent held the lock."""
    cache = UrlCache()
    with cache._lock:
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            cache.keep("a", entry(signer), era=cache.era, size=10)
            url_cache.drop_all()
            os._exit(0 if len(cache.entries) == 0 else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_locks_of_a_forked_worker(signer: Signer) -> None:
    """Have locks of one's own after a fork, whoever holds those of the parent."""
    cache = UrlCache()
    with cache._lock, url_cache._caches_lock:
        url_cache._renew_locks()
        cache.keep("a", entry(signer), era=cache.era, size=10)
        url_cache.drop_all()
    assert len(cache.entries) == 0


@pytest.mark.parametrize("key", ["rsa_key", "ec_key"])
def test_memory(key: str, site: Any, request: pytest.FixtureRequest) -> None:
    """Take at most 1 KB for each URL over its own length, and stay within the size."""
    pem = request.getfixturevalue(key).to_pem()
    storage = CloudFrontS3Storage(cloudfront_key=pem, expire_step=900, url_cache_size=400)
    with at(NOW):
        storage.url("a.jpg")
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            length = sum(len(storage.url(f"albums/2026/{n:05}/photo.jpg")) for n in range(399))
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert len(storage._urls.entries) == 400
        assert grown - length <= 399 * 1024
        for number in range(2000):
            storage.url(f"{number}.jpg")
        assert len(storage._urls.entries) <= 400


@pytest.mark.parametrize("key", ["rsa_key", "ec_key"])
def test_memory_of_resources(key: str, site: Any, request: pytest.FixtureRequest) -> None:
    """Take at most 1 KB for each signed resource over the length of a URL of it."""
    pem = request.getfixturevalue(key).to_pem()
    storage = CloudFrontS3Storage(cloudfront_key=pem, expire_step=900, url_cache_size=1000)

    def sign(*albums: int) -> int:
        return sum(len(storage.url(f"a/{n:05}/1.jpg", resource=f"a/{n:05}/*")) for n in albums)

    with at(NOW):
        tracemalloc.start()
        try:
            sign(*range(600))  # More than the patterns that are kept, whatever is signed.
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            length = sign(*range(600, 1000))
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert len(storage._urls.entries) == 1000
        assert grown - length <= 400 * 1024


def test_urls_and_resources_count_together(site: Any, ec_key: PrivateKey) -> None:
    """Keep no more URLs and signed resources together than the size says."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=900, url_cache_size=9)
    with at(NOW):
        for number in range(40):
            storage.url(f"{number}/1.jpg")
            storage.url(f"{number}/1.jpg", resource=f"{number}/*")
            assert len(storage._urls.entries) <= 9
        kept = {entry.signed is None for entry in storage._urls.entries.values()}
    assert kept == {True, False}


def test_threads(site: Any, ec_key: PrivateKey) -> None:
    """Give each of 16 threads the right URL, while the cache overflows and is dropped."""
    storage = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=900)
    small = CloudFrontS3Storage(cloudfront_key=ec_key.to_pem(), expire_step=900, url_cache_size=10)
    names = [f"a/{number}.jpg" for number in range(40)]
    barrier = threading.Barrier(16)

    def work(number: int) -> bool:
        barrier.wait()
        for turn in range(20):
            name = names[(number * 7 + turn) % 40]
            if turn == 10:
                url_cache.drop_all()
            if small.url(name) != right[name] or small.url(name, resource="a/*") != shared[name]:
                return False
        return True

    with at(NOW):
        right = {name: storage.url(name) for name in names}
        shared = {name: storage.url(name, resource="a/*") for name in names}
        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(work, range(16)))
    assert len(small._urls.entries) <= 10


def test_no_cache(site: Any) -> None:
    """Sign each time where the size is 0; the URL is the same all the same."""
    storage = CloudFrontS3Storage(expire_step=900, url_cache_size=0)
    with at(NOW), counted_signatures() as signatures:
        assert storage.url("a.jpg") == storage.url("a.jpg")
        assert storage.url("a.jpg", resource="*") == storage.url("a.jpg", resource="*")
    assert len(signatures) == 4


def test_nothing_is_kept_without_a_step(site: Any) -> None:
    """Remember no URL that nobody will ask for again."""
    storage = CloudFrontS3Storage()
    storage.url("a.jpg")
    storage.url("a.jpg", expire=60, ip_address="192.0.2.7", date_greater_than=NOW)
    assert len(storage._urls.entries) == 0
