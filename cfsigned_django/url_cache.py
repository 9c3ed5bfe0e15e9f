"""Keep finished URLs and signed resources for as long as they are what ``url()`` returns.

Each storage has a cache of its own. Reading takes no lock: a look into a
dictionary, and a comparison with the clock. Whatever could make another URL
drops the cache (an option that is set, a setting that changes, another key),
and each entry says until when nobody needs to look at anything else.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from cfsigned_django.signing import SignedPolicy, Signer

#: After so many seconds an entry is compared again with what the options say, so that a change
#: which nobody reports, such as that of a class, is noticed as well.
RECHECK_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Hold a URL, or what all URLs that a resource covers have in common."""

    #: Between these two moments, in Unix seconds, it is what ``url()`` returns. A clock that was
    #: set back is before ``since``.
    since: float
    until: float
    #: When the signature ends, in Unix seconds.
    expires: int
    signer: Signer
    #: The finished URL; for a resource, the URL of the folder that plain names are put behind.
    url: str = field(repr=False)
    signed: SignedPolicy | None = None
    #: A URL that is as plain as its name is covered where it begins so; None where a pattern has
    #: to say. The pattern itself takes 1 KB, and is not kept here.
    prefix: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """Hold what URLs have in common that are made within one second, and signed one by one."""

    #: Between these two moments, in Unix seconds, it is what ``url()`` needs without arguments.
    since: float
    until: float
    #: When the signatures end, in Unix seconds.
    expires: int
    #: Takes a plain name, as text and in bytes, and returns its URL.
    sign: Callable[[str, bytes], str]

    def grants(self, expires: int, now: float) -> bool:
        """Tell whether URLs may be made with it now that are to end then."""
        return self.expires == expires and self.since <= now < self.until


class UrlCache:
    """Keep up to ``size`` entries; where one more comes, those go that were longest not renewed."""

    __slots__ = ("__weakref__", "_lock", "_signer", "entries", "era", "second")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._signer: Signer | None = None
        #: What is found without a lock; the latest is the last.
        self.entries: dict[Any, Entry] = {}
        #: None where URLs are the same for a step, or where none was made yet.
        self.second: Second | None = None
        #: Another object after each drop. Who begins to work out an entry takes it along.
        self.era = object()
        with _caches_lock:
            _caches.add(self)

    def keep(self, key: Hashable, entry: Entry, *, era: object, size: int) -> None:
        """Keep an entry, unless the cache was dropped after ``era``."""
        with self._lock:
            if era is not self.era or size < 1:
                return
            if entry.signer is not self._signer:  # so that a key that was replaced is not kept
                self.entries, self._signer = {}, entry.signer
            self.entries.pop(key, None)
            if len(self.entries) >= size:
                # An eighth at once: the first of a dictionary takes longer to find with each that
                # was taken out before it.
                newer = islice(self.entries.items(), max(1, size // 8), None)
                self.entries = dict(newer)
            self.entries[key] = entry

    def keep_second(self, second: Second, *, era: object) -> None:
        """Keep what the URLs of this second share, unless the cache was dropped after ``era``."""
        with self._lock:
            if era is self.era:
                self.second = second

    def drop(self) -> None:
        """Forget all entries, also those that are being worked out."""
        with self._lock:
            self.entries, self._signer, self.era = {}, None, object()
            self.second = None

    def renew_lock(self) -> None:
        """Free what a thread held that a fork left behind."""
        self._lock = threading.Lock()


# Weak, so that a cache goes with its storage.
_caches: weakref.WeakSet[UrlCache] = weakref.WeakSet()
_caches_lock = threading.Lock()


def drop_all() -> None:
    """Let every storage of the process make its URLs anew."""
    with _caches_lock:
        caches = list(_caches)
    for cache in caches:
        cache.drop()


def _renew_locks() -> None:
    global _caches_lock
    _caches_lock = threading.Lock()
    for cache in list(_caches):
        cache.renew_lock()


# Servers fork their workers, while a thread may hold the lock. Windows knows no fork.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_renew_locks)
