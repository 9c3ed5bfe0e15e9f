"""What surrounds a call of ``url()``: watches of expiries, and blocks that share a signature.

A watch notes when the URLs that are signed within it expire. A block of
:class:`cfsigned_django.shortcuts.signed_urls` has resources, each of which is
signed once for all names that it covers.

Watches and blocks belong to a context (:mod:`contextvars`): to the thread or
task that opened them, and to all that it starts with a copy of its context, as
asyncio, ``sync_to_async`` and ``asyncio.to_thread`` do. So does a plain thread
on a free-threaded Python; on others it starts with an empty context: no watch
notes its URLs, and no block signs them. A block that was left no longer signs
anything, even in copies of its context.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cfsigned_django.storage.signatures import Signature, covers


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

    @property
    def expires_at(self) -> str | None:
        """The same as text for an API: ISO 8601, UTC."""
        at = self.expires
        return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()

    def note(self, expires: int) -> None:
        """Note that a URL expires at this time, in Unix seconds."""
        self._ends.add(expires)


@dataclass(slots=True, kw_only=True, eq=False)
class SigningBlock:
    """The resources of a ``signed_urls()`` block, and how they are signed."""

    storage: Any
    #: The URLs of the resources, encoded, in which ``*`` is a wildcard.
    covered: tuple[str, ...]
    #: The arguments of url() that each URL within gets.
    arguments: Mapping[str, Any]
    #: A resource -> when it was signed, and its signature, once a URL needed it.
    signed: dict[str, tuple[float, Signature]] = field(default_factory=dict, repr=False)
    #: Whether its ``with`` statement has ended. Copies of its context still hold the block then.
    is_left: bool = False

    def find(self, address: str) -> str | None:
        """Return the first resource that covers an encoded address; None if none does."""
        for resource in self.covered:
            if covers(resource, address):
                return resource
        return None

    def known(self, resource: str, now: float) -> Signature | None:
        """Return the signature of a resource for half of its life; then None, to sign anew.

        So each URL has half of its life before it, however long the block is open. Until then the
        signature stays, even if the key or an option has changed.
        """
        since, signature = self.signed.get(resource, (now, None))
        if signature is not None and since <= now < (since + signature.expires) / 2:
            return signature
        return None


#: What surrounds a call, the innermost last.
watches: ContextVar[tuple[ExpiryWatch, ...]] = ContextVar("cfsigned_watches", default=())
blocks: ContextVar[tuple[SigningBlock, ...]] = ContextVar("cfsigned_blocks", default=())


@contextmanager
def watch_expiry() -> Iterator[ExpiryWatch]:
    """Note when the URLs that are signed within the block expire.

    The block gets a watch: ``with watch_expiry() as watch``. ``watch.expires``
    is when the first of the URLs expires, in Unix seconds, or None if no URL
    was signed.
    """
    watch = ExpiryWatch()
    token = watches.set((*watches.get(), watch))
    try:
        yield watch
    finally:
        watches.reset(token)


def enter(block: SigningBlock) -> None:
    """Let the calls of ``url()`` obey the block, until :func:`leave`."""
    blocks.set((*blocks.get(), block))


def leave(block: SigningBlock) -> None:
    """End this block, wherever it is known: it may not be the innermost one."""
    block.is_left = True
    blocks.set(tuple(each for each in blocks.get() if each is not block))


def open_blocks() -> list[SigningBlock]:
    """Return the blocks that surround the call, the innermost first."""
    return [each for each in reversed(blocks.get()) if not each.is_left]


def current_watch() -> ExpiryWatch | None:
    """Return the innermost watch of this context, if there is one."""
    return next(reversed(watches.get()), None)


def note(expires: int) -> None:
    """Note in every watch that a URL expires at this time, in Unix seconds."""
    for watch in watches.get():
        watch.note(expires)
