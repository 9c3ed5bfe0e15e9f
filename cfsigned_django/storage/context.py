"""Note when the URLs end that are made while something watches, such as a response.

A watch belongs to the context (:mod:`contextvars`) that began it: to its
thread or task, and to what these start with a copy of their context, as
asyncio, ``sync_to_async`` and ``asyncio.to_thread`` do. A bare thread has a
context of its own, and what it signs is not seen.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_lock = threading.Lock()
#: How many watches there are in this process. ``url()`` looks here first, since that costs nothing.
watches = 0


class ExpiryWatch:
    """Hold when the first of the URLs ends that were made."""

    __slots__ = ("expires", "outer")

    def __init__(self, outer: ExpiryWatch | None = None) -> None:
        #: In Unix seconds; None where no URL was signed.
        self.expires: int | None = None
        self.outer = outer

    def note(self, expires: int) -> None:
        """Take down that a URL ends then, here and in the watches round this one."""
        watch: ExpiryWatch | None = self
        while watch is not None:
            if watch.expires is None or expires < watch.expires:
                with _lock:  # Threads of one context may note at once; few notes lower anything.
                    watch.expires = min(expires, watch.expires or expires)
            watch = watch.outer


_current: ContextVar[ExpiryWatch | None] = ContextVar("cfsigned_expiry_watch", default=None)


@contextmanager
def watch_expiry() -> Iterator[ExpiryWatch]:
    """Watch when the URLs end that are made within the block."""
    with resume(ExpiryWatch(_current.get())) as watch:
        yield watch


@contextmanager
def resume(watch: ExpiryWatch) -> Iterator[ExpiryWatch]:
    """Let a watch that has ended go on within the block."""
    global watches
    with _lock:
        watches += 1
    token = _current.set(watch)
    try:
        yield watch
    finally:
        _current.reset(token)
        with _lock:
            watches -= 1


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


# Servers fork their workers, while a thread may hold the lock. Windows knows no fork.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_renew_lock)


def current_watch() -> ExpiryWatch | None:
    """Return the innermost watch of this context, if there is one."""
    return _current.get()


def note(expires: int) -> None:
    """Take down that a URL was made which ends then, in Unix seconds."""
    watch = _current.get()
    if watch is not None:
        watch.note(expires)
