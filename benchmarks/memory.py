"""Measure what the URLs take that a process remembers."""

from __future__ import annotations

import gc
import statistics
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.keys import STEP, Keys, names_of_round, our_storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Hold what a full cache takes, and what it holds after many more names than it may keep."""

    #: How many URLs it may keep.
    size: int
    #: The mean length of a URL, and what each takes in all, in bytes.
    url_length: float
    per_url: float
    #: The most entries there were at any moment, and all bytes after twice as many names.
    most_entries: int
    bytes_full: int
    bytes_after: int
    #: What a signed resource takes over the length of a URL of it.
    resource_over_length: float

    @property
    def over_length(self) -> float:
        """Return what a URL takes over its own length, in bytes."""
        return self.per_url - self.url_length

    @property
    def is_bounded(self) -> bool:
        """Tell whether twice as many names took no more room than the cache may have."""
        return self.most_entries <= self.size and self.bytes_after <= self.bytes_full * 1.01


def measure_memory(keys: Keys, *, urls: int) -> Memory:
    """Fill a cache of so many URLs, and go on with as many again."""
    storage = our_storage(keys.rsa, expire_step=STEP, url_cache_size=urls)
    storage.url("warm/up.jpg")  # what is needed once, for any number of URLs
    storage._urls.entries.clear()
    tracemalloc.start()
    try:
        before = _now()
        lengths = [len(storage.url(name)) for name in _names(0, urls)]
        url_length = statistics.fmean(lengths)
        del lengths
        full, count = _now() - before, len(storage._urls.entries)
        most = count
        for name in _names(1, urls):
            storage.url(name)
            most = max(most, len(storage._urls.entries))
        after = _now() - before
        resource = _measure_resources(keys, urls // 10)
    finally:
        tracemalloc.stop()
    return Memory(
        size=urls,
        url_length=url_length,
        per_url=full / count,
        most_entries=most,
        bytes_full=full,
        bytes_after=after,
        resource_over_length=resource,
    )


def _measure_resources(keys: Keys, count: int) -> float:
    """Return what each takes over the length of a URL, where all are of another folder."""
    storage = our_storage(keys.rsa, expire_step=STEP, url_cache_size=count)

    def sign(number: int) -> list[int]:
        folders = [f"albums/{number}/{each}" for each in range(count)]
        return [len(storage.url(f"{each}/1.jpg", resource=f"{each}/*")) for each in folders]

    sign(0)  # The patterns of the latest resources are kept as well, however many there were.
    storage._urls.entries.clear()
    before = _now()
    length = statistics.fmean(sign(1))
    return (_now() - before) / len(storage._urls.entries) - length


def _names(number: int, count: int) -> Sequence[str]:
    return names_of_round(number, count)


def _now() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
