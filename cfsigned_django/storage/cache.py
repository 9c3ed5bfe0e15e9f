"""Keep what was signed, for as long as ``url()`` would sign the same again.

Reading takes no lock: a look into a dictionary, and a comparison with the
clock. A cache belongs to what a storage has worked out of its options, and
goes with that if an option or a setting changes.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from cfsigned_django.signing import SignedPolicy, Signer
from cfsigned_django.signing.encoding import MAX_URL_LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A finished URL, or a signed resource that covers many."""

    #: Between these two moments, in Unix seconds, it is what ``url()`` returns. A clock that was
    #: set back is before ``since``.
    since: float
    until: float
    #: When the signature ends, in Unix seconds.
    expires: int
    signer: Signer
    #: The finished URL, of a call without wildcards.
    url: str = field(default="", repr=False)
    signed: SignedPolicy | None = None
    #: Each address that begins so is covered: the only ``*`` of the resource ends its path.
    prefix: str | None = field(default=None, repr=False)

    def url_for(self, address: str) -> str:
        """Return the URL of an address that the resource covers; costs no signature.

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
    """Return what covers an address by its beginning alone; None if a pattern must decide."""
    prefix = resource.removesuffix("*")
    return None if prefix == resource or {"*", "?"} & set(prefix) else prefix


#: Stands for the arguments of a call whose URL is not used again.
NEVER_KEPT = object()


@dataclass(slots=True)
class UrlCache:
    """Keep up to ``size`` entries; the ones kept longest ago make room for new ones."""

    size: int
    signer: Signer | None = None
    #: What is found without a lock; the latest is the last.
    entries: dict[Hashable, Signed] = field(default_factory=dict, repr=False)

    def keep(self, call: Hashable, entry: Signed) -> None:
        """Keep an entry under the arguments of its call."""
        if not self.size:
            return
        entries = self.entries
        if entry.signer is not self.signer:  # so that a key that was replaced is not kept
            entries = self.entries = {}
            self.signer = entry.signer
        entries.pop(call, None)
        if len(entries) >= self.size:
            # An eighth at once: finding the first of a dictionary takes longer with each that
            # was taken out before it.
            for oldest in list(entries)[: max(1, self.size // 8)]:
                entries.pop(oldest, None)
        entries[call] = entry
