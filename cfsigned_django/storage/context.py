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

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
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
    expire: int | timedelta | None = None
    expire_step: int | timedelta | None = None
    ip_address: str | None = None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The watches and blocks that surround a call of ``url()``, the innermost last."""

    watches: tuple[ExpiryWatch, ...] = ()
    blocks: tuple[SigningBlock, ...] = ()


#: The surroundings of most calls.
NOTHING = Surroundings()
current: ContextVar[Surroundings] = ContextVar("cfsigned_surroundings", default=NOTHING)


@contextmanager
def watch_expiry() -> Iterator[ExpiryWatch]:
    """Note when the URLs that are signed within the block expire.

    The block gets a watch: ``with watch_expiry() as watch``. ``watch.expires``
    is when the first of the URLs expires, in Unix seconds, or None if no URL
    was signed.
    """
    watch = ExpiryWatch()
    around = current.get()
    token = current.set(replace(around, watches=(*around.watches, watch)))
    try:
        yield watch
    finally:
        current.reset(token)


def enter(block: SigningBlock) -> None:
    """Let the calls of ``url()`` obey the block, until :func:`leave`."""
    around = current.get()
    current.set(replace(around, blocks=(*around.blocks, block)))


def leave(block: SigningBlock) -> None:
    """End this block, wherever it is known: it may not be the innermost one."""
    block.is_left = True
    around = current.get()
    blocks = tuple(each for each in around.blocks if each is not block)
    around = replace(around, blocks=blocks)
    current.set(NOTHING if around == NOTHING else around)


def open_blocks() -> Sequence[SigningBlock]:
    """Return the blocks that surround the call, the innermost first."""
    blocks = current.get().blocks
    return [each for each in reversed(blocks) if not each.is_left] if blocks else ()


def current_watch() -> ExpiryWatch | None:
    """Return the innermost watch of this context, if there is one."""
    watches = current.get().watches
    return watches[-1] if watches else None


def note(expires: int) -> None:
    """Note in every watch that a URL expires at this time, in Unix seconds."""
    for watch in current.get().watches:
        watch.note(expires)
