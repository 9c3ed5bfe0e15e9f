"""What surrounds a call of ``url()``: who wants to know when the URLs end that it makes.

It belongs to a context (:mod:`contextvars`): to the thread or task that began
it, and to what these start with a copy of their context, as asyncio,
``sync_to_async`` and ``asyncio.to_thread`` do. A bare thread has a context of
its own, and what it signs is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


class ExpiryWatch:
    """Hold when the first of the URLs ends that were made."""

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        # Threads of one context may note at once, and adding to a set needs no lock.
        self._ends: set[int] = set()

    @property
    def expires(self) -> int | None:
        """When the first of them ends, in Unix seconds; None if no URL was signed."""
        return min(self._ends, default=None)

    def note(self, expires: int) -> None:
        """Note that a URL ends at this time."""
        self._ends.add(expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What ``url()`` finds around it."""

    #: The innermost is the last.
    watches: tuple[ExpiryWatch, ...] = ()


#: What is around most calls.
NOTHING = Surroundings()
current: ContextVar[Surroundings] = ContextVar("cfsigned_surroundings", default=NOTHING)


@contextmanager
def watch_expiry() -> Iterator[ExpiryWatch]:
    """Watch when the URLs end that are made within the block."""
    with resume(ExpiryWatch()) as watch:
        yield watch


@contextmanager
def resume(watch: ExpiryWatch) -> Iterator[ExpiryWatch]:
    """Let a watch that has ended go on within the block."""
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
    """Note in each watch that a URL was made which ends then, in Unix seconds."""
    for watch in current.get().watches:
        watch.note(expires)
