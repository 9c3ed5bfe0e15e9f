"""Signatures, what they cover, and how many of them a storage keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cfsigned_django.signing.resource import compile_resource, readings

#: How many signatures a storage keeps; they take about 10 MB.
KEPT_SIGNATURES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The signature of one address, or of a resource that covers many."""

    #: When it expires, in Unix seconds.
    expires: int
    #: The query parameters, without ``?`` or ``&`` around them. Anyone who has them has access.
    query: str = field(repr=False)


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
