"""The surroundings of a call of ``url()``: watches that note when signed URLs expire.

The surroundings belong to a context (:mod:`contextvars`): to the thread or
task that set them, and to whatever it starts with a copy of its context, as
asyncio, ``sync_to_async`` and ``asyncio.to_thread`` do. A plain thread starts
with an empty context, so URLs that it signs are not noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


class ExpiryWatch:
    """Record when the first of the URLs that were signed expires."""

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        # Threads that share a context may note at the same time: adding to a set needs no lock.
        self._ends: set[int] = set()

    @property
    def expires(self) -> int | None:
        """When the first URL expires, in Unix seconds; None if no URL was signed."""
        return min(self._ends, default=None)

    def note(self, expires: int) -> None:
        """Note that a URL expires at this time, in Unix seconds."""
        self._ends.add(expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The watches that surround a call of ``url()``."""

    #: The innermost watch is the last one.
    watches: tuple[ExpiryWatch, ...] = ()


#: The surroundings of most calls.
NOTHING = Surroundings()
current: ContextVar[Surroundings] = ContextVar("cfsigned_surroundings", default=NOTHING)


@contextmanager
def watch_expiry() -> Iterator[ExpiryWatch]:
    """Note when the URLs that are signed within the block expire."""
    with resume(ExpiryWatch()) as watch:
        yield watch


@contextmanager
def resume(watch: ExpiryWatch) -> Iterator[ExpiryWatch]:
    """Continue within the block with a watch whose own block has ended."""
    around = current.get()
    token = current.set(replace(around, watches=(*around.watches, watch)))
    try:
        yield watch
    finally:
        current.reset(token)


def current_watch() -> ExpiryWatch | None:
    """Return the innermost watch of this context, if there is one."""
    watches = current.get().watches
    return watches[-1] if watches else None


def note(expires: int) -> None:
    """Note in every watch that a URL expires at this time, in Unix seconds."""
    for watch in current.get().watches:
        watch.note(expires)
