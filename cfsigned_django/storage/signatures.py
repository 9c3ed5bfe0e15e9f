"""Signatures, what they cover, and how many of them a storage keeps."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from cfsigned_django.signing.resource import compile_resource, readings

V = TypeVar("V")

#: How many signatures a storage keeps; they take about 10 MB.
KEPT_SIGNATURES: Final = 10_000


class Signature(NamedTuple):
    """The signature of one address, or of a resource that covers many.

    Each new URL makes one, and a frozen dataclass takes twice as long to make.
    """

    #: When it expires, in Unix seconds.
    expires: int
    #: The query parameters, without ``?`` or ``&`` around them. Anyone who has them has access.
    query: str

    def __repr__(self) -> str:
        return f"<Signature until {self.expires}>"


def covers(resource: str, address: str) -> bool:
    """Return whether a resource covers an encoded address, whose dots are resolved."""
    prefix = _prefix_of(resource)
    if prefix is not None:
        return address.startswith(prefix)
    pattern = compile_resource(resource)
    return all(pattern.fullmatch(each) for each in readings(address))


@lru_cache(maxsize=512)
def _prefix_of(resource: str) -> str | None:
    """Return what every covered address begins with; None if only a pattern can decide."""
    prefix = resource.removesuffix("*")
    return None if prefix == resource or {"*", "?"} & set(prefix) else prefix


class Bounded(dict[Hashable, V]):
    """A dictionary, read without a lock, in which the oldest entries make room for new ones."""

    def keep(self, key: Hashable, value: V, size: int) -> None:
        """Store a value as the newest, and keep at most ``size`` of them."""
        self.pop(key, None)
        if len(self) >= size:
            # An eighth at once: each removal at the front makes it slower to find the first entry.
            for oldest in list(self)[: max(1, size // 8)]:
                self.pop(oldest, None)
        self[key] = value
