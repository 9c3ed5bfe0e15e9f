"""Cache signed URLs and resources for as long as ``url()`` would sign the same again.

A lookup takes no lock: it reads a dictionary and compares two times. A cache
belongs to the resolved options of a storage, and is dropped with them if an
option or a setting changes.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from cfsigned_django.signing import SignedPolicy, Signer
from cfsigned_django.signing.encoding import MAX_URL_LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A finished URL, or a signed resource that covers many."""

    #: ``url()`` returns this entry between these two times, in Unix seconds. ``since`` excludes a
    #: clock that was set back.
    since: float
    until: float
    #: When the signature expires, in Unix seconds.
    expires: int
    signer: Signer
    #: The finished URL, if the call had no wildcards.
    url: str = field(default="", repr=False)
    signed: SignedPolicy | None = None
    #: Set if the only ``*`` of the resource is its last character: every address that begins with
    #: this is covered.
    prefix: str | None = field(default=None, repr=False)

    def url_for(self, address: str) -> str:
        """Return the signed URL of an address that the resource covers, without signing again.

        The address must be encoded, with ``.`` and ``..`` resolved. Raise
        :exc:`~cfsigned_django.signing.InvalidPolicy` if it is not covered.
        """
        signed = self.signed
        assert signed is not None  # noqa: S101
        if self.prefix is not None and address.startswith(self.prefix):
            url = f"{address}{'&' if '?' in address else '?'}{signed.query}"
            if len(url) <= MAX_URL_LENGTH:
                return url
        return signed.url(address)


def prefix_of(resource: str) -> str | None:
    """Return the prefix that every covered address has; None if only a pattern can decide."""
    prefix = resource.removesuffix("*")
    return None if prefix == resource or {"*", "?"} & set(prefix) else prefix


#: The key of calls whose URL is not cached.
NEVER_KEPT = object()


@dataclass(slots=True)
class UrlCache:
    """A cache of up to ``size`` entries. The oldest entries make room for new ones."""

    size: int
    signer: Signer | None = None
    #: Read without a lock. The newest entry is the last one.
    entries: dict[Hashable, Signed] = field(default_factory=dict, repr=False)

    def keep(self, call: Hashable, entry: Signed) -> None:
        """Store an entry under the arguments of its call."""
        if not self.size:
            return
        entries = self.entries
        if entry.signer is not self.signer:  # A key that was replaced must not stay in memory.
            entries = self.entries = {}
            self.signer = entry.signer
        entries.pop(call, None)
        if len(entries) >= self.size:
            # An eighth at once: each removal at the front makes it slower to find the first entry.
            for oldest in list(entries)[: max(1, self.size // 8)]:
                entries.pop(oldest, None)
        entries[call] = entry
