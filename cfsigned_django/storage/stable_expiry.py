"""Let the end of a URL move in steps, so that browsers can cache what it names."""

from __future__ import annotations

import zlib


def stable_expiry(earliest: int, step: int, resource: str) -> int:
    """Return the moment at which the URL ends: ``earliest``, or less than a step later.

    Both are Unix seconds, ``step`` is 1 or more. The result stays the same
    for a whole step, in every process and on every machine. Each resource
    (what the signature covers) has its steps at other moments than most
    others, so that the pictures of a page do not all change at once.
    """
    # Not hash(), which Python makes another one in each process.
    return earliest + (zlib.crc32(resource.encode()) - earliest) % step
